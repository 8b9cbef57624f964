"""The server API's requests as Centrifugo's clients write them: JSON in, requests out, nothing done.

One body is one method's parameters (`/api/publish`), lines of `{"method":…,"params":…}` (the legacy
`/api`), or a batch.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_API_COMMANDS, REALTIME_API_KEY_BYTES
from madang.protocols.centrifugo import text
from madang.protocols.centrifugo.messages import NONE, StreamPosition
from madang.realtime.ports import BAD_REQUEST, METHOD_NOT_FOUND, ReplyError

_Key = Annotated[str, msgspec.Meta(max_length=REALTIME_API_KEY_BYTES)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What `publish` and `broadcast` share. `b64data` wins over `data`, as bytes that need not be JSON."""

    data: Raw = NONE
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] = {}
    idempotency_key: _Key = ""
    delta: bool = False
    version: _Count = 0
    version_epoch: _Key = ""


class Publish(Publication, frozen=True, kw_only=True):
    channel: str


class Broadcast(Publication, frozen=True, kw_only=True):
    channels: list[str]


class Whom(msgspec.Struct, frozen=True, kw_only=True):
    """Connections of a user: all, or one by its client or session id."""

    user: str
    client: str = ""
    session: str = ""


class Boxed(msgspec.Struct, frozen=True):
    value: bool = False


class Override(msgspec.Struct, frozen=True):
    """Options of the channel's namespace that this subscription has otherwise."""

    presence: Boxed | None = None
    join_leave: Boxed | None = None
    force_push_join_leave: Boxed | None = None
    force_recovery: Boxed | None = None
    force_positioning: Boxed | None = None


class Subscribe(Whom, frozen=True, kw_only=True):
    channel: str
    info: Raw = NONE
    b64info: str = ""
    data: Raw = NONE
    b64data: str = ""
    recover_since: StreamPosition | None = None
    override: Override | None = None
    expire_at: float = 0.0


class Unsubscribe(Whom, frozen=True, kw_only=True):
    channel: str


class Reason(msgspec.Struct, frozen=True):
    code: int = 0
    reason: str = ""


class Disconnect(Whom, frozen=True, kw_only=True):
    whitelist: list[str] = []
    disconnect: Reason | None = None


class Refresh(Whom, frozen=True, kw_only=True):
    expired: bool = False
    expire_at: float = 0.0
    info: Raw = NONE


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    channel: str


class History(Channel, frozen=True, kw_only=True):
    limit: int = 0
    since: StreamPosition | None = None
    reverse: bool = False


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    pattern: str = ""


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Rpc(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    params: Raw = NONE


class Connections(msgspec.Struct, frozen=True, kw_only=True):
    user: str = ""
    expression: str = ""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    expire_at: float = 0.0


class Unblock(msgspec.Struct, frozen=True, kw_only=True):
    user: str


class Revoke(msgspec.Struct, frozen=True, kw_only=True):
    uid: Annotated[str, msgspec.Meta(min_length=1, max_length=REALTIME_API_KEY_BYTES)]
    expire_at: float = 0.0


class Invalidate(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    issued_before: float = 0.0
    channel: str = ""
    expire_at: float = 0.0


class SharedPollPublish(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a key; `version` counts as in the answers of the poll's backend."""

    channel: str
    key: str
    data: Raw = NONE
    b64data: str = ""
    version: _Count = 0
    epoch: _Key = ""


class MapPublish(msgspec.Struct, frozen=True, kw_only=True):
    """`b64data` and `b64stream_data` win over what they are beside."""

    channel: str
    key: str = ""
    data: Raw = NONE
    b64data: str = ""
    stream_data: Raw = NONE
    b64stream_data: str = ""
    tags: dict[str, str] = {}
    idempotency_key: _Key = ""
    delta: bool = False
    version: _Count = 0
    version_epoch: _Key = ""
    key_mode: str = ""


class MapRemove(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    key: str = ""
    tags: dict[str, str] = {}
    idempotency_key: _Key = ""


class MapReadState(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    cursor: str = ""
    limit: int = 0
    key: str = ""
    revision_offset: _Count = 0
    revision_epoch: str = ""


class MapReadStream(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    limit: int = 0
    since_offset: _Count = 0
    since_epoch: str = ""
    reverse: bool = False


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    commands: list[dict[str, Raw]] = []
    parallel: bool = False


class _Line(msgspec.Struct, frozen=True):
    method: str = ""
    params: Raw = NONE
    id: int = 0


ABSENT: Final = ()
"""Methods of maps, which are not here: error 108."""
KINDS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "publish": Publish,
    "broadcast": Broadcast,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "disconnect": Disconnect,
    "refresh": Refresh,
    "presence": Channel,
    "presence_stats": Channel,
    "history": History,
    "history_remove": Channel,
    "channels": Channels,
    "info": Nothing,
    "rpc": Rpc,
    "connections": Connections,
    "block_user": Block,
    "unblock_user": Unblock,
    "revoke_token": Revoke,
    "invalidate_user_tokens": Invalidate,
    "map_publish": MapPublish,
    "map_remove": MapRemove,
    "map_read_state": MapReadState,
    "map_read_stream": MapReadStream,
    "map_stats": Channel,
    "map_clear": Channel,
    "shared_poll_publish": SharedPollPublish,
    **dict.fromkeys(ABSENT, Nothing),
}
_DECODERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    method: msgspec.json.Decoder(kind) for method, kind in KINDS.items()
}
_BATCH: Final = msgspec.json.Decoder(Batch)
_LINE: Final = msgspec.json.Decoder(_Line)
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
_BAD: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Asked(NamedTuple):
    """One command: its request, or the error that answers it."""

    method: str
    request: msgspec.Struct | ReplyError
    id: int = 0


def check(body: bytes) -> None:
    """Refuse what is no UTF-8 or nested too deeply, before anything is read. Raises PeerError "400"."""
    try:
        if not body.isascii():
            body.decode()
    except UnicodeDecodeError:
        raise PeerError("400", "the body is not UTF-8") from None
    if text.is_deep(body):
        raise PeerError("400", "JSON is nested too deeply")


def parse(method: str, params: bytes) -> msgspec.Struct:
    """The request of a method of `KINDS`; no bytes are no parameters. Raises PeerError "400"."""
    decoder = _DECODERS[method]
    found: msgspec.Struct
    try:
        found = decoder.decode(params or b"{}")
    except _BAD as error:
        try:  # null stands for an absent field in other languages' clients
            fields = {name: told for name, told in _FIELDS.decode(params).items() if bytes(told) != b"null"}
            found = decoder.decode(msgspec.json.encode(fields))
        except _BAD:
            raise PeerError("400", f"bad parameters of {method}: {error}") from None
    return found


def parse_lines(body: bytes) -> list[Asked]:
    """The commands of the legacy endpoint. Raises PeerError "400" for what are no commands at all."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    if not lines or len(lines) > REALTIME_API_COMMANDS:
        raise PeerError("400", "no commands, or too many")
    try:
        told = [_LINE.decode(line) for line in lines]
    except _BAD as error:
        raise PeerError("400", f"bad command: {error}") from None
    return [Asked(each.method, _request(each.method, bytes(each.params)), each.id) for each in told]


def parse_batch(body: bytes) -> tuple[list[Asked], bool]:
    """The commands of a batch, and whether they may go side by side. Raises PeerError "400"."""
    try:
        batch = _BATCH.decode(body or b"{}")
    except _BAD as error:
        raise PeerError("400", f"bad batch: {error}") from None
    if len(batch.commands) > REALTIME_API_COMMANDS:
        raise PeerError("400", "too many commands")
    return [_command(fields) for fields in batch.commands], batch.parallel


def _command(fields: Mapping[str, Raw]) -> Asked:
    """One of a batch: `{"publish":{…}}`, perhaps with an `id`."""
    number = bytes(fields.get("id", NONE))
    at = int(number) if number.isdigit() and len(number) < 20 else 0
    for name, params in fields.items():
        if name in KINDS:
            return Asked(name, _request(name, bytes(params)), at)
    return Asked("", METHOD_NOT_FOUND, at)


def _request(method: str, params: bytes) -> msgspec.Struct | ReplyError:
    if method not in KINDS:
        return METHOD_NOT_FOUND
    try:
        return parse(method, params)
    except PeerError:
        return BAD_REQUEST


def either(plain: Raw, encoded: str) -> bytes:
    """JSON, or what came in base 64 beside it. Raises ReplyError 107."""
    if not encoded:
        return bytes(plain)
    try:
        return b64decode(encoded, validate=True)
    except (Base64Error, ValueError):
        raise BAD_REQUEST from None

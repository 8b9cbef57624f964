"""What a proxy asks a backend and what the backend answers: JSON, as in Centrifugo's proxy schema.

Field names are those of the public schema, `internal/proxyproto/proxy.proto`. `Raw` is JSON; empty means
absent, and so does a null.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Annotated, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.protocols.centrifugo import text
from madang.protocols.centrifugo.messages import NONE

_ENCODER: Final = msgspec.json.Encoder()
_NULL: Final = Raw(b"null")
_BAD: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
DISCONNECTS: Final = range(3000, 5000)
"""Codes that a close frame may carry."""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every question begins with: the connection it is about."""

    client: str
    transport: str
    protocol: str
    """`json` or `protobuf`: what the client speaks."""
    encoding: str
    """`json`, or `binary` where data go as base 64."""


class ConnectCall(Call, frozen=True, kw_only=True, omit_defaults=True):
    name: str = ""
    version: str = ""
    data: Raw = NONE
    b64data: str = ""
    channels: tuple[str, ...] = ()


class RefreshCall(Call, frozen=True, kw_only=True, omit_defaults=True):
    user: str
    meta: Raw = NONE


class SubscribeCall(RefreshCall, frozen=True, kw_only=True, omit_defaults=True):
    channel: str
    token: str = ""
    data: Raw = NONE
    b64data: str = ""


class PublishCall(RefreshCall, frozen=True, kw_only=True, omit_defaults=True):
    channel: str
    data: Raw = NONE
    b64data: str = ""


class KeyCall(RefreshCall, frozen=True, kw_only=True, omit_defaults=True):
    """A client sets a key of a map, or removes it, without data."""

    channel: str
    key: str
    data: Raw = NONE
    b64data: str = ""


class SubRefreshCall(RefreshCall, frozen=True, kw_only=True, omit_defaults=True):
    channel: str


class RpcCall(RefreshCall, frozen=True, kw_only=True, omit_defaults=True):
    method: str = ""
    data: Raw = NONE
    b64data: str = ""


class ChannelEvent(msgspec.Struct, frozen=True):
    """A channel has its first subscriber (`occupied`), or has lost its last (`vacated`)."""

    channel: str
    type: str
    time_ms: int
    """Since 1970-01-01 UTC."""


class StatesCall(msgspec.Struct, frozen=True):
    """What a backend is told about channels, whose connections do not matter."""

    events: tuple[ChannelEvent, ...]


class SharedPollItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key that is asked for; `version` where the backend counts versions, 0 for none that is known."""

    key: str
    version: int | None = None


class SharedPollCall(msgspec.Struct, frozen=True):
    """What a backend is asked for everybody who follows keys of a channel."""

    channel: str
    items: tuple[SharedPollItem, ...]


class Told(msgspec.Struct, frozen=True):
    """An option that a subscription has otherwise than its namespace."""

    value: bool = False


class Override(msgspec.Struct, frozen=True):
    presence: Told | None = None
    join_leave: Told | None = None
    force_recovery: Told | None = None
    force_positioning: Told | None = None
    force_push_join_leave: Told | None = None


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    data: Raw = NONE
    b64data: str | None = ""


class _DataAndInfo(_Data, frozen=True, kw_only=True):
    info: Raw = NONE
    """What others see of the connection."""
    b64info: str | None = ""


class SubscribeResult(_DataAndInfo, frozen=True, kw_only=True):
    """A subscription as the backend wants it; `expire_at` in seconds since 1970, 0 for never."""

    expire_at: float | None = 0
    override: Override | None = None
    server_tags_filter: Raw = NONE


class ConnectResult(_DataAndInfo, frozen=True, kw_only=True):
    user: str = ""
    expire_at: float | None = 0
    channels: tuple[str, ...] | None = ()
    subs: dict[str, SubscribeResult] | None = None
    meta: Raw = NONE


class RefreshResult(msgspec.Struct, frozen=True, kw_only=True):
    """Of a connection, or of a subscription."""

    expired: bool | None = False
    expire_at: float | None = 0
    info: Raw = NONE
    b64info: str | None = ""
    meta: Raw = NONE


class PublishResult(_Data, frozen=True, kw_only=True):
    skip_history: bool | None = False
    tags: dict[str, str] | None = None
    idempotency_key: str | None = ""
    delta: bool | None = False
    version: int | None = 0
    version_epoch: str | None = ""


class SharedPollValue(_Data, frozen=True, kw_only=True):
    """A key's value now; without data where it is as it was."""

    key: str
    version: Annotated[int, msgspec.Meta(ge=0)] | None = 0
    removed: bool | None = False
    prev_data: Raw = NONE
    """The value before, for deltas."""


class SharedPollResult(msgspec.Struct, frozen=True):
    """A key that is left out is as it was. Another `epoch` than before: versions begin anew."""

    items: tuple[SharedPollValue, ...] | None = ()
    epoch: str | None = ""


class KeyResult(_Data, frozen=True, kw_only=True):
    """What becomes of a key; what is left out stays as the client said."""

    key: str | None = ""
    tags: dict[str, str] | None = None
    key_mode: Literal["", "if_new", "if_exists"] | None = ""
    stream_data: Raw = NONE
    """What subscribers get in place of the data that are kept."""
    b64stream_data: str | None = ""
    idempotency_key: str | None = ""
    delta: bool | None = False
    version: Annotated[int, msgspec.Meta(ge=0)] | None = 0
    version_epoch: str | None = ""


class RpcResult(_Data, frozen=True, kw_only=True):
    """What the client's call is answered with."""


class Error(msgspec.Struct, frozen=True):
    """The client's command is answered with this; applications use 400 to 1999."""

    code: int
    message: str = ""
    temporary: bool = False


class Disconnect(msgspec.Struct, frozen=True):
    """The connection ends; applications use 4000 to 4499, and 4500 to 4999 to keep the client away."""

    code: int
    reason: str = ""


_R = TypeVar("_R")


class Nothing(msgspec.Struct, frozen=True):
    """A result without fields."""


class Answer(msgspec.Struct, Generic[_R], frozen=True):
    """One of the three, in the order disconnect, error, result; or nothing at all."""

    result: _R | None = None
    error: Error | None = None
    disconnect: Disconnect | None = None


CONNECT: Final = msgspec.json.Decoder(Answer[ConnectResult])
REFRESH: Final = msgspec.json.Decoder(Answer[RefreshResult])
SUBSCRIBE: Final = msgspec.json.Decoder(Answer[SubscribeResult])
PUBLISH: Final = msgspec.json.Decoder(Answer[PublishResult])
KEY: Final = msgspec.json.Decoder(Answer[KeyResult])
RPC: Final = msgspec.json.Decoder(Answer[RpcResult])
SHARED_POLL: Final = msgspec.json.Decoder(Answer[SharedPollResult])
STATES: Final = msgspec.json.Decoder(Answer[Nothing])


Question = Call | StatesCall | SharedPollCall


def encode(call: Question) -> bytes:
    """The body of a request."""
    return _ENCODER.encode(call)


def parse(kind: msgspec.json.Decoder[Answer[_R]], body: bytes) -> Answer[_R]:
    """A backend's answer, checked; `kind` is one of the decoders above. Raises PeerError "answer"."""
    if text.is_deep(body):
        raise PeerError("answer", "JSON is nested too deeply")
    try:
        if not body.isascii():
            body.decode()  # what is taken over raw is not looked into
        found = kind.decode(body or b"{}")
    except _BAD as error:
        raise PeerError("answer", f"bad answer: {error}") from None
    if found.disconnect is not None and found.disconnect.code not in DISCONNECTS:
        raise PeerError("answer", f"no code of a disconnect: {found.disconnect.code}")
    if found.error is not None and not 0 < found.error.code < 1 << 32:
        raise PeerError("answer", f"no code of an error: {found.error.code}")
    return found


def present(value: Raw) -> bytes:
    """JSON; a null stands for an absent field in other languages' backends."""
    return b"" if value == _NULL else bytes(value)


def either(plain: Raw, encoded: str | None) -> bytes:
    """JSON, or bytes that came in base 64 beside it. Raises PeerError "answer" for bad base 64."""
    if not encoded:
        return present(plain)
    try:
        return b64decode(encoded, validate=True)
    except (Base64Error, ValueError):
        raise PeerError("answer", "bad base 64") from None

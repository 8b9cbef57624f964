"""Commands, replies and pushes as values, the same for JSON and Protobuf.

`Raw` holds JSON in JSON and any bytes in Protobuf; empty means absent. Field names are those of the public
schema.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Raw

Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
"""uint32."""
Offset = Annotated[int, msgspec.Meta(ge=0)]
"""uint64."""
NONE: Final = Raw(b"")
NO_LIST: Final = Raw(b"[]")

STREAM: Final = 0
MAP: Final = 1
MAP_CLIENTS: Final = 2
"""A map of the connections that are subscribed to a channel, by client id."""
MAP_USERS: Final = 3
SHARED_POLL: Final = 4
MAP_KEY: Final = 1
"""A publish to a key of a map."""
REFRESH: Final = 0
TRACK: Final = 1
UNTRACK: Final = 2
LIVE_PHASE: Final = 0
STREAM_PHASE: Final = 1
STATE_PHASE: Final = 2


def raw(data: bytes) -> Raw:
    """`data` as a field; empty data are absent."""
    return Raw(data) if data else NONE


class FilterNode(msgspec.Struct, frozen=True):
    """A tags filter: a leaf compares one tag, an inner node joins others."""

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: tuple[str, ...] = ()
    nodes: tuple["FilterNode", ...] = ()


class SubscribeRequest(msgspec.Struct, frozen=True):
    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: Offset = 0
    data: Raw = NONE
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: FilterNode | None = None
    flag: Number = 0
    type: int = 0
    """What kind of subscription: 0 a stream; see `STREAM` and its neighbours."""
    phase: int = 0
    """Of a map: 2 asks for state, 1 for the stream behind it, 0 to go live."""
    cursor: str = ""
    limit: int = 0
    asc: bool = False


class ConnectRequest(msgspec.Struct, frozen=True):
    token: str = ""
    data: Raw = NONE
    subs: dict[str, SubscribeRequest] = {}
    name: str = ""
    version: str = ""
    headers: dict[str, str] = {}
    flag: Number = 0


class ChannelRequest(msgspec.Struct, frozen=True):
    """Of unsubscribe, presence and presence_stats."""

    channel: str = ""


class PublishRequest(msgspec.Struct, frozen=True):
    channel: str = ""
    data: Raw = NONE
    type: int = 0
    """1 for a key of a map."""
    key: str = ""
    removed: bool = False


class StreamPosition(msgspec.Struct, frozen=True):
    offset: Offset = 0
    epoch: str = ""


class HistoryRequest(msgspec.Struct, frozen=True):
    channel: str = ""
    limit: int = 0
    since: StreamPosition | None = None
    reverse: bool = False


class SendRequest(msgspec.Struct, frozen=True):
    data: Raw = NONE


class RpcRequest(msgspec.Struct, frozen=True):
    data: Raw = NONE
    method: str = ""


class RefreshRequest(msgspec.Struct, frozen=True):
    token: str = ""


class KeyedItem(msgspec.Struct, frozen=True):
    """A key of a shared poll, and the version of it that the client has."""

    key: str = ""
    version: Offset = 0


class TrackBatch(msgspec.Struct, frozen=True):
    """Keys that one signature allows."""

    signature: str = ""
    items: tuple[KeyedItem, ...] = ()


class SubRefreshRequest(msgspec.Struct, frozen=True):
    channel: str = ""
    token: str = ""
    type: int = 0
    """1 tracks keys of a shared poll, 2 lets go of them."""
    track: tuple[TrackBatch, ...] = ()
    untrack: tuple[str, ...] = ()


class Empty(msgspec.Struct, frozen=True):
    """A message without fields."""


class Command(msgspec.Struct, frozen=True):
    """What a client asks. Exactly one request is set; a command without id and request is a pong."""

    id: Number = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: ChannelRequest | None = None
    publish: PublishRequest | None = None
    presence: ChannelRequest | None = None
    presence_stats: ChannelRequest | None = None
    history: HistoryRequest | None = None
    ping: Empty | None = None
    send: SendRequest | None = None
    rpc: RpcRequest | None = None
    refresh: RefreshRequest | None = None
    sub_refresh: SubRefreshRequest | None = None


REQUESTS: Final = Command.__struct_fields__[1:]


class Error(msgspec.Struct, frozen=True, omit_defaults=True):
    code: int
    message: str = ""
    temporary: bool = False


class ClientInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    user: str
    client: str
    conn_info: Raw = NONE
    chan_info: Raw = NONE


class SubscribeResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """`publications` and `state` are encoded already, in the connection's own encoding."""

    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    epoch: str = ""
    publications: Raw = NONE
    recovered: bool = False
    offset: int = 0
    positioned: bool = False
    data: Raw = NONE
    was_recovering: bool = False
    delta: bool = False
    type: int = 0
    phase: int = 0
    cursor: str = ""
    """Where the next page of a map's state begins; empty on the last one."""
    state: Raw = NONE
    publish_debounce: int = 0
    """Milliseconds within which a client sends a key only once."""


class ConnectResult(msgspec.Struct, frozen=True, omit_defaults=True):
    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0
    data: Raw = NONE
    subs: dict[str, SubscribeResult] = {}
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0


class ConnectPush(ConnectResult, frozen=True, omit_defaults=True):
    """The same as a push, which has field numbers of its own in Protobuf."""


class PresenceResult(msgspec.Struct, frozen=True):
    presence: dict[str, ClientInfo]


class PresenceStatsResult(msgspec.Struct, frozen=True):
    num_clients: int
    num_users: int


class HistoryResult(msgspec.Struct, frozen=True):
    """`publications` are encoded already; `NO_LIST` in JSON when there are none."""

    publications: Raw
    epoch: str
    offset: int


class RpcResult(msgspec.Struct, frozen=True, omit_defaults=True):
    data: Raw = NONE


class RefreshResult(msgspec.Struct, frozen=True, omit_defaults=True):
    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """`items` are publications, encoded already: what the server has of tracked keys."""

    expires: bool = False
    ttl: int = 0
    items: Raw = NONE


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a command is answered: one result, or an error."""

    id: int = 0
    error: Error | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: Empty | None = None
    publish: Empty | None = None
    presence: PresenceResult | None = None
    presence_stats: PresenceStatsResult | None = None
    history: HistoryResult | None = None
    rpc: RpcResult | None = None
    refresh: RefreshResult | None = None
    sub_refresh: SubRefreshResult | None = None


class JoinLeave(msgspec.Struct, frozen=True):
    info: ClientInfo


class Unsubscribe(msgspec.Struct, frozen=True, omit_defaults=True):
    code: int = 0
    reason: str = ""


class Subscribe(msgspec.Struct, frozen=True, omit_defaults=True):
    recoverable: bool = False
    epoch: str = ""
    offset: int = 0
    positioned: bool = False
    data: Raw = NONE


class MessagePush(msgspec.Struct, frozen=True):
    data: Raw


class DisconnectPush(msgspec.Struct, frozen=True, omit_defaults=True):
    code: int = 0
    reason: str = ""
    reconnect: bool = False


class RefreshPush(msgspec.Struct, frozen=True, omit_defaults=True):
    expires: bool = False
    ttl: int = 0


class Push(msgspec.Struct, frozen=True, omit_defaults=True):
    """What nobody asked for. Publications are rendered apart, by `text` and `binary`."""

    channel: str = ""
    join: JoinLeave | None = None
    leave: JoinLeave | None = None
    unsubscribe: Unsubscribe | None = None
    message: MessagePush | None = None
    subscribe: Subscribe | None = None
    connect: ConnectResult | None = None
    disconnect: DisconnectPush | None = None
    refresh: RefreshPush | None = None


class EmulationRequest(msgspec.Struct, frozen=True):
    """A command that travels beside its HTTP-stream or SSE connection. In JSON `data` is text."""

    node: str = ""
    session: str = ""
    data: str = ""

"""What a namespace does with its clients (`ChannelHandler`), and what other rooms may ask of the crowd
(`Crowd`)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import ceil
from typing import Final, Protocol

import msgspec

from madang.base.errors import PeerError
from madang.realtime.broker import HistoryQuery, PresenceStats, Stretch
from madang.realtime.channel import ChannelOptions
from madang.realtime.gate import Caller, ChannelGate, ConnectGate, ServerSubscription
from madang.realtime.maps import KEY_OPTIONS, KeyOptions
from madang.realtime.publication import DEFAULT, NO_TAGS, ClientInfo, Position, Published, PublishOptions


class ReplyError(PeerError):
    """The command is answered with an error; the connection goes on. Applications use 400 to 1999."""

    def __init__(self, number: int, message: str, *, temporary: bool = False) -> None:
        super().__init__(str(number), message)
        self.number = number
        self.message = message
        self.temporary = temporary


class Disconnect(PeerError):
    """The connection ends. 4000 to 4499 are the application's with reconnect, 4500 to 4999 without."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(str(number), message)
        self.number = number
        self.message = message


INTERNAL: Final = ReplyError(100, "internal server error", temporary=True)
UNKNOWN_CHANNEL: Final = ReplyError(102, "unknown channel")
PERMISSION_DENIED: Final = ReplyError(103, "permission denied")
METHOD_NOT_FOUND: Final = ReplyError(104, "method not found")
ALREADY_SUBSCRIBED: Final = ReplyError(105, "already subscribed")
LIMIT_EXCEEDED: Final = ReplyError(106, "limit exceeded")
BAD_REQUEST: Final = ReplyError(107, "bad request")
NOT_AVAILABLE: Final = ReplyError(108, "not available")
TOKEN_EXPIRED: Final = ReplyError(109, "token expired")
EXPIRED: Final = ReplyError(110, "expired")
TOO_MANY_REQUESTS: Final = ReplyError(111, "too many requests", temporary=True)
UNRECOVERABLE_POSITION: Final = ReplyError(112, "unrecoverable position")
CONCURRENT_PAGINATION: Final = ReplyError(113, "concurrent pagination", temporary=True)


def too_many(wait_s: float) -> ReplyError:
    """111 with the whole seconds after which it is worthwhile to come again."""
    words = f"{TOO_MANY_REQUESTS.message}:{max(1, ceil(wait_s))}"
    return ReplyError(TOO_MANY_REQUESTS.number, words, temporary=True)


class SubscribeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A client asks for a channel; token, gate and limits have been passed."""

    caller: Caller
    channel: str
    data: bytes = b""
    token: str = ""


class Joined(msgspec.Struct, frozen=True):
    """How a subscription began, for the snapshot in its reply."""

    recovered: bool
    """All that was missed follows: the snapshot needs no messages."""
    offset: int
    epoch: str
    """What the subscriber gets from now on lies above this offset; recovered publications lie at or below."""


class SubscribeReply(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription may begin. None leaves the namespace's option as it is."""

    data: bytes = b""
    """Goes into the reply's `data`."""
    snapshot: Callable[[Joined], bytes] | None = None
    """Makes `data` when it is known how the subscription began; called once, must not raise or wait."""
    info: bytes = b""
    """chan_info."""
    expires_at: float = 0.0
    since: Position | None = None
    """Where the channel stood before `data` or `snapshot` were asked of another node: who does not recover
    gets what was published after it."""
    filter: str = ""
    """A server's tags filter as JSON (`{"key":…,"cmp":…,"val":…}`): the subscriber gets nothing else."""
    presence: bool | None = None
    join_leave: bool | None = None
    force_push_join_leave: bool | None = None
    force_recovery: bool | None = None
    force_positioning: bool | None = None


class PublishRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A client publishes by `publish`, which has no body in its reply."""

    caller: Caller
    channel: str
    data: bytes


class PublishReply(msgspec.Struct, frozen=True, kw_only=True):
    """`done`: the handler has published by itself. Else the engine publishes `data`, or the client's own if
    None."""

    done: bool = False
    data: bytes | None = None
    skip_history: bool = False
    tags: Mapping[str, str] = NO_TAGS
    idempotency_key: str = ""
    delta: bool = False
    version: int = 0
    version_epoch: str = ""


class RpcRequest(msgspec.Struct, frozen=True, kw_only=True):
    caller: Caller
    method: str
    data: bytes = b""


class RefreshReply(msgspec.Struct, frozen=True, kw_only=True):
    """`expired` ends the connection or the subscription; None keeps the info as it was."""

    expired: bool = False
    expires_at: float = 0.0
    info: bytes | None = None
    meta: bytes | None = None


class Does(msgspec.Struct, frozen=True):
    """Which events a handler wants; for the others the namespace's options decide."""

    subscribe: bool = False
    publish: bool = False
    rpc: bool = False
    refresh: bool = False
    sub_refresh: bool = False


class ChannelHandler(Protocol):
    """What a namespace means: chat is one, HTTP proxies are another. Every call may raise ReplyError or
    Disconnect; any other exception is answered with 100 and logged. Calls of one connection come one after
    another."""

    does: Does

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply: ...

    async def publish(self, request: PublishRequest) -> PublishReply: ...

    async def rpc(self, request: RpcRequest) -> bytes:
        """The reply's data, JSON for JSON clients."""
        ...

    async def refresh(self, caller: Caller) -> RefreshReply:
        """A connection that the handler's gate let in is about to expire."""
        ...

    async def sub_refresh(self, caller: Caller, channel: str) -> RefreshReply:
        """A subscription that `subscribe` let in until `expires_at` is about to expire."""
        ...

    def unsubscribed(self, caller: Caller, channel: str) -> None:
        """A subscription of this node has ended, in whatever way; must not raise or wait."""
        ...


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A client sets or removes a key of a map."""

    caller: Caller
    channel: str
    key: str
    data: bytes = b""


class KeyReply(msgspec.Struct, frozen=True, kw_only=True):
    """The key may be changed. Empty key and None data leave what the client said."""

    key: str = ""
    data: bytes | None = None
    options: KeyOptions = KEY_OPTIONS


class MapHandler(Protocol):
    """Decides about clients' keys in place of a namespace's options. Calls may raise ReplyError and
    Disconnect."""

    publishes: bool
    """Whether it is asked about this, and about the other."""
    removes: bool

    async def publish_key(self, request: KeyRequest) -> KeyReply: ...

    async def remove_key(self, request: KeyRequest) -> KeyReply: ...


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the connections list."""

    caller: Caller
    since: float
    """Seconds since 1970-01-01 UTC."""
    channels: tuple[str, ...]


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """A server's refresh of connections: `expired` ends them."""

    expired: bool = False
    expires_at: float = 0.0
    info: bytes | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whose connections: all of a user, or one of them by client or session id."""

    user: str
    client: str = ""
    session: str = ""
    spare: tuple[str, ...] = ()
    """Client ids that are left alone."""


class ChannelEvents(Protocol):
    """Told when a channel of this node gets its first subscriber and loses its last."""

    def occupied(self, channel: str) -> None: ...

    def vacated(self, channel: str) -> None: ...

    def abandoned(self, channel: str) -> None:
        """Its last subscribers were on a node that is gone."""
        ...


Answering = Callable[[str, bytes], Awaitable[bytes]]
"""Answers a question, given who asks (a node) and what; may raise ReplyError and Disconnect."""


class NobodyListensError(Exception):
    """No node of this name hears the broker now."""


class Neighbourhood(Protocol):
    """The same rooms on other nodes, by topic. Calls raise ReplyError 100 when the broker does not answer."""

    @property
    def alone(self) -> bool:
        """There are no other nodes: the broker is this process's own."""
        ...

    def on_question(self, topic: str, answer: Answering) -> None: ...

    def on_news(self, topic: str, hear: Callable[[str, bytes], None]) -> None:
        """`hear` must not raise or wait."""
        ...

    async def ask(self, node: str, topic: str, data: bytes, within_s: float) -> bytes:
        """The other node's answer, or the error that it raised; 100 when none comes in time: it may have done
        what was asked. NobodyListensError where it was certainly not asked."""
        ...

    async def say(self, topic: str, data: bytes) -> None:
        """To all other nodes."""
        ...


class Ban(msgspec.Struct, frozen=True):
    """Who may not connect: a `user`, a user's `tokens` that were issued before, or a `token` by its id."""

    kind: str
    subject: str
    until: float
    """Seconds since 1970-01-01 UTC; infinite for always, 0 to take it back."""
    issued_before: float = 0.0


class Bans(Protocol):
    """Keeps bans beyond a restart. Raises Overloaded when that is not possible now."""

    async def load(self, now: float) -> Sequence[Ban]: ...

    async def keep(self, ban: Ban, now: float) -> None:
        """In place of the one before of the same kind and subject."""
        ...


class Crowd(Protocol):
    """The engine as other rooms use it. What targets users acts on every node; lists tell of this node alone.

    Raises ReplyError 102 for a channel of no namespace, and 100 when the broker does not answer.
    """

    node: str

    @property
    def neighbours(self) -> Neighbourhood: ...

    def bind(
        self,
        namespace: str,
        options: ChannelOptions,
        handler: ChannelHandler | None = None,
        gate: ChannelGate | None = None,
        *,
        events: ChannelEvents | None = None,
    ) -> None:
        """Register a namespace, before the doors open. Names with `madang_` are the server's own: the
        server API and settings may not write to or configure them."""
        ...

    def bind_rpc(self, prefix: str, handler: ChannelHandler) -> None:
        """RPC methods that begin so (`chat.`) go to this handler; the longest prefix wins."""
        ...

    def guard(self, gate: ConnectGate) -> None:
        """Set the gate of connections."""
        ...

    async def publish(self, channel: str, data: bytes, options: PublishOptions = DEFAULT) -> Published:
        """Publish JSON (or, where every subscriber speaks Protobuf, any bytes) to a channel."""
        ...

    async def broadcast(
        self, channels: Sequence[str], data: bytes, options: PublishOptions = DEFAULT
    ) -> Sequence[Published | ReplyError]:
        """The same publication to many channels."""
        ...

    async def publish_to_user(self, user: str, data: bytes, options: PublishOptions = DEFAULT) -> Published:
        """To the personal channel `madang_user:#<user>` of a user, which every connection of our own
        identities is subscribed to by the server."""
        ...

    async def redact(self, channel: str, offset: int, data: bytes) -> bool:
        """Replace a publication's data wherever it may still be read; live subscribers are not told by
        this."""
        ...

    async def history(self, channel: str, query: HistoryQuery) -> Stretch: ...

    async def remove_history(self, channel: str) -> None: ...

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]: ...

    async def presence_stats(self, channel: str) -> PresenceStats: ...

    async def subscribe(self, target: Target, channel: str, subscription: ServerSubscription) -> None:
        """Subscribe a user's connections from the server's side."""
        ...

    async def unsubscribe(
        self, target: Target, channel: str, code: int = 2000, reason: str = "server unsubscribe"
    ) -> None: ...

    async def disconnect(
        self, target: Target, code: int = 3503, reason: str = "force disconnect"
    ) -> None: ...

    async def refresh(self, target: Target, refreshed: Refreshed) -> None: ...

    def recheck(self) -> None:
        """Rights have changed: ask the gates' `holds` about every connection and subscription of this node,
        in slices; those that hold no more are disconnected with 3503 or unsubscribed with 2000."""
        ...

    def subscribers(self, channel: str) -> int:
        """Subscriptions of a channel on this node."""
        ...

    def connections(self, user: str = "", channel: str = "") -> Sequence[Connection]:
        """Connections of this node, of a user or in a channel where given; at most 10,000."""
        ...

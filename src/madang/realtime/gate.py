"""Who may connect and who may use a channel: ports that `control`, `chat` and the proxies answer."""

from typing import Protocol

import msgspec


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as handlers and gates see it."""

    client: str
    user: str
    """Empty for anonymous connections. `madang.g.…` is a guest, `madang.u.…` an account."""
    info: bytes = b""
    """conn_info: shown to others in presence, joins and publications."""
    issuer: str = ""
    """Who vouched for `user`: `madang` for our own tokens, the `iss` of a foreign one, or empty."""
    claim: bytes = b""
    """JSON of the token's `madang` claim: roles, nickname; empty without."""
    meta: bytes = b""
    """JSON that the backend attached to the connection; never shown to clients."""
    token_id: str = ""
    """The `jti` of the token that it connected with."""
    peer: str = ""
    """Resolved address."""
    transport: str = "websocket"
    """`websocket`, `http_stream`, `sse`, `uni_websocket`, `uni_http_stream`, `uni_sse`."""
    encoding: str = "json"
    """`json` or `protobuf`."""
    name: str = ""
    version: str = ""
    """What the client calls itself."""


class ConnectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A connect command that came without a token, or one that asks beside its token."""

    caller: Caller
    data: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the HTTP request, lower case: those that somebody asks for."""
    emulated: tuple[tuple[str, str], ...] = ()
    """Headers that the client said itself, lower case: it may say anything."""
    name: str = ""
    version: str = ""
    channels: tuple[str, ...] = ()
    """Server-side subscriptions that the client had and would recover."""


class ServerSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that the server makes for the client. None leaves the namespace's option as it is."""

    info: bytes = b""
    data: bytes = b""
    presence: bool | None = None
    join_leave: bool | None = None
    force_push_join_leave: bool | None = None
    force_recovery: bool | None = None
    force_positioning: bool | None = None
    expires_at: float = 0.0
    """Seconds since 1970-01-01 UTC; 0 for never."""


class ConnectReply(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that may go on."""

    user: str
    info: bytes = b""
    data: bytes = b""
    meta: bytes = b""
    claim: bytes = b""
    issuer: str = ""
    token_id: str = ""
    expires_at: float = 0.0
    subscriptions: dict[str, ServerSubscription] = {}


class ConnectGate(Protocol):
    """May this client connect, and as whom?"""

    async def connect(self, request: ConnectRequest) -> ConnectReply:
        """Decide for who brings no token. Raises ReplyError or Disconnect of `realtime.ports`."""
        ...

    def holds(self, caller: Caller) -> bool:
        """Whether this identity may be connected, also with a good token: not blocked, not revoked. No I/O,
        O(1); asked at connect, at refresh, and for every connection after `Crowd.recheck`."""
        ...


class ChannelGate(Protocol):
    """May this client use channels of the namespace that the gate is bound to?"""

    async def admit(self, caller: Caller, channel: str, data: bytes) -> None:
        """Decide before the handler is asked; `data` is what the subscriber said. Raises ReplyError, as a
        rule 103."""
        ...

    def holds(self, caller: Caller, channel: str) -> bool:
        """Whether an admission still holds. No I/O, O(1); asked for every subscription after
        `Crowd.recheck`."""
        ...

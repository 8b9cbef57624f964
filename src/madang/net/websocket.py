"""The one framed connection: a websocket without task, queue, logger or scope of its own.

    sockets = WebSockets(ground.sweeper, ground.counters)

    class Feed:                                     # a hot route
        def ask(self, request):
            if not same_origin(request):
                return FORBIDDEN
            return sockets.accept(request, FeedHandler)      # FeedHandler(socket) makes a `Handler`

The handler is called synchronously; it sends by `socket.send_text`, `send_binary`, or, to many at once,
frames that were built once, by `socket.send_frame`.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from madang.base import limits
from madang.base.errors import PeerError
from madang.net.counters import NetCounters
from madang.net.deadlines import NEVER, NOWHERE, TICK_S, Sweeper
from madang.net.halves import end_output
from madang.net.http.routes import Answer, Request, TakeOver
from madang.protocols.websocket import frame, handshake
from madang.protocols.websocket.receiver import Closed, Event, Message, Pong, Receiver, reply

_PING: Final = frame.build_frame(frame.PING, b"")

_OPEN: Final = 0
_PINGED: Final = 1
_ANSWERED: Final = 2
_CLOSING: Final = 3
_CLOSED: Final = 4


class Handler(Protocol):
    """What a connection means to its owner. Both calls must not raise and must not wait."""

    def on_message(self, data: str | bytes) -> None:
        """A whole message: text as `str`, binary as `bytes`."""
        ...

    def on_closed(self, code: int, reason: str) -> None:
        """The connection is gone, told exactly once; 1006 when nobody said goodbye."""
        ...


class WebSocket(asyncio.Protocol):
    """One open connection. `backlog_bytes` is what waits for a slow reader; its owner decides what to do."""

    __slots__ = (
        "_code", "_controls", "_home", "_reason", "_receiver", "_second", "_state", "bucket", "deadline",
        "handler", "paused", "transport",
    )  # fmt: skip

    def __init__(self, home: "WebSockets", transport: asyncio.Transport, limit_bytes: int) -> None:
        self.transport = transport
        self.handler: Handler | None = None
        self.paused = False
        """The transport has more queued than it likes; nothing should be sent until it is false."""
        self.deadline = NEVER
        self.bucket = NOWHERE
        self._home = home
        self._receiver = Receiver(limit_bytes)
        self._state = _OPEN
        self._code = frame.ABNORMAL
        self._reason = ""
        self._second = 0
        self._controls = 0

    @property
    def backlog_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    @property
    def is_open(self) -> bool:
        return self._state < _CLOSING

    def send_text(self, text: str) -> None:
        self.send_frame(frame.build_frame(frame.TEXT, text.encode()))

    def send_binary(self, data: bytes) -> None:
        self.send_frame(frame.build_frame(frame.BINARY, data))

    def send_frame(self, frames: bytes) -> None:
        """Write bytes that are whole frames already, made by `protocols.websocket.frame.build_frame`."""
        if self._state < _CLOSING:
            self.transport.write(frames)

    def close(self, code: int = frame.NORMAL, reason: str = "") -> None:
        """Say goodbye; the connection ends when the peer has said it too, at the latest after 2 s."""
        if self._state >= _CLOSING:
            return
        self._part(code, reason)
        self.transport.write(frame.build_close(code, reason))
        self._home.sweeper.expire(self, limits.WEBSOCKET_CLOSE_S)

    def shutdown(self) -> None:
        """The server drains."""
        self.close(frame.GOING_AWAY, "server is going away")

    # --- called by the transport ---------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._state == _CLOSED:
            return
        if self._state == _PINGED:
            self._state = _ANSWERED  # whatever it says, it is alive
        try:
            for event in self._receiver.feed(data):
                self._take(event)
                if self._state == _CLOSED:
                    break
        except PeerError as error:
            self.close(int(error.code), error.reason)
            self._end()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = _CLOSED
        self._home.leave(self)
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.on_closed(self._code, self._reason)

    def on_deadline(self) -> None:
        """Called by the sweeper: time to ping, or no pong, or no goodbye in time."""
        if self._state == _OPEN:
            self._state = _PINGED
            self.transport.write(_PING)
            self._home.sweeper.expire(self, limits.WEBSOCKET_PONG_S)
            return
        if self._state == _ANSWERED:
            self._state = _OPEN
            self._home.sweeper.expire(self, self._home.ping_s - limits.WEBSOCKET_PONG_S)
            return
        if self._state == _PINGED:
            self._home.counters.websocket_timeouts += 1
            self._part(frame.ABNORMAL, "no pong")
        self.transport.abort()

    # --- inside --------------------------------------------------------------------------------------

    def _part(self, code: int, reason: str) -> None:
        self._state, self._code, self._reason = _CLOSING, code, reason

    def _take(self, event: Event) -> None:
        if isinstance(event, Message):
            if self._state < _CLOSING and self.handler is not None:
                self.handler.on_message(event.data)
        elif isinstance(event, Closed):
            if self._state < _CLOSING:
                self._part(event.code, event.reason)
                self.transport.write(reply(event))
            self._state = _CLOSED
            self.transport.close()
        else:
            self._count_control()
            if isinstance(event, Pong):
                self.on_pong()
            else:
                self.send_frame(reply(event))

    def on_pong(self) -> None:
        """The peer has answered a ping, or says that it is alive."""

    def _end(self) -> None:
        """Hear nothing more; closing with unread bytes would reset the connection, close frame and all."""
        self._state = _CLOSED
        end_output(self.transport)

    def _count_control(self) -> None:
        second = int(self._home.sweeper.now)
        if second != self._second:
            self._second, self._controls = second, 0
        self._controls += 1
        if self._controls > limits.WEBSOCKET_CONTROLS_PER_S:
            raise PeerError(str(frame.POLICY), "too many control frames")


class WebSockets:
    """Accepts websockets and keeps them alive; one for the whole server.

    `ping_s` 0 sends no pings, for protocols that have their own; `kind` is what connections are made of."""

    def __init__(
        self,
        sweeper: Sweeper,
        counters: NetCounters,
        ping_s: float = limits.WEBSOCKET_PING_S,
        kind: type[WebSocket] = WebSocket,
    ) -> None:
        self.sweeper = sweeper
        self.counters = counters
        self.open: set[WebSocket] = set()
        self.ping_s = ping_s
        self._kind = kind

    def accept(
        self,
        request: Request,
        make_handler: Callable[[WebSocket], Handler],
        *,
        subprotocols: tuple[str, ...] = (),
        limit_bytes: int = limits.WEBSOCKET_MESSAGE_BYTES,
    ) -> Answer | TakeOver:
        """What a route answers to an upgrade request: the connection, or why not.

        `make_handler` is called when the response has been written; it may send at once.
        """
        response = shake_hands(request, subprotocols)
        if isinstance(response, Answer):
            return response

        def begin(transport: asyncio.Transport, rest: bytes) -> asyncio.Protocol:
            socket = self._kind(self, transport, limit_bytes)
            transport.set_protocol(socket)
            transport.write(response)
            self.open.add(socket)
            self.counters.websockets += 1
            if self.ping_s:
                # Those who come together are not all pinged together.
                early_s = len(self.open) % 20 * TICK_S
                self.sweeper.expire(socket, max(self.ping_s - early_s, self.ping_s / 2))
            socket.handler = make_handler(socket)
            if rest:
                socket.data_received(rest)
            return socket

        return TakeOver(begin)

    def drain(self, code: int = frame.GOING_AWAY, reason: str = "server is going away") -> None:
        """Close all, telling them why."""
        for socket in tuple(self.open):
            socket.close(code, reason)

    def leave(self, socket: WebSocket) -> None:
        self.open.discard(socket)
        self.sweeper.forget(socket)


def shake_hands(request: Request, subprotocols: tuple[str, ...] = ()) -> bytes | Answer:
    """The 101 response to an upgrade request, or the answer that refuses it."""
    key = request.header(b"sec-websocket-key")
    if request.method != "GET" or request.header(b"upgrade").lower() != b"websocket":
        return Answer(426, ((b"upgrade", b"websocket"), (b"connection", b"Upgrade")))
    try:
        handshake.check_request(request.header(b"sec-websocket-version"), key)
    except PeerError as error:
        return Answer(int(error.code), ((b"sec-websocket-version", handshake.VERSION),))
    offered = request.header(b"sec-websocket-protocol")
    return handshake.build_response(key, handshake.choose_subprotocol(offered, subprotocols))


def same_origin(request: Request, allowed: frozenset[str] = frozenset()) -> bool:
    """Whether a browser's page may open this websocket (A18): our own pages, or an origin of the exact set.

    Who sends no Origin is no browser, so no page can abuse its cookies.
    """
    origin = request.header(b"origin").decode("latin-1")
    if not origin:
        return True
    ours = f"{'https' if request.secure else 'http'}://{request.host}"
    return origin == ours or origin in allowed

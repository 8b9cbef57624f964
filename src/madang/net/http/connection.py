"""One HTTP connection: its state, and the ways it ends. See `protocol` for the whole."""

import asyncio
import logging
from collections import deque
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from madang.base import limits
from madang.net.deadlines import NEVER, NOWHERE
from madang.net.halves import end_output
from madang.net.http.front import Front
from madang.net.http.head import Head
from madang.net.http.rendering import STATUS_LINES
from madang.net.http.routes import Growing, Hold, Outcome, TakeOver
from madang.net.listeners import Accepted

# What the connection's deadline is for.
SILENT: Final = 0
IDLE: Final = 1
HEAD: Final = 2
BODY: Final = 3
ASGI: Final = 4
HELD: Final = 5
GROWING: Final = 6
LINGER: Final = 7

log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """`_phase` says what the deadline is for, `_busy` what is being answered, `_parsing` whose body comes."""

    def __init__(self, front: Front, peer: Accepted) -> None:
        super().__init__(front.config, front.state, front.app_state, front.loop)
        self.front = front
        self.peer = peer
        self.deadline = NEVER
        self.bucket = NOWHERE
        self._phase = SILENT
        self._busy: RequestResponseCycle | Hold | Growing | None = None
        self._head: Head | None = None
        """Whose request is being answered."""
        self._parsing: Head | None = None
        self._upgrading = False
        self._proxied = False
        self._outcome: Outcome = None
        """What a hot route said to the request whose body is still coming."""
        self._taken: TakeOver | None = None
        self._waiting: deque[tuple[RequestResponseCycle, Head]] = deque()
        self._behind = b""
        self._turning = False
        """Inside the parser, or serving the queue: who finishes an answer there must not begin the next."""
        self._ending = False
        self._refusal = 0
        self._buffer_bytes = 0
        self._fed_bytes = 0
        """Since the buffer in which this request began: no less than its head."""
        self._drip_bytes = 0
        """Of a head that is not whole yet, since it is waited for."""
        self._body_bytes = 0
        self._window_bytes = 0
        self._queued_bytes = 0
        self._piece = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = self.peer.local
        self._proxied = self.front.proxies.lists(self.peer.address)
        self.client = (self.peer.address, self.peer.port)
        self.front.sweeper.expire(self, limits.ACCEPT_TO_FIRST_BYTE_S)

    def on_deadline(self) -> None:
        """Called by the sweeper; the receiving side judges."""

    def _proceed(self) -> None:
        """Serve what waits behind an answer that is finished; the receiving side knows how."""

    def _close(self) -> None:
        """Close once what is queued has been read, or nobody reads it."""
        self._ending = True
        self._phase = IDLE
        self._queued_bytes = 0
        self.front.sweeper.expire(self, limits.HTTP_STALLED_WRITE_S)
        self.transport.close()

    def _refuse(self, status: int) -> None:
        """Answer an error and close, after what is being answered."""
        busy = self._busy
        if self._waiting or (busy is not None and not self._spoiled(busy)):
            self._refusal = status
            self.flow.pause_reading()
            return
        self._ending = True
        if self.transport.is_closing():
            return
        self.front.counters.requests_bad += 1
        log.info("refused a request of %s with %d", self.peer.address, status)
        line = STATUS_LINES[status]
        body = b'{"type":"about:blank","status":%d,"title":"%b"}' % (status, line[13:-2])  # RFC 9457
        head = b"content-type: application/problem+json\r\ncontent-length: %d\r\n" % len(body)
        self.transport.write(b"".join((line, head, self.front.date_close, body)))
        self._linger()

    def _spoiled(self, busy: RequestResponseCycle | Hold | Growing) -> bool:
        """Whether the bad bytes are the body of the very request that the application is answering."""
        if self._parsing is None or busy is not self.cycle or not isinstance(busy, RequestResponseCycle):
            return False
        busy.disconnected = True
        busy.message_event.set()
        self._busy = None
        if busy.response_started:
            self.transport.abort()
        return True

    def _linger(self) -> None:
        """Closing with unread bytes would reset the connection and take the answer with it."""
        self._phase = LINGER
        self._behind = b""
        self.front.sweeper.expire(self, limits.HTTP_LINGER_S)
        if end_output(self.transport):
            self.flow.resume_reading()

    def _depart(self, take_over: TakeOver) -> None:
        transport, rest = self.transport, self._behind
        self.flow.resume_reading()
        self._leave()
        self._taken = None
        if transport.is_closing():
            return
        self.front.counters.takeovers += 1
        try:
            protocol = take_over.begin(transport, rest)
        except Exception:
            self.front.counters.route_errors += 1
            log.exception("a connection could not be taken over")
            transport.abort()
            return
        if transport.get_protocol() is not protocol:
            transport.set_protocol(protocol)

    def _leave(self) -> None:
        """Let go of all that would keep this protocol, or be kept by it."""
        self.connections.discard(self)
        self.front.sweeper.forget(self)
        self.flow.resume_writing()
        self.parser = None  # type: ignore[assignment]
        self.scope = self.headers = self.cycle = None  # type: ignore[assignment]
        self._head = self._parsing = self._outcome = None
        self._waiting.clear()
        self._behind = b""

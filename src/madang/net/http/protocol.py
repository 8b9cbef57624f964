"""One HTTP/1.1 connection: hot routes answered inside, the rest by ASGI, one request at a time.

A subclass of uvicorn's protocol, of which the parser, the flow control and the ASGI cycle are kept. While
a request is being answered, what arrives behind it waits unparsed; requests that came in one
buffer with it wait parsed, in order.
"""

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from madang.base import limits
from madang.net.deadlines import NEVER, NOWHERE
from madang.net.http.head import BadHead, Head
from madang.net.http.rendering import STATUS_LINES, render
from madang.net.http.routes import Answer, Growing, Hold, Outcome, TakeOver
from madang.net.listeners import Accepted

if TYPE_CHECKING:
    from madang.net.http.server import HttpServer

# A joined write copies the body once per viewer; from here on one writev of the parts is cheaper.
JOIN_BYTES: Final = 32 * 1024
LINGER_S: Final = 2.0

# What the connection's deadline is for.
_SILENT: Final = 0
_IDLE: Final = 1
_HEAD: Final = 2
_BODY: Final = 3
_ASGI: Final = 4
_HELD: Final = 5
_GROWING: Final = 6
_LINGER: Final = 7

_CROWDED: Final = Answer(503, ((b"retry-after", b"1"), (b"cache-control", b"no-store")))
log = logging.getLogger(__name__)


class _Stop(Exception):
    """Ends the parsing of a buffer: what follows is nobody's request."""


class HttpProtocol(HttpToolsProtocol):
    """`_phase` says what the deadline is for, `_busy` what is being answered, `_parsing` whose body comes."""

    def __init__(self, front: "HttpServer", peer: Accepted) -> None:
        super().__init__(front.config, front.state, front.app_state, front.loop)
        self.front = front
        self.peer = peer
        self.deadline = NEVER
        self.bucket = NOWHERE
        self._phase = _SILENT
        self._busy: RequestResponseCycle | Hold | Growing | None = None
        self._head: Head | None = None
        """Whose request is being answered."""
        self._parsing: Head | None = None
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
        self._body_bytes = 0
        self._window_bytes = 0
        self._queued_bytes = 0
        self._piece = 0

    # --- the connection ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = self.peer.local
        self.client = (self.peer.address, self.peer.port)
        self.front.sweeper.expire(self, limits.ACCEPT_TO_FIRST_BYTE_S)

    def connection_lost(self, exc: Exception | None) -> None:
        busy, self._busy = self._busy, None
        outcome, self._outcome = self._outcome, None
        if isinstance(busy, RequestResponseCycle):
            busy.disconnected = True
            busy.message_event.set()
        elif isinstance(busy, Hold):
            self._let_go(busy)
            self.front.counters.holds_gone += 1
        elif isinstance(busy, Growing):
            busy.waiting.discard(self._grow)
        elif isinstance(outcome, Hold) and outcome.gone is not None:
            outcome.gone(outcome)
        self._leave()

    def data_received(self, data: bytes) -> None:
        if self._phase == _LINGER:
            return
        if self._parsing is None and (self._busy is not None or self.flow.write_paused):
            self._behind += data
            self.flow.pause_reading()
            return
        self._receive(data)
        if self._waiting or self._behind:
            self._proceed()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._queued_bytes = 0
        self.front.sweeper.expire(self, limits.HTTP_STALLED_WRITE_S)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._queued_bytes = 0
        if isinstance(self._busy, Growing):
            self._grow()
        elif self._phase == _ASGI:
            self.deadline = NEVER
        self._proceed()

    def shutdown(self) -> None:
        """Close once what is being answered is answered; when nothing is, at once."""
        busy = self._busy
        if isinstance(busy, RequestResponseCycle):
            busy.keep_alive = False
        elif isinstance(busy, Hold):
            self._answer_late(busy)
        elif self._phase in (_SILENT, _IDLE):
            self.transport.close()

    # --- deadlines -----------------------------------------------------------------------------------

    def on_deadline(self) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        if self._phase == _LINGER:
            self.transport.abort()
        elif left_bytes:
            self._watch_writing(left_bytes)
        elif self._phase == _HELD:
            assert isinstance(self._busy, Hold)
            self._answer_late(self._busy)
        elif self._phase == _HEAD:
            self._time_out()
            self._refuse(408)
        elif self._phase == _BODY:
            self._watch_body()
        elif self._phase != _ASGI:
            self._time_out()
            self.transport.close()

    def _time_out(self) -> None:
        self.front.counters.timeouts += 1

    def _watch_writing(self, left_bytes: int) -> None:
        least = int(limits.HTTP_BODY_BYTES_PER_S * limits.HTTP_STALLED_WRITE_S)
        if self._queued_bytes and left_bytes > self._queued_bytes - least:
            self.front.counters.stalled_writes += 1
            self.transport.abort()
            return
        self._queued_bytes = left_bytes
        self.front.sweeper.expire(self, limits.HTTP_STALLED_WRITE_S)

    def _watch_body(self) -> None:
        if (
            not self.flow.read_paused
            and self._window_bytes < limits.HTTP_BODY_BYTES_PER_S * limits.HTTP_BODY_S
        ):
            self._time_out()
            self._refuse(408)
            return
        self._window_bytes = 0
        self.front.sweeper.expire(self, limits.HTTP_BODY_S)

    # --- receiving -----------------------------------------------------------------------------------

    def _receive(self, data: bytes) -> None:
        fresh = self._phase <= _IDLE
        self._buffer_bytes = len(data)
        self._fed_bytes += len(data)
        if fresh:
            self._phase = _HEAD
        elif self._phase == _HEAD:
            if self._fed_bytes > 2 * limits.HTTP_HEADER_BYTES:
                return self._refuse(431)
        elif len(self.headers) > limits.HTTP_HEADERS:
            return self._refuse(431)  # trailers without end
        self._turning = True
        self._feed(data)
        self._turning = False
        if self._taken is not None:
            self._depart(self._taken)
        elif self._phase == _HEAD and fresh:
            self.front.sweeper.expire(self, limits.HTTP_HEADER_S)
        elif self._parsing is not None and self._phase != _BODY:
            self._await_body()
        return None

    def _await_body(self) -> None:
        self._phase = _BODY
        self._window_bytes = 0
        self.front.sweeper.expire(self, limits.HTTP_BODY_S)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if isinstance(cause, BadHead):
                self._refuse(cause.status)
            elif not isinstance(cause, _Stop):
                log.error("a request broke its connection", exc_info=cause)
                self._refuse(500)
        except httptools.HttpParserError:
            self._refuse(400)

    def on_message_begin(self) -> None:
        if self._ending or self._refusal:
            raise _Stop
        self.url = b""
        self.headers = []
        self._fed_bytes = self._buffer_bytes
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser, headers = self.parser, self.headers
        if self._fed_bytes > limits.HTTP_HEADER_BYTES or len(headers) > limits.HTTP_HEADERS:
            self._check_size()
        head = Head(parser.get_method().decode(), self.url, headers, self.peer)
        head.check_framing(parser.get_http_version())
        if head.keep_alive:
            head.keep_alive = parser.should_keep_alive()
        if self.front.proxies.lists(self.peer.address):
            head.believe(self.front.proxies)
        self.headers = []  # trailers go here, so that nobody takes them for headers
        if head.body_bytes > self.front.body_bytes_max:
            raise BadHead(413)
        self._parsing = head
        if parser.should_upgrade():
            return
        if self._busy is not None or self.flow.write_paused:
            self.cycle = self._make_cycle(head)
            self._waiting.append((self.cycle, head))
            self.flow.pause_reading()
        else:
            self._begin(head)

    def _check_size(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > limits.HTTP_HEADER_BYTES or len(self.headers) > limits.HTTP_HEADERS:
            raise BadHead(431)

    def on_body(self, body: bytes) -> None:
        self._window_bytes += len(body)
        self._body_bytes += len(body)
        if self._body_bytes > self.front.body_bytes_max:
            raise BadHead(413)
        if self._outcome is not None or self.cycle is None or self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        head, outcome = self._parsing, self._outcome
        if self.parser.should_upgrade():
            return
        self._parsing = None
        if outcome is not None:
            assert head is not None
            self._outcome = None
            self._perform(outcome, head)
        elif self.cycle is not None and not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()
            if self._busy is self.cycle:
                self._phase = _ASGI
                self.deadline = NEVER
        else:
            self._rest()

    def _upgrade(self, rest: bytes) -> None:
        head, self._parsing = self._parsing, None
        assert head is not None
        if self._busy is not None or self._waiting or head.method == "CONNECT":
            return self._refuse(400)
        self._ending = True  # whatever the route says, these bytes are no HTTP any more
        outcome = None
        if head.method == "GET" and head.header(b"upgrade").lower() == b"websocket":
            outcome = self.front.ask(head)
        if outcome is None:
            return self._decline_upgrade(head, rest)
        head.keep_alive = False
        self._behind = rest
        self._perform(outcome, head)
        return None

    def _decline_upgrade(self, head: Head, rest: bytes) -> None:
        """An upgrade may be ignored (RFC 9110 section 7.8): the same request again, without it."""
        self._ending = False
        self.parser = httptools.HttpRequestParser(self)
        lines = [b"%s %s HTTP/1.%d" % (head.method.encode(), self.url, not head.http_1_0)]
        if not head.keep_alive:
            lines.append(b"connection: close")
        hidden = (b"upgrade", b"connection", b"http2-settings")
        lines += [b"%s: %s" % pair for pair in head.headers if pair[0] not in hidden]
        self._feed(b"\r\n".join((*lines, b"", b"")) + rest)

    # --- one request ---------------------------------------------------------------------------------

    def _begin(self, head: Head) -> None:
        outcome = self.front.ask(head)
        if outcome is None:
            cycle = self.cycle = self._make_cycle(head)
            self._run(cycle, head)
        elif head.expects_continue:
            head.keep_alive = False
            self._parsing = None
            self._perform(outcome, head)
        else:
            self._outcome = outcome

    def _run(self, cycle: RequestResponseCycle, head: Head) -> None:
        self._busy = cycle
        self._head = head
        self._phase = _ASGI
        self.deadline = NEVER
        cycle.keep_alive = head.keep_alive and not self.front.draining
        self.front.counters.requests_asgi += 1
        self._start_asgi_task(cycle, self.app)

    def _make_cycle(self, head: Head) -> RequestResponseCycle:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.0" if head.http_1_0 else "1.1",
            "server": self.server,
            "client": (head.client, self.peer.port),
            "scheme": "https" if head.secure else "http",
            "root_path": "",
            "headers": head.asgi_headers(),
            "state": self.app_state.copy(),
            "method": head.method,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
        }
        return RequestResponseCycle(
            scope=scope,  # type: ignore[arg-type]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=head.expects_continue,
            keep_alive=head.keep_alive,
            on_response=self.on_response_complete,
        )

    def on_response_complete(self) -> None:
        """Called by the ASGI cycle, which has closed the transport itself where it had to."""
        self._busy = None
        if not self.transport.is_closing():
            self._finish(keep_alive=True)

    def _perform(self, outcome: Outcome, head: Head) -> None:
        if isinstance(outcome, Answer):
            self._answer(outcome, head)
        elif isinstance(outcome, Hold):
            self._hold(outcome, head)
        elif isinstance(outcome, Growing):
            self._send_growing(outcome, head)
        elif outcome is not None:
            self._ending = True
            self._taken = outcome
            if not self._turning:
                self._depart(outcome)

    def _answer(self, answer: Answer, head: Head) -> None:
        front = self.front
        front.counters.requests_hot += 1
        keep_alive = head.keep_alive and not front.draining
        top, body = render(answer, head)
        date = front.date_keep if keep_alive else front.date_close
        if len(body) > JOIN_BYTES:
            self.transport.writelines((top + date, body))
        else:
            self.transport.write(b"".join((top, date, body)))
        self._finish(keep_alive)

    def _finish(self, keep_alive: bool) -> None:
        self._busy = self._head = None
        if not keep_alive or self.front.draining:
            self._ending = True
            self.transport.close()
        else:
            self._rest()
            if not self._turning:
                self._proceed()

    def _rest(self) -> None:
        self._queued_bytes = 0
        if self._parsing is not None:
            self._await_body()
        else:
            self._phase = _IDLE
            self.front.sweeper.expire(self, limits.HTTP_KEEPALIVE_S)

    def _proceed(self) -> None:
        """Serve what waits behind the answer that is finished, until something has to be waited for."""
        if self._turning:
            return
        while self._busy is None and not self._ending and not self.flow.write_paused:
            if self._waiting:
                self._turning = True
                self._begin_waiting(*self._waiting.popleft())
                self._turning = False
            elif self._refusal:
                self._refuse(self._refusal)
            elif self._parsing is None and self._behind:
                data, self._behind = self._behind, b""
                self._receive(data)
            else:
                self.flow.resume_reading()
                break
        if self._taken is not None:
            self._depart(self._taken)

    def _begin_waiting(self, cycle: RequestResponseCycle, head: Head) -> None:
        outcome = self.front.ask(head)
        if outcome is None:
            self._run(cycle, head)
            if cycle.more_body:
                self._await_body()
            return
        head.keep_alive = head.keep_alive and not cycle.more_body
        self._perform(outcome, head)

    # --- holds ---------------------------------------------------------------------------------------

    def _hold(self, hold: Hold, head: Head) -> None:
        if hold.answer is not None:
            return self._perform(hold.answer, head)
        if not self.front.take_hold(head.client):
            self.front.counters.holds_refused += 1
            if hold.gone is not None:
                hold.gone(hold)
            return self._answer(_CROWDED, head)
        self.front.counters.holds += 1
        self._busy = hold
        self._head = head
        self._phase = _HELD
        hold.respond = self._resolved
        self.front.sweeper.expire(self, min(hold.deadline_s, limits.HOLD_S_MAX))
        return None

    def _resolved(self, hold: Hold) -> None:
        head = self._unhold(hold)
        self._perform(hold.answer, head)

    def _answer_late(self, hold: Hold) -> None:
        self.front.counters.holds_late += 1
        head = self._head
        assert head is not None
        self._let_go(hold)
        self._answer(hold.late, head)

    def _let_go(self, hold: Hold) -> None:
        self._unhold(hold)
        if hold.gone is not None:
            hold.gone(hold)

    def _unhold(self, hold: Hold) -> Head:
        head, self._head, self._busy = self._head, None, None
        assert head is not None
        hold.respond = None
        self.front.drop_hold(head.client)
        return head

    # --- growing bodies ------------------------------------------------------------------------------

    def _send_growing(self, growing: Growing, head: Head) -> None:
        keep_alive = head.keep_alive and not self.front.draining
        lines = [STATUS_LINES[200], *(b"%s: %s\r\n" % pair for pair in growing.headers)]
        if not head.http_1_0:
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(self.front.date_keep if keep_alive else self.front.date_close)
        self.transport.write(b"".join(lines))
        self.front.counters.requests_hot += 1
        if head.method == "HEAD":
            return self._finish(keep_alive)
        self._busy = growing
        self._head = head
        self._phase = _GROWING
        self._piece = 0
        growing.waiting.add(self._grow)
        self._grow()
        return None

    def _grow(self) -> None:
        growing, head = self._busy, self._head
        if not isinstance(growing, Growing) or head is None:
            return  # it left while others were woken
        pieces = growing.pieces if head.http_1_0 else _chunks(growing)
        while self._piece < len(pieces) and not self.flow.write_paused:
            self.transport.write(pieces[self._piece])
            self._piece += 1
        if not growing.done or self._piece < len(pieces):
            self.front.sweeper.expire(self, limits.HOLD_S_MAX)
            return
        growing.waiting.discard(self._grow)
        if not head.http_1_0:
            self.transport.write(b"0\r\n\r\n")
        self._finish(head.keep_alive)

    # --- endings -------------------------------------------------------------------------------------

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
        line = STATUS_LINES[status]
        body = line[9:-2]
        head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(body)
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
        self._phase = _LINGER
        self._behind = b""
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.front.sweeper.expire(self, LINGER_S)

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


def _chunks(growing: Growing) -> list[bytes]:
    chunks = growing.chunks
    for piece in growing.pieces[len(chunks) :]:
        chunks.append(b"%x\r\n%b\r\n" % (len(piece), piece))
    return chunks

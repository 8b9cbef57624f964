"""One HTTP/1.1 connection: hot routes answered inside, the rest by ASGI, one request at a time.

A subclass of uvicorn's protocol, of which the parser, the flow control and the ASGI cycle are kept. While
a request is being answered, what arrives behind it waits unparsed; requests that came in one
buffer with it wait parsed, in order.
"""

import logging
from typing import Final

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from madang.base import limits
from madang.net.deadlines import NEVER
from madang.net.http.answering import Answering
from madang.net.http.connection import ASGI, BODY, HEAD, IDLE, LINGER, SILENT
from madang.net.http.head import BadHead, Head
from madang.net.http.routes import Answer, Body, Growing, Hold

# What may wait unparsed behind a request that is being answered, before reading pauses.
BEHIND_BYTES: Final = limits.HTTP_HEADER_BYTES

log = logging.getLogger(__name__)


class _Stop(Exception):
    """Ends the parsing of a buffer: what follows is nobody's request."""


class HttpProtocol(Answering):
    """The receiving side, on the transport."""

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
        if self._phase == LINGER:
            return
        if self._parsing is None and (self._busy is not None or self.flow.write_paused):
            self._behind += data
            if len(self._behind) > BEHIND_BYTES:  # who is not read from cannot be seen to leave
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
        elif self._phase == ASGI:
            self.deadline = NEVER
        self._proceed()

    def shutdown(self) -> None:
        """Close once what is being answered is answered; when nothing is, at once."""
        busy = self._busy
        if isinstance(busy, RequestResponseCycle):
            busy.keep_alive = False
        elif isinstance(busy, Hold):
            self._answer_late(busy)
        elif self._phase in (SILENT, IDLE):
            self.transport.close()

    def on_deadline(self) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        if self._phase == LINGER:
            self.transport.abort()
        elif isinstance(self._busy, Hold):
            self._answer_late(self._busy)
        elif left_bytes:
            self._watch_writing(left_bytes)
        elif self._phase == HEAD:
            self._time_out()
            self._refuse(408)
        elif self._phase == BODY:
            self._watch_body()
        elif self._phase != ASGI:
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

    def _receive(self, data: bytes) -> None:
        fresh = self._phase <= IDLE
        if fresh:
            self._phase = HEAD
        self._buffer_bytes = len(data)
        self._fed_bytes += len(data)
        self._turning = True
        self._feed(data)
        self._turning = False
        if self._taken is not None:
            self._depart(self._taken)
        elif self._parsing is not None and self._phase != LINGER:
            if self._phase != BODY:
                self._await_body()
            elif len(self.headers) > limits.HTTP_HEADERS:
                self._refuse(431)  # trailers without end
        elif self._phase == HEAD:
            self._await_head(len(data), fresh)

    def _await_head(self, size: int, fresh: bool) -> None:
        if fresh:
            self._drip_bytes = 0
            self.front.sweeper.expire(self, limits.HTTP_HEADER_S)
        self._drip_bytes += size
        if self._drip_bytes > 2 * limits.HTTP_HEADER_BYTES:
            self._refuse(431)

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
        version = parser.get_http_version()
        head = Head(parser.get_method().decode(), self.url, headers, self.peer, version)
        if head.keep_alive:
            head.keep_alive = parser.should_keep_alive()
        if self._proxied:
            head.believe(self.front.proxies)
        self.headers = []  # trailers go here, so that nobody takes them for headers
        if head.body_bytes > self.front.body_bytes_max:
            raise BadHead(413)
        self._parsing = head
        self._upgrading = parser.should_upgrade()
        if self._upgrading:
            return
        if self._busy is not None or self._waiting or self.flow.write_paused:
            if len(self._waiting) >= limits.HTTP_PIPELINED:
                raise BadHead(429)
            self.cycle = self._make_cycle(head)
            self._waiting.append((self.cycle, head))
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
        wanted = self._outcome
        if isinstance(wanted, Body):
            wanted.data += body
            if len(wanted.data) > wanted.limit_bytes:
                raise BadHead(413)
            return
        if wanted is not None or self.cycle is None or self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        head, outcome = self._parsing, self._outcome
        if self._upgrading:
            return
        self._parsing = None
        if outcome is not None:
            assert head is not None
            self._outcome = None
            if isinstance(outcome, Body):
                outcome = self.front.decide(outcome)
            if type(outcome) is Answer:
                self._answer(outcome, head)
            else:
                self._perform(outcome, head)
        elif self.cycle is not None and not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()
            if self._busy is self.cycle:
                self._phase = ASGI
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

"""The answering side of a connection: what a hot route said, or ASGI, becomes bytes."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from madang.base import limits
from madang.net.deadlines import NEVER
from madang.net.http.connection import ASGI, BODY, GROWING, HELD, IDLE, Connection
from madang.net.http.head import BadHead, Head
from madang.net.http.rendering import STATUS_LINES, render
from madang.net.http.routes import Answer, Body, Growing, Hold, Outcome, TakeOver

# A joined write copies the body once per viewer; from here on one writev of the parts is cheaper.
JOIN_BYTES: Final = 32 * 1024

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CROWDED: Final = Answer(503, ((b"retry-after", b"1"), (b"cache-control", b"no-store")))


class Answering(Connection):
    """Answers one request at a time; `_finish` ends each."""

    def _begin(self, head: Head) -> None:
        outcome = self.front.ask(head)
        if outcome is None:
            cycle = self.cycle = self._make_cycle(head)
            self._run(cycle, head)
        elif isinstance(outcome, Body):
            if head.body_bytes > outcome.limit_bytes:
                raise BadHead(413)
            self._outcome = outcome
            if head.expects_continue:
                self.transport.write(_CONTINUE)
        elif head.expects_continue:
            head.keep_alive = False
            self._parsing = None
            self._perform(outcome, head)
        else:
            self._outcome = outcome

    def _run(self, cycle: RequestResponseCycle, head: Head) -> None:
        self._busy = cycle
        self._head = head
        self._phase = ASGI
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
        if self._busy is None:
            return  # the connection was lost meanwhile
        self._finish(keep_alive=not self.transport.is_closing())

    def _perform(self, outcome: Outcome, head: Head) -> None:
        if isinstance(outcome, Answer):
            self._answer(outcome, head)
        elif isinstance(outcome, Hold):
            self._hold(outcome, head)
        elif isinstance(outcome, Growing):
            self._send_growing(outcome, head)
        elif isinstance(outcome, TakeOver):
            self._ending = True
            self._taken = outcome
            if not self._turning:
                self._depart(outcome)

    def _answer(self, answer: Answer, head: Head) -> None:
        front = self.front
        front.counters.requests_hot += 1
        keep_alive = head.keep_alive and not front.draining
        top, body = render(answer, head.method, head.fields)
        date = front.date_keep if keep_alive else front.date_close
        if len(body) > JOIN_BYTES:
            self.transport.writelines((top + date, body))
        else:
            self.transport.write(b"".join((top, date, body)))
        deadline = front.sweeper.now + limits.HTTP_KEEPALIVE_S
        if keep_alive and self._turning and self._parsing is None and self.deadline <= deadline:
            # What `_finish` does, in short: put off a deadline that is armed already.
            self.deadline = deadline
            self._phase = IDLE
            self._queued_bytes = 0
            self._busy = self._head = None
        else:
            self._finish(keep_alive)

    def _finish(self, keep_alive: bool) -> None:
        self._busy = self._head = None
        if not keep_alive or self.front.draining:
            self._close()
        else:
            self._rest()
            if not self._turning:
                self._proceed()

    def _rest(self) -> None:
        """Nothing is being answered: wait for the rest of the body, or for the next request."""
        self._queued_bytes = 0
        if self._parsing is not None:
            self._await_body()
        else:
            self._phase = IDLE
            self.front.sweeper.expire(self, limits.HTTP_KEEPALIVE_S)

    def _await_body(self) -> None:
        self._phase = BODY
        self._window_bytes = 0
        self.front.sweeper.expire(self, limits.HTTP_BODY_S)

    def _begin_waiting(self, cycle: RequestResponseCycle, head: Head) -> None:
        outcome = self.front.ask(head)
        if outcome is None:
            self._run(cycle, head)
            if cycle.more_body:
                self._await_body()
            return None
        if isinstance(outcome, Body):
            return self._collect(outcome, cycle, head)
        head.keep_alive = head.keep_alive and not cycle.more_body
        self._perform(outcome, head)
        return None

    def _collect(self, body: Body, cycle: RequestResponseCycle, head: Head) -> None:
        """What waited parsed behind another answer has brought a part of its body, or the whole."""
        body.data += cycle.body
        self.flow.resume_reading()
        if len(body.data) > body.limit_bytes or head.body_bytes > body.limit_bytes:
            return self._refuse(413)
        if not cycle.more_body:
            return self._perform(self.front.decide(body), head)
        self._outcome = body
        self._await_body()
        return None

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
        self._phase = HELD
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
        self._phase = GROWING
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
        if self._piece < len(pieces):
            return  # paused: the deadline is now that of a stalled write
        if not growing.done:
            self.front.sweeper.expire(self, limits.HOLD_S_MAX)
            return
        growing.waiting.discard(self._grow)
        if not head.http_1_0:
            self.transport.write(b"0\r\n\r\n")
        self._finish(head.keep_alive)


def _chunks(growing: Growing) -> list[bytes]:
    chunks = growing.chunks
    for piece in growing.pieces[len(chunks) :]:
        chunks.append(b"%x\r\n%b\r\n" % (len(piece), piece))
    return chunks

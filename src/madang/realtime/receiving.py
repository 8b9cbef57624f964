"""What a connection says: commands, answered one after another and never two of one connection at once."""

import logging
from collections import deque
from collections.abc import Awaitable
from typing import Final

from madang.base.errors import PeerError
from madang.base.limits import (
    REALTIME_ERRORS,
    REALTIME_ERRORS_S,
    REALTIME_REFUSED_PER_S,
    REALTIME_WAITING_COMMANDS,
)
from madang.protocols.centrifugo import binary, codes, text
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code
from madang.realtime.broker import BrokerError
from madang.realtime.core import Core
from madang.realtime.gate import Caller
from madang.realtime.limiter import BURST_S
from madang.realtime.ports import INTERNAL, TOKEN_EXPIRED, Disconnect, ReplyError, too_many
from madang.realtime.sending import CLOSED, CONNECTING, NEVER, OPEN, Link, Sending
from madang.realtime.wires import Wire

log = logging.getLogger(__name__)
_PONG: Final = m.Command()


class Receiving(Sending):
    """The half of a session that reads."""

    __slots__ = (
        "_allowance", "_allowed_at", "_busy", "_errors", "_errors_until", "_inbox", "_pong_by", "_refused",
        "_second",
    )  # fmt: skip

    def __init__(self, core: Core, link: Link, wire: Wire, caller: Caller) -> None:
        super().__init__(core, link, wire, caller)
        self._inbox: deque[m.Command | PeerError] | None = None
        self._busy = False
        self._pong_by = NEVER
        self._allowance = core.settings.commands_per_connection * BURST_S
        self._allowed_at = core.sweeper.now
        self._refused = self._second = self._errors = 0
        self._errors_until = NEVER
        """Errors are counted until then; NEVER before the first."""

    def answer(self, command: m.Command) -> Awaitable[None]:
        """Raises ReplyError, Disconnect and BrokerError."""
        raise AssertionError

    def on_message(self, data: str | bytes) -> None:
        """Commands: one message of the transport, or one emulation request."""
        if self.state == CLOSED:
            return
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = deque()
        try:
            if not self.wire.binary:
                inbox.extend(text.parse_commands(data))
            elif isinstance(data, bytes):
                inbox.extend(binary.parse_commands(data))
            else:
                raise PeerError("3501", "text to a Protobuf connection")
        except PeerError as error:
            inbox.append(error)
        if not self._busy:
            self._busy = True
            self._core.run(self._work())
        elif len(inbox) > REALTIME_WAITING_COMMANDS:
            self._link.pause_reading()

    def receive(self, data: bytes) -> None:
        self.on_message(data)

    def begin_with(self, request: m.ConnectRequest) -> None:
        """Connect a unidirectional client, which sends no commands."""
        self._inbox = deque((m.Command(1, connect=request),))
        self._busy = True
        self._core.run(self._work())

    def begin_from(self, data: str | bytes) -> None:
        """The first message of a unidirectional websocket is its connect request; others are ignored."""
        if self.state == CONNECTING and not self._busy:
            told = data.encode() if isinstance(data, str) else data
            self.on_message(b'{"id":1,"connect":%b}' % text.one_line(told or b"{}"))

    async def _work(self) -> None:
        """Answer what came, one after another."""
        inbox = self._inbox
        while inbox and self.state != CLOSED:
            item = inbox.popleft()
            if isinstance(item, PeerError):
                log.info("realtime: %s of %s: %s", self.caller.client, self.caller.peer, item.reason)
                self.disconnect(codes.BAD_REQUEST)
                break
            await self._answer(item)
        self._busy = False
        self._inbox = None
        if self.state != CLOSED:
            self._link.resume_reading()

    async def _answer(self, command: m.Command) -> None:
        if not command.id and command.send is None:
            self._on_pong(command)
            return
        try:
            if not self._allowed():
                self._count_refused()
                raise too_many(self._wait_s())
            await self.answer(command)
        except ReplyError as error:
            self.refuse(command.id, error)
            if not error.temporary and error.number != TOKEN_EXPIRED.number:
                self._count_error()
        except Disconnect as error:
            self.disconnect(Code(error.number, error.message))
        except BrokerError:
            self._core.counters.broker_errors += 1
            self.refuse(command.id, INTERNAL)
        except Exception:
            self._core.counters.handler_errors += 1
            log.exception("realtime: a command of %s failed", self.caller.client)
            self.refuse(command.id, INTERNAL)

    def _allowed(self) -> bool:
        """Whether the connection's, the user's and the address's own rates allow one more command (A57)."""
        core = self._core
        core.counters.commands += 1
        now, rate = core.sweeper.now, core.settings.commands_per_connection
        self._allowance = min(self._allowance + (now - self._allowed_at) * rate, rate * BURST_S)
        self._allowed_at = now
        caller = self.caller
        allowed = not rate or self._allowance >= 1
        if allowed:
            self._allowance -= 1
            allowed = (not caller.user or core.per_user.take(caller.user, now)) and (
                core.is_exempt(caller.peer) or core.per_ip.take(caller.peer, now)
            )
        if not allowed:
            core.counters.rate_limited += 1
        return allowed

    def _count_refused(self) -> None:
        """Who does not hear that it is too fast is sent away, to come back later."""
        second = int(self._core.sweeper.now)
        if second != self._second:
            self._second, self._refused = second, 0
        self._refused += 1
        if self._refused > REALTIME_REFUSED_PER_S:
            raise Disconnect(*codes.TOO_MANY_REQUESTS)

    def _count_error(self) -> None:
        """Who only ever asks for what it may not have is sent away, and need not come back (A57)."""
        now = self._core.sweeper.now
        if self._errors_until == NEVER or now >= self._errors_until:
            self._errors, self._errors_until = 0, now + REALTIME_ERRORS_S
        self._errors += 1
        if self._errors > REALTIME_ERRORS:
            self.disconnect(codes.TOO_MANY_ERRORS)

    def _wait_s(self) -> float:
        """How long until one more command is allowed."""
        core, caller = self._core, self.caller
        now, rate = core.sweeper.now, core.settings.commands_per_connection
        own = (1 - self._allowance) / rate if rate else 0.0
        peer = 0.0 if core.is_exempt(caller.peer) else core.per_ip.wait_s(caller.peer, now)
        return max(own, core.per_user.wait_s(caller.user, now) if caller.user else 0.0, peer)

    def _on_pong(self, command: m.Command) -> None:
        if self.state != OPEN or command != _PONG or self._pong_by == NEVER:
            log.info("realtime: %s sends a pong nobody waits for", self.caller.client)
            self.disconnect(codes.BAD_REQUEST)
            return
        self._pong_by = NEVER

    def on_transport_pong(self) -> None:
        """The transport's own pong, where it has them."""
        self._pong_by = NEVER

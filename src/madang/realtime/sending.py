"""What a connection is told: replies, pushes, and what waits while its transport is full.

Rooms write to the transport themselves while it keeps up. While it is full, what the connection should get is
held, in references to the shared frames; who falls too far behind loses plain publications where the
namespace sheds, and the connection elsewhere.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from madang.base.limits import REALTIME_KEPT_BYTES, REALTIME_PLAIN_BYTES, REALTIME_WRITE_BYTES
from madang.protocols.centrifugo import codes
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code
from madang.realtime.core import Core
from madang.realtime.gate import Caller
from madang.realtime.group import Batch, Writable
from madang.realtime.ports import EXPIRED, TOKEN_EXPIRED, ReplyError
from madang.realtime.wires import Wire

CONNECTING: Final = 0
OPEN: Final = 1
FAILED: Final = 2
"""Its connect was answered with an error: nothing more is said until it goes."""
CLOSED: Final = 3

NEVER: Final = float("inf")
Held = tuple[bytes, bool]
"""A frame, and whether it may be left out."""


def _never() -> bool:
    return False


class Link(Protocol):
    """A session's transport, whatever it is."""

    deadline: float
    bucket: int

    @property
    def transport(self) -> Writable: ...

    def end(self, code: Code) -> None:
        """Say goodbye in the transport's own terms, and close."""
        ...

    def refuse(self, number: int) -> bool:
        """Say in the transport's own terms that a connect failed, by its error or disconnect, where it has
        such terms and nothing is said yet. False leaves it to a disconnect."""
        ...

    def acked_bytes(self) -> int | None:
        """What the peer has taken so far; None when nothing is on its way, or where nobody counts."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def on_deadline(self) -> None: ...


class Sending:
    """The half of a session that writes."""

    __slots__ = (
        "_core", "_held_bytes", "_link", "_plain_bytes", "caller", "held", "sheds", "state", "transport",
        "wire",
    )  # fmt: skip

    def __init__(self, core: Core, link: Link, wire: Wire, caller: Caller) -> None:
        self._core = core
        self._link = link
        self.wire = wire
        self.caller = caller
        self.transport: Writable = link.transport
        self.state = CONNECTING
        self.sheds = False
        self.held: deque[Held] | None = None
        self._held_bytes = 0
        self._plain_bytes = 0

    @property
    def is_open(self) -> bool:
        return self.state != CLOSED

    def disconnect(self, code: Code) -> None:
        """End the connection from our side."""
        raise AssertionError

    def send(self, frames: bytes) -> None:
        """Write whole frames, behind what is held."""
        if self.held is None:
            self.transport.write(frames)
        else:
            self._keep(frames)

    def send_first(self, frames: bytes) -> None:
        """Write frames before what is held, and then that."""
        if self.state == CLOSED:
            return
        self.transport.write(frames)
        self.resume(_never)

    def reply(self, reply: m.Reply) -> None:
        if self.state != CLOSED:
            self.send(self.wire.reply(reply))

    def refuse(self, number: int, error: ReplyError) -> None:
        """Answer a command with an error; one without id cannot be answered."""
        if self.state == CLOSED:
            return
        self._core.counters.replies_error += 1
        if self.wire.bare:
            if not self._link.refuse(error.number):
                self.disconnect(self._as_disconnect(error.number))
            return
        if self.state == CONNECTING:
            self.state = FAILED
        self.reply(m.Reply(number, error=m.Error(error.number, error.message, error.temporary)))

    def _as_disconnect(self, number: int) -> Code:
        """Unidirectional clients hear no errors: what ends their connection in place of one."""
        told = self._core.settings.unidirectional_disconnects.get(number)
        if told is not None:
            return Code(told.code, told.reason)
        expired = number in (TOKEN_EXPIRED.number, EXPIRED.number)
        return codes.CONNECTION_EXPIRED if expired else codes.SERVER_ERROR

    def push(self, push: m.Push) -> None:
        if self.state != CLOSED:
            self.send(self.wire.push(push))

    # --- while the transport is full -----------------------------------------------------------------

    def pause(self) -> None:
        """The transport is full."""
        if self.held is None and self.state != CLOSED:
            self.held = deque()

    def hold(self, batch: Batch) -> None:
        """What a room's sweep brings while the transport is full."""
        held, user = self.held, self.caller.user
        if held is None:
            self.transport.write(b"".join([entry.frame for entry in batch]))
            return
        kept_bytes = plain_bytes = 0
        for frame, _, plain, kept_for, _, _ in batch:
            if plain and user not in kept_for:
                held.append((frame, True))
                plain_bytes += len(frame)
            else:
                held.append((frame, False))
                kept_bytes += len(frame)
        self._held_bytes += plain_bytes + kept_bytes
        self._plain_bytes += plain_bytes
        if self._plain_bytes > REALTIME_PLAIN_BYTES:
            self._shed(held)
        if kept_bytes:
            self._check_backlog()

    def resume(self, is_full: Callable[[], bool]) -> None:
        """The transport has room again: write what was held, as far as it takes it."""
        while (held := self.held) is not None and not is_full() and self.state != CLOSED:
            frames: list[bytes] = []
            size = 0
            while held and size < REALTIME_WRITE_BYTES:
                frame, plain = held.popleft()
                frames.append(frame)
                size += len(frame)
                if plain:
                    self._plain_bytes -= len(frame)
            self._held_bytes -= size
            if not held:
                self.held = None
            if frames:
                self.transport.write(b"".join(frames))

    def _keep(self, frames: bytes) -> None:
        assert self.held is not None
        self.held.append((frames, False))
        self._held_bytes += len(frames)
        self._check_backlog()

    def _shed(self, held: deque[Held]) -> None:
        """Leave out the eldest plain publications: one for each that came, so that a crowd of slow viewers,
        whose queues fill alike, never holds up one tick with all of them."""
        while self._plain_bytes > REALTIME_PLAIN_BYTES and held[0][1]:
            self._leave_out(held.popleft()[0])
        if self._plain_bytes <= REALTIME_PLAIN_BYTES:
            return
        kept: deque[Held] = (
            deque()
        )  # something that must not be left out is eldest: down to half of the bound
        for frame, plain in held:
            if plain and self._plain_bytes > REALTIME_PLAIN_BYTES // 2:
                self._leave_out(frame)
            else:
                kept.append((frame, plain))
        self.held = kept

    def _leave_out(self, frame: bytes) -> None:
        self._plain_bytes -= len(frame)
        self._held_bytes -= len(frame)
        self._core.counters.shed += 1

    def _check_backlog(self) -> None:
        most = min(self._core.settings.queue_bytes, REALTIME_KEPT_BYTES if self.sheds else NEVER)
        if self._held_bytes - self._plain_bytes > most:
            self._core.counters.slow += 1
            self.disconnect(codes.SLOW)

"""One sweeper for all deadlines of all connections: a coarse timer wheel on one timer.

Its clock stands still while the event loop does (F23): time that the loop was stalled, when nobody had a
chance to be read, does not count against anybody. Deadlines are met within `TICK_S`, never early; where
thousands come at once (F21), in slices between which the loop serves the others.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final, Protocol

TICK_S: Final = 0.25
# A tick that comes later than this is our own stall, not the peers' silence.
STALL_S: Final = 2 * TICK_S
NEVER: Final = inf
NOWHERE: Final = -1
_SLICE: Final = 64
"""Deadlines that are met before others get their turn: to close a connection costs some 50 µs."""


class Expiring(Protocol):
    """Something with one deadline. Both attributes belong to the sweeper; start with NEVER and NOWHERE.

    An owner may move `deadline` later (or to NEVER) by plain assignment, which is what makes a deadline
    cost nothing on the hot path; to move it earlier it must call `Sweeper.expire`.
    """

    deadline: float
    bucket: int

    def on_deadline(self) -> None:
        """The deadline has passed and is disarmed; arm it again with `Sweeper.expire` if wanted."""
        ...


class Sweeper:
    """Keeps deadlines in buckets of TICK_S. `now` is seconds of listening time since the start."""

    __slots__ = (
        "_buckets",
        "_due",
        "_handle",
        "_last",
        "_loop",
        "_passed",
        "_rest",
        "_ticks",
        "now",
        "stalls",
    )

    def __init__(self) -> None:
        self.now = 0.0
        self.stalls = 0
        """How often the loop stood still for longer than STALL_S."""
        self._buckets: dict[int, set[Expiring]] = {}
        self._due: deque[Expiring] = deque()
        """Those whose time has come, and whose turn has not."""
        self._rest: asyncio.Handle | None = None
        self._passed = 0
        self._ticks: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._last = 0.0

    def start(self) -> None:
        """Tick on the running loop until `stop`."""
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._handle = self._loop.call_later(TICK_S, self._tick)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def each_tick(self, call: Callable[[], None]) -> None:
        """Call this at every tick, a few times a second."""
        self._ticks.append(call)

    def expire(self, item: Expiring, after_s: float) -> None:
        """Set the item's deadline `after_s` from now, earlier or later than before."""
        item.deadline = deadline = self.now + after_s
        bucket = max(int(deadline / TICK_S) + 1, self._passed + 1)
        if item.bucket == NOWHERE or bucket < item.bucket:
            self._place(item, bucket)

    def forget(self, item: Expiring) -> None:
        """Drop the item; to be called when its owner is gone."""
        item.deadline = NEVER
        if item.bucket != NOWHERE:
            self._buckets[item.bucket].discard(item)
            item.bucket = NOWHERE

    def advance(self, elapsed_s: float) -> None:
        """Let `elapsed_s` of listening time pass and call everyone who is due."""
        self._pass(elapsed_s)
        while self._due:
            self._meet(self._due.popleft())

    def _pass(self, elapsed_s: float) -> None:
        self.now += elapsed_s
        reached = int(self.now / TICK_S)
        while self._passed < reached:
            self._passed += 1
            due = self._buckets.pop(self._passed, ())
            for item in due:
                item.bucket = NOWHERE
            self._due.extend(due)

    def _meet_some(self) -> None:
        """One slice; the rest after the loop has served whoever waits."""
        assert self._loop is not None
        for _ in range(min(_SLICE, len(self._due))):
            self._meet(self._due.popleft())
        self._rest = self._loop.call_soon(self._meet_some) if self._due else None

    def _meet(self, item: Expiring) -> None:
        if item.bucket != NOWHERE:
            return  # armed again by somebody who was met before it
        if item.deadline <= self.now:
            item.deadline = NEVER
            item.on_deadline()
        elif item.deadline != NEVER:
            self._place(item, max(int(item.deadline / TICK_S) + 1, self._passed + 1))

    def _place(self, item: Expiring, bucket: int) -> None:
        if item.bucket != NOWHERE:
            self._buckets[item.bucket].discard(item)
        item.bucket = bucket
        self._buckets.setdefault(bucket, set()).add(item)

    def _tick(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        elapsed, self._last = now - self._last, now
        self._handle = self._loop.call_later(TICK_S, self._tick)
        if elapsed > STALL_S:
            self.stalls += 1
            elapsed = TICK_S
        self._pass(elapsed)
        if self._rest is None:
            self._meet_some()
        for call in self._ticks:
            call()

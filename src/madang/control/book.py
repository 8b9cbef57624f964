"""Facts about streams on their way into the database: never waited for, retried, bounded (F13)."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from madang.base.errors import Overloaded, PeerError
from madang.base.limits import PENDING_FACTS
from madang.control.clerk import Clerk
from madang.control.ports import Work
from madang.control.records import Happening

log = logging.getLogger("madang.control")
Fact = Callable[[Work], Awaitable[None]]
_RETRY_S = 1.0
_BATCH = 100


class Book:
    """`write` returns at once; `run` brings facts into the database, in order, many per transaction."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self.away = False
        """Whether the last write failed: the database does not answer, or its disk is full."""
        self._in_hand = 0
        self._facts: deque[Fact] = deque()
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def dropped(self) -> int:
        return self._clerk.counters.facts_dropped

    def __len__(self) -> int:
        return len(self._facts) + self._in_hand

    def write(self, fact: Fact) -> None:
        """Keep a fact; the eldest goes when too many wait."""
        if len(self._facts) >= PENDING_FACTS:
            self._facts.popleft()
            self._clerk.counters.facts_dropped += 1
        self._facts.append(fact)
        self._wake.set()

    def record(self, happening: Happening) -> None:
        """Keep a happening."""

        async def fact(work: Work) -> None:
            await work.happenings.add(happening)

        self.write(fact)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Bring what waits into the database; comes back to it later when the database is away."""
        async with self._turn:
            while self._facts:
                batch = [self._facts.popleft() for _ in range(min(_BATCH, len(self._facts)))]
                self._in_hand = len(batch)
                try:
                    kept = await self._keep(batch)
                except asyncio.CancelledError:
                    self._facts.extendleft(reversed(batch))
                    raise
                finally:
                    self._in_hand = 0
                if not kept:
                    self._facts.extendleft(reversed(batch))
                    self._wake.set()
                    await asyncio.sleep(_RETRY_S)
                    return

    async def close(self) -> None:
        """Bring what waits into the database, once; what it does not take is lost, and told."""
        await self.flush()
        if len(self):
            self._clerk.counters.facts_dropped += len(self)
            log.warning("the database took no more: %d facts are lost", len(self))

    async def _keep(self, batch: list[Fact]) -> bool:
        """Write a batch in one transaction; False when the database is away."""
        try:
            async with self._clerk.store.write() as work:
                for fact in batch:
                    await fact(work)
        except (Overloaded, OSError) as error:
            if not self.away:
                log.warning("database is away: %s", error)
            self.away = True
            return False
        except PeerError:
            self._clerk.counters.facts_dropped += len(batch)
            log.exception("facts that the database refuses were dropped")
        if self.away:
            log.warning("database is back: %d facts waited", len(self))
        self.away = False
        return True

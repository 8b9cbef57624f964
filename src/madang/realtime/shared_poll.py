"""One shared poll: the keys that connections of this node follow in one channel, and the backend that is
asked for all of them at once, however many follow.

The keys go in batches that are spread over the interval. A key that nobody followed before is asked for at
once. A backend that does not answer is left alone for longer each time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple, Protocol

from madang.base.clock import Clock
from madang.base.limits import REALTIME_POLL_BACKOFF_S, REALTIME_POLL_TURN_S, REALTIME_SLICE
from madang.net.deadlines import NEVER, NOWHERE, Sweeper
from madang.protocols.centrifugo import codes
from madang.realtime.channel import SharedPollOptions
from madang.realtime.counters import RealtimeCounters
from madang.realtime.driving import settle
from madang.realtime.poll_delivery import Delivery
from madang.realtime.poll_items import Budget, Change, Items, Listener, Tracking, Value, Wanted

log = logging.getLogger(__name__)
_MOST_DOUBLINGS: Final = 16


class PollError(Exception):
    """The backend brought no good answer."""


class Answer(NamedTuple):
    """What the backend says; a key that is left out is as it was."""

    values: Sequence[Value]
    epoch: str = ""
    """Of versions that the backend counts: another one makes them begin anew. Empty where it says nothing."""


NOTHING_NEW: Final = Answer(())
UNTOLD: Final = "_"
"""The epoch until the backend tells one of its own: clients who were told this begin anew then."""


class PollSource(Protocol):
    """Where the values are."""

    async def refresh(self, channel: str, items: Sequence[tuple[str, int | None]]) -> Answer:
        """Of these keys, with the versions that are known; None where versions are counted here. Raises
        PollError."""
        ...


class Found(NamedTuple):
    """How a channel is polled now."""

    options: SharedPollOptions
    source: PollSource


class Ground(Protocol):
    """What polls stand on."""

    clock: Clock
    sweeper: Sweeper
    counters: RealtimeCounters

    def poll_of(self, channel: str) -> Found | None:
        """None where its namespace is gone, or another kind by now."""
        ...

    def run(self, work: Coroutine[Any, Any, None]) -> None: ...


Turns = Callable[[], AbstractAsyncContextManager[object]]


class Poll:
    """Implements `net.deadlines.Expiring`. `on_idle` is called when it is of no use any more."""

    __slots__ = (
        "_asked", "_asking_soon", "_began_at", "_chunks", "_delivery", "_ends_at", "_expires_at", "_failures",
        "_ground", "_items", "_next_at", "_number", "_on_idle", "_pace_s", "_soon", "_turns", "bucket",
        "channel", "deadline", "epoch", "found", "trackings",
    )  # fmt: skip

    def __init__(
        self, ground: Ground, channel: str, found: Found, budget: Budget, turns: Turns, epoch: str
    ) -> None:
        self.channel = channel
        self.found = found
        self.epoch = epoch if found.options.is_versionless else UNTOLD
        self.trackings: dict[Tracking, None] = {}
        self.deadline = NEVER
        self.bucket = NOWHERE
        self._ground = ground
        self._turns = turns
        self._items = Items(budget)
        self._delivery = Delivery(channel, ground.counters)
        self._on_idle: Callable[[Poll], None] = lambda poll: None
        self._chunks: deque[list[str]] = deque()
        self._asked = 0
        """Questions of this round that are not answered."""
        self._number = 0
        self._failures = 0
        """In a row."""
        self._began_at = self._pace_s = 0.0
        self._next_at = self._expires_at = self._ends_at = NEVER
        self._soon: dict[str, None] = {}
        self._asking_soon = False

    def on_idle(self, call: Callable[["Poll"], None]) -> None:
        self._on_idle = call

    def __len__(self) -> int:
        return len(self._items)

    # --- connections ---------------------------------------------------------------------------------

    def enter(self, listener: Listener, *, delta: bool) -> Tracking:
        tracking = Tracking(listener, self.epoch, delta=delta)
        self.trackings[tracking] = None
        self._ends_at = NEVER
        return tracking

    def leave(self, tracking: Tracking) -> None:
        """Its subscription has ended, in whatever way."""
        self._items.unfollow(tracking, tuple(tracking.keys))
        self._delivery.forget(tracking)
        self.trackings.pop(tracking, None)
        if not self.trackings:
            self._ends_at = self._ground.sweeper.now + self.found.options.channel_shutdown_delay_s
            self._arm()

    def track(self, tracking: Tracking, wanted: Iterable[Wanted]) -> list[Change]:
        """What is known already and newer than what the connection has; the rest follows."""
        known: list[Change] = []
        for each in wanted:
            item = self._items.follow(tracking, each)
            if item.data is not None and item.version > each.version:
                known.append(Change(each.key, item.version, item.data))
                tracked = tracking.keys[each.key]
                tracked.version, tracked.based = item.version, True
            elif not each.version or item.version > each.version:
                item.unsure = True
                if not self._failures:  # else the next round is soon enough
                    self._soon[each.key] = None
        if self._next_at == NEVER and not self._asked:
            self._next_at = self._ground.sweeper.now + self.found.options.refresh_interval_s
        self._watch_expiry(tracking)
        self._arm()
        self._ask_soon()
        return known

    def untrack(self, tracking: Tracking, keys: Iterable[str]) -> None:
        self._items.unfollow(tracking, keys)

    # --- news ----------------------------------------------------------------------------------------

    def publish(self, value: Value, epoch: str) -> None:
        """A value that did not wait to be asked for. Versions are the backend's."""
        if self.found.options.is_versionless:
            return
        self._adopt(epoch)
        change = self._items.put(value, keeps=self.found.options.keep_latest_data)
        if change is not None:
            self._tell(change)

    def _tell(self, change: Change) -> int:
        item = self._items.get(change.key)
        if item is None:
            return 0
        told = self._delivery.tell(change, item)
        if change.removed:
            self._items.remove(change.key)
        return told

    def _adopt(self, epoch: str) -> None:
        """Another epoch: whoever was told another one comes back and begins anew."""
        if self.found.options.is_versionless or not epoch or epoch == self.epoch:
            return
        self.epoch = epoch
        self._items.reset()
        for tracking in tuple(self.trackings):
            if tracking.epoch != epoch:
                tracking.listener.end_subscription(self.channel, codes.UNSUBSCRIBE_INSUFFICIENT)

    # --- time ----------------------------------------------------------------------------------------

    def on_deadline(self) -> None:
        now = self._ground.sweeper.now
        if now >= self._ends_at:
            self._on_idle(self)
            return
        if now >= self._expires_at:
            self._expire()
        if now >= self._next_at:
            self._step(now)
        self._arm()

    def _arm(self) -> None:
        """Set the one deadline to whatever comes first."""
        first = min(self._next_at, self._expires_at, self._ends_at)
        if first != NEVER:
            self._ground.sweeper.expire(self, max(first - self._ground.sweeper.now, 0.0))

    def _watch_expiry(self, tracking: Tracking) -> None:
        first = tracking.first_expiry()
        if first:
            ground = self._ground
            left_s = first + self.found.options.track_expired_extra_delay_s - ground.clock.wall()
            self._expires_at = min(self._expires_at, ground.sweeper.now + max(left_s, 0.0))

    def _expire(self) -> None:
        """Keys whose signature was not renewed in time are not followed any more; nobody is told."""
        self._expires_at = NEVER
        over = self._ground.clock.wall() - self.found.options.track_expired_extra_delay_s
        for tracking in self.trackings:
            expired = [
                key for key, each in tracking.keys.items() if each.expires_at and each.expires_at <= over
            ]
            self._items.unfollow(tracking, expired)
            self._watch_expiry(tracking)

    def _step(self, now: float) -> None:
        """The next batch of this round, or of a new one."""
        if not self._chunks:
            if self._asked:
                self._next_at = NEVER  # the round's last answer sets it
                return
            self._begin(now)
        if not self._chunks:
            self._next_at = now + self.found.options.refresh_interval_s if len(self._items) else NEVER
            return
        self._asked += 1
        self._ground.run(self._ask_due(self._chunks.popleft()))
        ends_at = max(self._began_at + self._wait_s(), now)
        self._next_at = now + self._pace_s if self._chunks else ends_at

    def _begin(self, now: float) -> None:
        found = self._ground.poll_of(self.channel)
        if found is None:
            return
        self.found = found
        keys, size = self._items.due(), found.options.refresh_batch_size
        self._chunks.extend(keys[at : at + size] for at in range(0, len(keys), size))
        self._began_at = now
        self._pace_s = found.options.refresh_interval_s / max(len(self._chunks), 1)

    def _wait_s(self) -> float:
        """From the beginning of one round to the next."""
        interval_s = self.found.options.refresh_interval_s
        if not self._failures:
            return interval_s
        doubled = interval_s * 2.0 ** min(self._failures, _MOST_DOUBLINGS)
        return max(interval_s, min(doubled, REALTIME_POLL_BACKOFF_S))

    # --- questions -----------------------------------------------------------------------------------

    async def _ask_due(self, keys: list[str]) -> None:
        await settle()
        try:
            await self._ask(keys)
        finally:
            self._asked -= 1
        if not self._asked and not self._chunks and self.trackings:
            self._next_at = max(self._began_at + self._wait_s(), self._ground.sweeper.now)
            self._arm()

    def _ask_soon(self) -> None:
        """What nobody knew, or not who asks now; many who come together make one question."""
        if self._soon and not self._asking_soon:
            self._asking_soon = True
            self._ground.run(self._ask_those())

    async def _ask_those(self) -> None:
        await settle()
        try:
            while self._soon:
                size = self.found.options.refresh_batch_size
                keys = list(self._soon)[:size]
                for key in keys:
                    del self._soon[key]
                if not await self._ask(keys):
                    return
        finally:
            self._soon.clear()  # the next round has them
            self._asking_soon = False

    async def _ask(self, keys: Iterable[str]) -> bool:
        """Whether there was an answer."""
        options, source = self.found
        counts = not options.is_versionless
        self._number += 1
        number = self._number
        try:
            async with asyncio.timeout(REALTIME_POLL_TURN_S), self._turns():
                asked = self._items.question(keys, counts=counts)
                answer = await source.refresh(self.channel, asked) if asked else NOTHING_NEW
            self._failures = 0
            await self._take(answer, number)
        except (PollError, TimeoutError):
            self._failed()
            return False
        except Exception:
            self._ground.counters.handler_errors += 1
            log.exception("realtime: a poll of %s failed", self.channel)
            self._failed()
            return False
        return True

    def _failed(self) -> None:
        self._failures += 1
        self._ground.counters.poll_errors += 1

    async def _take(self, answer: Answer, number: int) -> None:
        """Tell what the answer changes, in slices."""
        options, told = self.found.options, 0
        self._adopt(answer.epoch)
        epoch = self.epoch
        changes = self._items.take(
            answer.values, number, counts=not options.is_versionless, keeps=options.keep_latest_data
        )
        for change in changes:
            told += self._tell(change)
            if told >= _IN_ONE_GO:
                told = 0
                await asyncio.sleep(0)
                if self.epoch != epoch:
                    return  # these versions are over

    def close(self) -> None:
        self._delivery.close()
        self._ground.sweeper.forget(self)


_IN_ONE_GO: Final = 10 * REALTIME_SLICE
"""Values told before others get their turn; each takes less than a microsecond."""

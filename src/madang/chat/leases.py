"""Which rooms this node runs, and who runs the others: a lease per room, in the database that nodes share.

A lease lasts CHAT_LEASE_S and is renewed at a third of that; what is committed for a room is fenced by the
lease's number, so that a node which slept through its end writes nothing. Wall clocks of nodes may differ:
that costs a moment of silence, never a message.
"""

from collections.abc import Iterable

import msgspec

from madang.base.clock import Clock
from madang.base.errors import Overloaded
from madang.base.limits import CHAT_DEAF_S, CHAT_LEASE_S
from madang.chat.ports import Claim, Held, Lease, Log

_KNOWN = 10_000
_DEAF = 100


class ElsewhereError(Exception):
    """This room is run by another node."""

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node


class Taken(msgspec.Struct, frozen=True):
    """A lease that this node holds."""

    fence: int
    before: str
    """Who held it last, if it was not given back: what they left undone is to be made up for."""


class _Led(msgspec.Struct):
    fence: int
    until: float
    """Monotonic seconds; a little before the row's."""


class Leases:
    """Of one node."""

    def __init__(self, log: Log, clock: Clock, node: str) -> None:
        self.node = node
        self._log, self._clock = log, clock
        self._led: dict[str, _Led] = {}
        self._others: dict[str, tuple[str, float]] = {}
        """Who runs a room, and until when that is believed."""
        self._stopped = False
        self._deaf: dict[str, tuple[float, float]] = {}
        """Since when the broker says that nobody listens there, and when it last did."""

    @property
    def led(self) -> Iterable[str]:
        return tuple(self._led)

    def holds(self, channel: str) -> bool:
        """Whether this node runs a room now, as far as it knows."""
        led = self._led.get(channel)
        return led is not None and self._clock.monotonic() < led.until

    def is_open(self, channel: str) -> bool:
        """Whether nobody is known to run a room."""
        _, until = self._others.get(channel, ("", 0.0))
        return not self.holds(channel) and self._clock.monotonic() >= until

    def held(self, channel: str, fence: int) -> Held:
        """What a commit for a room asks."""
        return Held(channel, self.node, fence)

    async def take(self, channel: str) -> Taken:
        """Run a room from now on, if nobody else does. Raises ElsewhereError and Overloaded."""
        if self._stopped:
            raise Overloaded("this server stops", "The chat moves to another server; try again.")
        began = self._clock.monotonic()
        node, until = self._others.get(channel, ("", 0.0))
        deaf = node if self._is_deaf(node, began) else ""
        if began < until and not deaf:
            raise ElsewhereError(node)
        now = int(self._clock.wall() * 1000)
        claim = Claim(
            channel=channel, node=self.node, now=now, until=now + int(CHAT_LEASE_S * 1000), deaf=deaf
        )
        lease, before = await self._log.claim(claim)
        if lease.holder != self.node:
            self._led.pop(channel, None)
            self._believe(channel, lease, now, began)
            raise ElsewhereError(lease.holder)
        self._others.pop(channel, None)
        self._led[channel] = _Led(lease.fence, began + CHAT_LEASE_S)
        return Taken(lease.fence, "" if before == self.node else before)

    def _believe(self, channel: str, lease: Lease, now: int, began: float) -> None:
        lasts_s = min(max((lease.until - now) / 1000, 0.1), CHAT_LEASE_S)
        self._others[channel] = lease.holder, began + lasts_s
        while len(self._others) > _KNOWN:
            del self._others[next(iter(self._others))]

    async def renew(self) -> list[str]:
        """Make all leases last longer; the rooms that are another's now. Raises Overloaded."""
        if not self._led:
            return []
        began, until = self._clock.monotonic(), int((self._clock.wall() + CHAT_LEASE_S) * 1000)
        asked = dict(self._led)
        fences = await self._log.renew(self.node, until)
        lost = []
        for channel, led in asked.items():
            if self._led.get(channel) is not led:
                continue  # taken or given back meanwhile
            if fences.get(channel) == led.fence:
                led.until = began + CHAT_LEASE_S
            else:
                lost.append(channel)
                self.lose(channel)
        return lost

    def lose(self, channel: str) -> None:
        """A room is not ours any more, or nobody is in it: its lease runs out."""
        self._led.pop(channel, None)

    async def release(self, channels: Iterable[str]) -> None:
        """Give rooms back. Raises Overloaded."""
        mine = [channel for channel in channels if self._led.pop(channel, None) is not None]
        if mine:
            await self._log.release(self.node, mine)

    def stop(self) -> None:
        """Take no room any more."""
        self._stopped = True

    # --- what is heard of others

    def heard(self, node: str) -> None:
        """Another node answered: it lives."""
        self._deaf.pop(node, None)

    def listed(self, node: str, rooms: Iterable[str]) -> None:
        """Another node says which rooms it runs, and that it runs no others."""
        self.heard(node)
        until = self._clock.monotonic() + CHAT_LEASE_S
        for channel in [name for name, (holder, _) in self._others.items() if holder == node]:
            del self._others[channel]
        for channel in rooms:
            if channel not in self._led:
                self._others[channel] = node, until

    def doubt(self, channel: str) -> None:
        """Whoever was said to run a room does not: look again."""
        self._others.pop(channel, None)

    def nobody_listens(self, node: str) -> None:
        """The broker knows nobody of this name now."""
        now = self._clock.monotonic()
        since, last = self._deaf.get(node, (now, now))
        self._deaf[node] = (since if now - last < CHAT_DEAF_S else now), now
        while len(self._deaf) > _DEAF:
            del self._deaf[next(iter(self._deaf))]

    def _is_deaf(self, node: str, now: float) -> bool:
        since, last = self._deaf.get(node, (now, now))
        return last - since >= CHAT_DEAF_S and now - last < CHAT_DEAF_S

"""One channel's subscribers on this node, and the tick that writes to them.

A publication is rendered once per group and waits for the tick; a sweep then writes each group's joined
frames to its members, REALTIME_SLICE of them at a time. The first publication after a quiet tick goes at
once. A tick lasts twice the CPU time of the last sweep, so that no channel takes more than half of a core.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Final, Protocol

from madang.base.limits import REALTIME_BUS_S, REALTIME_SLICE, REALTIME_TICK_S
from madang.protocols.centrifugo import fossil, tags, text
from madang.protocols.centrifugo import messages as m
from madang.realtime.channel import ChannelOptions
from madang.realtime.counters import RealtimeCounters
from madang.realtime.driving import settle
from madang.realtime.group import Entry, Group, Member, Work
from madang.realtime.publication import Position, Publication, Weight
from madang.realtime.wires import Wire

# A sweep over fewer members than this is not worth measuring.
_SMALL: Final = 50


class Owner(Protocol):
    """Who keeps rooms."""

    counters: RealtimeCounters

    def on_missed(self, room: "Room") -> None:
        """A publication is missing before the one that came."""
        ...

    def on_unfit(self, members: list[Member]) -> None:
        """These speak JSON, and what came is none."""
        ...


class Room:
    """A channel with at least one subscriber here. `top` follows what was handed in, for the position
    check."""

    __slots__ = (
        "_awaited", "_due", "_handle", "_left", "_loop", "_next", "_owner", "_steps", "channel", "entering",
        "groups", "keyed", "options", "positioned", "sequence", "taps", "top",
    )  # fmt: skip

    def __init__(self, channel: str, options: ChannelOptions, owner: Owner) -> None:
        self.channel = channel
        self.options = options
        self.keyed = options.is_map
        """Publications are of keys, each with values of its own."""
        self.groups: dict[object, Group] = {}
        self.top: Position | None = None
        self.entering = 0
        """Connections on their way in."""
        self.positioned = 0
        """Subscriptions whose continuity is promised."""
        self.taps: list[list[Publication]] = []
        """Of those who read history right now: they are told what comes meanwhile."""
        self.sequence = 0
        self._awaited: list[tuple[int, asyncio.Future[None]]] = []
        """Offsets that somebody waits for."""
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None
        self._due = 0.0
        self._next = 0.0
        """Before this no tick ends, but for urgent ones."""
        self._steps: Iterator[None] | None = None
        """The sweep that goes on."""
        self._left: set[Member] = set()
        """Who left while it does."""

    def __len__(self) -> int:
        return sum(len(group) for group in self.groups.values() if not group.joins)

    # --- members -------------------------------------------------------------------------------------

    def join(
        self,
        member: Member,
        wire: Wire,
        *,
        delta: bool = False,
        chosen: m.FilterNode | None = None,
        base: bytes | None = None,
    ) -> Group:
        """Add a member, who gets what comes from now on. `base` is the last publication that it has in
        full."""
        return self._enter(member, (wire, delta, chosen, False), base)

    def watch(self, member: Member, wire: Wire) -> Group:
        """Let a member hear of joins and leaves."""
        return self._enter(member, (wire, False, None, True), None)

    def _enter(
        self, member: Member, key: tuple[Wire, bool, m.FilterNode | None, bool], base: bytes | None
    ) -> Group:
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(key, keyed=self.keyed)
        group.add(member, self.sequence, base)
        return group

    def leave(self, member: Member, group: Group) -> None:
        """Remove a member at once, also from a sweep that goes on."""
        group.remove(member)
        if self._steps is not None:
            self._left.add(member)
        if not len(group):
            self.groups.pop(group.key, None)
            group.pending.clear()

    def members(self) -> list[Member]:
        """Everybody who gets publications."""
        return [member for group in self.groups.values() if not group.joins for member in _all(group)]

    # --- what comes in -------------------------------------------------------------------------------

    async def reach(self, top: Position) -> None:
        """Wait for what the broker has and has not brought here yet. Not for long: it may be lost."""
        known = self.top
        if known is None or known.epoch != top.epoch or known.offset >= top.offset:
            return
        await settle()
        awaited = top.offset, self._loop.create_future()
        self._awaited.append(awaited)
        try:
            async with asyncio.timeout(REALTIME_BUS_S):
                await awaited[1]
        except TimeoutError:
            return
        finally:
            self._awaited.remove(awaited)

    def publish(self, publication: Publication, top: Position) -> None:
        """Render a publication for each group and let the tick carry it."""
        if publication.offset and not self._continues(publication, top):
            return
        self.sequence += 1
        self._show(publication)
        plain = publication.weight is Weight.PLAIN and self.options.shed
        makes_deltas = publication.delta or self.options.delta_publish
        deltas: dict[bytes, bytes] = {}
        readable: bool | None = None
        for group in tuple(self.groups.values()):
            if group.joins or not self._passes(group, publication):
                continue
            if not group.wire.binary:
                if readable is None:
                    data = publication.data
                    readable = text.is_json(data) if data else bool(publication.key)
                if not readable:
                    self._owner.on_unfit(_all(group))
                    continue
            frame = full = b""
            if group.delta:
                full = group.wire.publication(self.channel, publication, b"")
                base = (publication.prev or None) if self.keyed else group.base
                if makes_deltas and base is not None:
                    if base not in deltas:
                        deltas[base] = _delta(base, publication.data)
                    if delta := deltas[base]:
                        frame = group.wire.publication(self.channel, publication, delta)
                if not self.keyed:
                    group.base = publication.data
            frame = frame or full or group.wire.publication(self.channel, publication)
            group.pending.append(Entry(frame, self.sequence, plain, publication.kept_for, full, publication))
        self._arm(publication.weight is Weight.URGENT)

    def _show(self, publication: Publication) -> None:
        """To those who are on their way in."""
        for tap in self.taps:
            tap.append(publication)
        for offset, future in self._awaited:
            if publication.offset >= offset and not future.done():
                future.set_result(None)

    def announce(self, push: m.Push) -> None:
        """A join or a leave, for those who watch them."""
        self.sequence += 1
        for group in self.groups.values():
            if group.joins:
                frame = group.wire.push(push)
                group.pending.append(Entry(frame, self.sequence, self.options.shed, frozenset(), b"", None))
        self._arm(urgent=False)

    def redact(self, offset: int, data: bytes) -> None:
        """What still waits for the tick is rendered again from the new data."""
        for group in self.groups.values():
            group.base = None  # nobody's next delta may be made of what is gone
            for index, entry in enumerate(group.pending):
                found = entry.publication
                if found is not None and found.offset == offset:
                    found = Publication(data=data, offset=offset, info=found.info, tags=found.tags)
                    again = group.wire.publication(self.channel, found, b"" if group.delta else None)
                    group.pending[index] = entry._replace(frame=again, full=again, publication=found)

    def _continues(self, publication: Publication, top: Position) -> bool:
        known, self.top = self.top, top
        if known is None or (known.epoch == top.epoch and publication.offset == known.offset + 1):
            return True
        if known.epoch == top.epoch and publication.offset <= known.offset:
            self.top = known
            return False  # told twice
        for group in self.groups.values():
            group.base = None
        self._owner.on_missed(self)
        return True

    def _passes(self, group: Group, publication: Publication) -> bool:
        if group.filter is None or tags.matches(group.filter, publication.tags):
            return True
        self._owner.counters.filtered += 1
        return False

    # --- the tick ------------------------------------------------------------------------------------

    def _arm(self, urgent: bool) -> None:
        if self._steps is not None:
            if urgent:
                self._next = 0.0
            return
        now = self._loop.time()
        wait = 0.0 if urgent else max(self._next - now, 0.0)
        delay = self.options.batch_max_delay_s
        if delay and not urgent and not self._is_full():
            wait = max(wait, delay)
        if self._handle is not None:
            if now + wait >= self._due:
                return
            self._handle.cancel()
        self._due = now + wait
        self._handle = self._loop.call_later(wait, self._sweep) if wait else self._loop.call_soon(self._sweep)

    def _is_full(self) -> bool:
        most = self.options.batch_max_size
        return bool(most) and any(len(group.pending) >= most for group in self.groups.values())

    def _sweep(self) -> None:
        self._handle = None
        self._owner.counters.sweeps += 1
        work = [group.take() for group in self.groups.values() if group.pending]
        if sum(len(each.targets) for each in work) <= _SMALL:
            for _ in self._write(work):
                pass
            return
        self._next = self._loop.time()
        self._steps = self._write(work)
        self._step(time.thread_time())

    def _step(self, began: float) -> None:
        """One slice, then others get their turn."""
        steps = self._steps
        if steps is None:
            return
        for _ in steps:
            self._loop.call_soon(self._step, began)
            return
        self._loop.call_soon(self._end, began)

    def _end(self, began: float) -> None:
        """The loop has written what the last slice left to it; what came meanwhile is armed."""
        if self._steps is None:
            return
        self._steps = None
        self._left.clear()
        urgent = not self._next
        self._next += min(2 * (time.thread_time() - began), REALTIME_TICK_S)
        if any(group.pending for group in self.groups.values()):
            self._arm(urgent)

    def _write(self, work: list[Work]) -> Iterator[None]:
        """Write each group's batch; yields between slices."""
        counters, left = self._owner.counters, self._left
        for each in work:
            batch, data, targets = each.batch, each.data, each.targets
            for member, own in each.fresh:
                if member in left:
                    continue
                counters.deliveries += len(own)
                if member.held is None:
                    member.transport.write(b"".join([entry.frame for entry in own]))
                else:
                    member.hold(own)
            counters.deliveries += len(batch) * len(targets)
            for start in range(0, len(targets), REALTIME_SLICE):
                if start:
                    yield
                members = targets[start : start + REALTIME_SLICE]
                if left:
                    members = [member for member in members if member not in left]
                for member in members:
                    if member.held is None:
                        member.transport.write(data)
                    else:
                        member.hold(batch)

    def close(self) -> None:
        """Nobody is left."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._steps = None


def _all(group: Group) -> list[Member]:
    return [*group.members, *group.fresh]


def _delta(base: bytes, data: bytes) -> bytes:
    """The delta between two publications; empty when it does not pay."""
    delta = fossil.create(base, data)
    return delta if len(delta) < len(data) else b""

"""A connection enters a channel: continuity, recovery without gap or duplicate, presence, the reply.

History is read while the room's newest publications are tapped; then, without a pause, the connection is
added to the room and the reply is written. So what it gets later lies above what the reply says.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from madang.base.limits import REALTIME_RECOVERY
from madang.protocols.centrifugo import codes, fossil, tags
from madang.protocols.centrifugo import messages as m
from madang.realtime.ask import Ask
from madang.realtime.broker import HistoryQuery, Stretch
from madang.realtime.channel import ChannelOptions
from madang.realtime.core import Binding, Core
from madang.realtime.gate import ServerSubscription
from madang.realtime.ports import BAD_REQUEST, UNRECOVERABLE_POSITION, Disconnect, Joined
from madang.realtime.publication import NOWHERE, Position, Publication
from madang.realtime.room import Room
from madang.realtime.sending import CLOSED
from madang.realtime.session import Session
from madang.realtime.subscription import Subscription

FOSSIL: Final = "fossil"
REJECT_UNRECOVERED: Final = 2
"""The flag of a subscribe that would rather fail than begin with a gap."""


class _Recovery(msgspec.Struct, frozen=True):
    """What a recovering client missed, or that it cannot be told."""

    recovered: bool
    publications: Sequence[Publication] = ()
    offset: int = 0


def effective(options: ChannelOptions, told: ServerSubscription) -> ChannelOptions:
    """The namespace's options as overridden for one subscription."""
    changes = {
        name: value
        for name in ("presence", "join_leave", "force_push_join_leave", "force_recovery", "force_positioning")
        if (value := getattr(told, name)) is not None
    }
    return msgspec.structs.replace(options, **changes) if changes else options


async def enter(core: Core, session: Session, binding: Binding, channel: str, ask: Ask) -> m.SubscribeResult:
    """Make the subscription; the caller writes the result at once. Raises ReplyError, Disconnect,
    BrokerError."""
    kind = binding.options.subscription_type
    if binding.options.is_map or (ask.server_side and kind != "stream"):
        raise BAD_REQUEST  # the server's side makes streams alone
    room = await core.room(channel, binding)
    entering = Entering(core, session, room, ask, effective(binding.options, ask.subscription))
    try:
        return await entering.go()
    finally:
        core.entered(room)


class Entering:
    """One connection on its way into one room."""

    __slots__ = (
        "ask",
        "behind",
        "core",
        "delta",
        "options",
        "positioned",
        "recoverable",
        "recovers",
        "room",
        "session",
    )

    def __init__(self, core: Core, session: Session, room: Room, ask: Ask, options: ChannelOptions) -> None:
        self.core = core
        self.session = session
        self.room = room
        self.ask = ask
        self.options = options
        request, named = ask.request, bool(session.caller.user)
        keeps = options.has_history and core.broker.keeps_history
        reads = options.allow_history_for_subscriber or (
            options.allow_history_for_client and (named or options.allow_history_for_anonymous)
        )
        self.recoverable = keeps and (
            options.force_recovery or (request.recoverable and (options.allow_recovery or reads))
        )
        self.positioned = self.recoverable or (
            keeps
            and (options.force_positioning or (request.positioned and (options.allow_positioning or reads)))
        )
        self.behind: Position | None = None
        """Where the reply says that the channel stands, where what was published since follows it."""
        by_cache = options.auto_cache_recover and options.force_recovery_mode == "cache"
        self.recovers = self.recoverable and (request.recover or by_cache)
        self.delta = (
            request.delta == FOSSIL
            and FOSSIL in options.allowed_delta_types
            and (self.positioned or options.keep_latest_publication)
            and not session.wire.bare
        )

    async def go(self) -> m.SubscribeResult:
        stretch, late = await self._read()
        session = self.session
        if session.state == CLOSED or self.room.channel in session.subscriptions:
            raise Disconnect(*codes.CONNECTION_CLOSED)
        found = self._recovery(stretch, late) if self.recovers else None
        if found is not None and self.ask.filter is not None:
            passed = [each for each in found.publications if tags.matches(self.ask.filter, each.tags)]
            found = msgspec.structs.replace(found, publications=passed)
        if found is not None and not found.recovered and self.ask.request.flag & REJECT_UNRECOVERED:
            raise UNRECOVERABLE_POSITION
        publications = found.publications if found is not None else ()
        if self.ask.missed is not None:
            self.ask.missed.extend(publications)
        if self.behind is not None:
            self._follow(self.behind, stretch, late)
        self.join(publications)
        return self._result(stretch.top, found)

    async def _read(self) -> tuple[Stretch, list[Publication]]:
        """History as far as it is asked for, and what came while it was read."""
        if not self.positioned:
            return Stretch((), NOWHERE), []
        room, request = self.room, self.ask.request
        tap: list[Publication] = []
        room.taps.append(tap)
        try:
            query = HistoryQuery(limit=0)
            if self.recovers and self.options.force_recovery_mode == "cache":
                query = HistoryQuery(limit=1, reverse=True)
            elif self.recovers:
                since = Position(request.offset, request.epoch)
                query = HistoryQuery(limit=REALTIME_RECOVERY + 1, since=since)
            if self.ask.since is None or self.recovers:
                stretch = await self.core.broker.history(room.channel, query, self.options.retention)
            if self.ask.since is not None and not (self.recovers and self._is_whole(stretch, tap)):
                self.behind = self.ask.since
                query = HistoryQuery(limit=REALTIME_RECOVERY, since=self.behind)
                stretch = await self.core.broker.history(room.channel, query, self.options.retention)
            await room.reach(stretch.top)  # what the others wait for is not told twice, nor left out
        finally:
            room.taps[:] = [other for other in room.taps if other is not tap]
        late = [publication for publication in tap if publication.offset > stretch.top.offset]
        for expected, publication in enumerate(late, stretch.top.offset + 1):
            if publication.offset != expected:
                raise Disconnect(*codes.INSUFFICIENT_STATE)
        top = Position(late[-1].offset, stretch.top.epoch) if late else stretch.top
        self.core.catch_up(room, top)
        return Stretch(stretch.publications, top), late

    def _is_whole(self, stretch: Stretch, tap: list[Publication]) -> bool:
        late = [publication for publication in tap if publication.offset > stretch.top.offset]
        return self._recovery(stretch, late).recovered

    def _follow(self, since: Position, stretch: Stretch, late: list[Publication]) -> None:
        """All that was published between the snapshot and now."""
        between = [*stretch.publications, *late]
        whole = len(between) == stretch.top.offset - since.offset
        if stretch.top.epoch != since.epoch or not whole:
            raise Disconnect(*codes.INSUFFICIENT_STATE)
        chosen = self.ask.filter
        self.ask.later.extend(each for each in between if chosen is None or tags.matches(chosen, each.tags))

    def _recovery(self, stretch: Stretch, late: list[Publication]) -> _Recovery:
        top, request = stretch.top, self.ask.request
        if self.behind is not None:
            return _Recovery(False, (), top.offset)
        same_epoch = not request.epoch or request.epoch == top.epoch
        if self.options.force_recovery_mode == "cache":
            if same_epoch and request.offset == top.offset and top.offset:
                return _Recovery(True, (), top.offset)
            newest = [*reversed(stretch.publications), *late][-1:]
            return _Recovery(
                bool(newest) or (same_epoch and request.offset == top.offset), newest, top.offset
            )
        missed = [*stretch.publications, *late]
        whole = (not missed and request.offset == top.offset) or (
            bool(missed) and missed[0].offset == request.offset + 1 and missed[-1].offset == top.offset
        )
        if same_epoch and whole and len(missed) <= REALTIME_RECOVERY:
            return _Recovery(True, missed, request.offset)
        return _Recovery(False, (), top.offset)

    def join(self, publications: Sequence[Publication]) -> None:
        """The connection is subscribed; `publications` are what its reply brings."""
        core, session, room, options = self.core, self.session, self.room, self.options
        told = self.ask.subscription
        base = publications[-1].data if publications else None
        group = room.join(session, session.wire, delta=self.delta, chosen=self.ask.filter, base=base)
        subscription = session.subscriptions[room.channel] = Subscription(room, group)
        subscription.info = told.info
        subscription.expires_at = told.expires_at
        subscription.client_refresh = self.ask.client_refresh
        subscription.server_side = self.ask.server_side
        subscription.claimed = self.ask.claimed
        subscription.positioned = self.positioned
        subscription.presence = options.presence
        subscription.join_leave = options.join_leave
        session.sheds = session.sheds or options.shed
        room.positioned += self.positioned
        if self._watches():
            subscription.watch = room.watch(session, session.wire)
        if told.expires_at:
            session.arm()
        subscription.keys = core.enter_keys(session.caller, room.channel, options, subscription.info)
        core.counters.subscriptions += 1
        if options.presence:
            core.later(core.broker.add_presence(room.channel, session.info(room.channel)))
        if options.join_leave:
            core.later(core.broker.publish_join(room.channel, session.info(room.channel)))

    def _watches(self) -> bool:
        options, named = self.options, bool(self.session.caller.user)
        may = options.allow_presence_for_subscriber or (
            options.allow_presence_for_client and (named or options.allow_presence_for_anonymous)
        )
        return options.force_push_join_leave or (self.ask.request.join_leave and options.join_leave and may)

    def _result(self, top: Position, found: _Recovery | None) -> m.SubscribeResult:
        told, wire, session = self.ask.subscription, self.session.wire, self.session
        recovered = found is not None and found.recovered
        if found is not None:
            self.core.counters.recovered += recovered
            self.core.counters.not_recovered += not recovered
        data = told.data
        if self.ask.snapshot is not None:
            data = self.ask.snapshot(Joined(recovered, top.offset, top.epoch))
        expires = bool(told.expires_at) and self.ask.client_refresh
        return m.SubscribeResult(
            expires=expires,
            ttl=session.ttl(told.expires_at) if expires else 0,
            recoverable=self.recoverable,
            epoch=top.epoch,
            publications=self._encoded(found.publications if found is not None else ()),
            recovered=recovered,
            offset=self._offset(top, found),
            positioned=self.positioned,
            data=wire.data(data),
            was_recovering=found is not None,
            delta=self.delta,
        )

    def _offset(self, top: Position, found: _Recovery | None) -> int:
        if self.behind is not None:
            return self.behind.offset
        return found.offset if found is not None else top.offset

    def _encoded(self, publications: Sequence[Publication]) -> Raw:
        """Recovered publications as the client gets them; many who return together share the bytes."""
        if not publications:
            return m.NONE
        first, last, wire = publications[0].offset, publications[-1].offset, self.session.wire
        key = self.room.channel, wire.binary, self.delta, self.ask.filter, first, last, self.room.top
        return self.core.share(key, lambda: wire.subscribed(self._encode(publications)))

    def _encode(self, publications: Sequence[Publication]) -> Iterator[bytes]:
        base: bytes | None = None
        for each in publications:
            patch = b""
            if self.delta and base is not None and (each.delta or self.options.delta_publish):
                patch = fossil.create(base, each.data)
                patch = patch if len(patch) < len(each.data) else b""
            yield self.session.wire.encode(each, patch if self.delta else None)
            base = each.data

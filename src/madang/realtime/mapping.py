"""A connection enters a map: pages of its state, the changes since, and then what comes.

Centrifugo's phases: the client asks page by page, and the server says when it is live. Where the map stood
when the first page was read the changes begin, so that no key is missed and none is told twice.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec
from msgspec import Raw

from madang.base.limits import REALTIME_MAP_PAGE_BYTES
from madang.protocols.centrifugo import codes, fossil, tags
from madang.protocols.centrifugo import messages as m
from madang.realtime.ask import Ask
from madang.realtime.core import Binding, Core
from madang.realtime.entering import FOSSIL, Entering, effective
from madang.realtime.flow import Flow, Tap
from madang.realtime.ports import (
    BAD_REQUEST,
    CONCURRENT_PAGINATION,
    PERMISSION_DENIED,
    UNRECOVERABLE_POSITION,
    Disconnect,
)
from madang.realtime.publication import Position, Publication
from madang.realtime.room import Room
from madang.realtime.sending import CLOSED
from madang.realtime.session import Session


def continued(session: Session, request: m.SubscribeRequest) -> Ask | None:
    """What was decided about a client that asks for its next page; None for its first request. Raises
    ReplyError 103 and 113, Disconnect 3008."""
    flow = session.flows.get(request.channel) if session.flows else None
    first = request.phase == m.STATE_PHASE and not request.cursor
    if flow is None:
        if first or (request.recover and not request.cursor):
            return None
        raise PERMISSION_DENIED
    if first:
        session.give_up(request.channel)  # it begins again
        return None
    if flow.expired:
        session.give_up(request.channel)
        raise Disconnect(*codes.SLOW)
    if request.phase == m.STATE_PHASE and request.cursor != flow.cursor:
        raise CONCURRENT_PAGINATION
    return msgspec.structs.replace(flow.ask, request=request)


async def enter(core: Core, session: Session, binding: Binding, channel: str, ask: Ask) -> m.SubscribeResult:
    """A page, or the subscription itself; the caller writes the result at once. Raises ReplyError,
    Disconnect, BrokerError."""
    flow = session.flows.get(channel) if session.flows else None
    if flow is None:
        flow = Flow(core, ask, binding.options.map.subscribe_catch_up_timeout_s)
        flows = session.flows = session.flows or {}
        flows[channel] = flow
    try:
        result = await _Steps(core, session, binding, ask, flow).go()
    except BaseException:
        session.give_up(channel)
        raise
    if not result.phase:
        session.give_up(channel)
    return result


class _Steps:
    """One request of one connection on its way into one map."""

    __slots__ = ("ask", "binding", "channel", "core", "delta", "flow", "keeps", "limit", "options", "session")

    def __init__(self, core: Core, session: Session, binding: Binding, ask: Ask, flow: Flow) -> None:
        self.core = core
        self.session = session
        self.binding = binding
        self.channel = ask.request.channel
        self.ask = ask
        self.flow = flow
        self.options = effective(binding.options, ask.subscription)
        self.keeps = self.options.map.keeps
        self.limit = self.options.map.page(ask.request.limit)
        self.delta = (
            ask.request.delta == FOSSIL
            and FOSSIL in self.options.allowed_delta_types
            and ask.filter is None
            and not session.wire.bare
        )

    async def go(self) -> m.SubscribeResult:
        phase, request = self.ask.request.phase, self.ask.request
        if phase == m.STATE_PHASE:
            return await self._state()
        if not self.keeps.size:
            raise BAD_REQUEST  # there are no changes to be read
        if phase == m.STREAM_PHASE:
            return await self._stream()
        if phase == m.LIVE_PHASE:
            return await self._follow(Position(request.offset, request.epoch), (), since_page=False)
        raise BAD_REQUEST

    # --- pages ---------------------------------------------------------------------------------------

    async def _state(self) -> m.SubscribeResult:
        core, flow, cursor = self.core, self.flow, self.ask.request.cursor
        if not cursor and not self.keeps.size:
            flow.listen(await core.room(self.channel, self.binding))
        page = await core.maps.state(self.channel, cursor, self.limit, self.keeps)
        if not cursor:
            flow.frozen = page.top
        elif page.top.epoch != flow.frozen.epoch:
            raise UNRECOVERABLE_POSITION
        frozen = flow.frozen
        entries = [each for each in page.entries if each.offset <= frozen.offset and self._passes(each)]
        if not page.cursor and not self.keeps.size:
            return await self._hear(page.top, entries)
        if not page.cursor and frozen.offset + self.limit >= page.top.offset:
            return await self._follow(frozen, entries, since_page=True)
        flow.cursor = page.cursor
        return m.SubscribeResult(
            type=m.MAP,
            phase=m.STATE_PHASE,
            cursor=page.cursor,
            epoch=frozen.epoch,
            offset=frozen.offset,
            state=self._entries(entries, page.top),
        )

    async def _stream(self) -> m.SubscribeResult:
        core, flow, request = self.core, self.flow, self.ask.request
        if flow.frozen.epoch and request.epoch != flow.frozen.epoch:
            raise UNRECOVERABLE_POSITION
        if flow.stream_top is None:
            flow.stream_top = (await core.maps.stream(self.channel, 0, 0, self.keeps)).top.offset
        since = Position(request.offset, request.epoch)
        if since.offset + self.limit >= flow.stream_top:
            return await self._follow(since, (), since_page=False)
        stretch = await core.maps.stream(self.channel, since.offset, self.limit, self.keeps)
        found = _page(stretch.publications)
        if stretch.top.epoch != since.epoch or not found or found[0].offset != since.offset + 1:
            raise UNRECOVERABLE_POSITION
        passed = [each for each in found if self._passes(each)]
        return m.SubscribeResult(
            type=m.MAP,
            phase=m.STREAM_PHASE,
            epoch=stretch.top.epoch,
            offset=found[-1].offset,
            publications=self.session.wire.subscribed(map(self._encode, passed)),
        )

    # --- live ----------------------------------------------------------------------------------------

    async def _hear(self, top: Position, entries: Sequence[Publication]) -> m.SubscribeResult:
        """Go live in a map that keeps no changes: by what was heard since the first page."""
        room, tap, frozen = self.flow.room, self.flow.tap, self.flow.frozen
        if room is None or tap is None:
            raise UNRECOVERABLE_POSITION
        if room.top is None:
            room.top = frozen
        await room.reach(top)
        if tap.overflown:
            raise Disconnect(*codes.SLOW)
        late = [each for each in tap if each.offset > frozen.offset]
        _check(late, frozen.offset, top.offset)
        now = Position(late[-1].offset if late else frozen.offset, frozen.epoch)
        return self._live(room, now, entries, late)

    async def _follow(
        self, since: Position, entries: Sequence[Publication], *, since_page: bool
    ) -> m.SubscribeResult:
        """Go live behind the changes that are kept."""
        core = self.core
        room = await core.room(self.channel, self.binding)
        try:
            tap = Tap()
            room.taps.append(tap)
            try:
                most = self.options.map.behind
                stretch = await core.maps.stream(self.channel, since.offset, most + 1, self.keeps)
                await room.reach(stretch.top)
            finally:
                room.taps[:] = [other for other in room.taps if other is not tap]
            if tap.overflown:
                raise Disconnect(*codes.SLOW)
            top = stretch.top
            if since.epoch != top.epoch or len(stretch.publications) > most or since.offset > top.offset:
                raise UNRECOVERABLE_POSITION
            kept = [each.offset for each in stretch.publications]
            if kept != list(range(since.offset + 1, top.offset + 1)):
                raise UNRECOVERABLE_POSITION
            late = [each for each in tap if each.offset > top.offset]
            _check(late, top.offset, top.offset)
            now = Position(late[-1].offset, top.epoch) if late else top
            core.catch_up(room, now)
            return self._live(room, now, entries, [*stretch.publications, *late], recovers=not since_page)
        finally:
            core.entered(room)

    def _live(
        self,
        room: Room,
        top: Position,
        entries: Sequence[Publication],
        missed: Sequence[Publication],
        *,
        recovers: bool = False,
    ) -> m.SubscribeResult:
        session, told = self.session, self.ask.subscription
        if session.state == CLOSED or self.channel in session.subscriptions:
            raise Disconnect(*codes.CONNECTION_CLOSED)
        entering = Entering(self.core, session, room, self.ask, self.options)
        entering.positioned, entering.recoverable, entering.delta = True, bool(self.keeps.size), self.delta
        entering.join(())
        recovered = recovers and self.ask.request.recover
        self.core.counters.recovered += recovered
        expires = bool(told.expires_at) and self.ask.client_refresh
        passed = [each for each in missed if self._passes(each)]
        return m.SubscribeResult(
            expires=expires,
            ttl=session.ttl(told.expires_at) if expires else 0,
            recoverable=entering.recoverable,
            epoch=top.epoch,
            publications=session.wire.subscribed(self._chained(passed)),
            recovered=recovered,
            offset=top.offset,
            positioned=entering.recoverable,
            data=session.wire.data(told.data),
            was_recovering=recovered,
            delta=self.delta,
            type=m.MAP,
            state=self._entries(entries, top),
        )

    # --- how it looks --------------------------------------------------------------------------------

    def _passes(self, publication: Publication) -> bool:
        chosen = self.ask.filter
        return chosen is None or tags.matches(chosen, publication.tags)

    def _encode(self, publication: Publication) -> bytes:
        return self.session.wire.encode(publication, b"" if self.delta else None)

    def _entries(self, entries: Sequence[Publication], top: Position) -> Raw:
        """Entries as the client gets them; many who come together share the bytes."""
        if not entries:
            return m.NONE
        wire = self.session.wire
        ends = entries[0].key, entries[-1].key, len(entries)
        key = "map", self.channel, wire.binary, self.delta, self.ask.filter, self.flow.frozen, top, ends
        make: Callable[[], Raw] = partial(wire.state, map(self._encode, entries))
        return self.core.share(key, make)

    def _chained(self, changes: Sequence[Publication]) -> Iterator[bytes]:
        """Changes as the client gets them: each key's first in full, then as deltas."""
        bases: dict[str, bytes] = {}
        for each in changes:
            patch, base = b"", bases.get(each.key)
            if each.removed:
                bases.pop(each.key, None)
            else:
                if self.delta and base is not None and (each.delta or self.options.delta_publish):
                    patch = fossil.create(base, each.data)
                    patch = patch if len(patch) < len(each.data) else b""
                bases[each.key] = each.data
            yield self.session.wire.encode(each, patch if self.delta else None)


def _page(changes: Sequence[Publication]) -> Sequence[Publication]:
    """As many as a page may have bytes, and at least one."""
    size = 0
    for count, change in enumerate(changes, 1):
        size += len(change.data)
        if size >= REALTIME_MAP_PAGE_BYTES:
            return changes[:count]
    return changes


def _check(late: Sequence[Publication], offset: int, top: int) -> None:
    """What was heard must follow without a hole, at least as far as the map was read."""
    for expected, publication in enumerate(late, offset + 1):
        if publication.offset != expected:
            raise Disconnect(*codes.INSUFFICIENT_STATE)
    if offset + len(late) < top:
        raise Disconnect(*codes.INSUFFICIENT_STATE)

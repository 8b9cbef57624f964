"""A backend hears when a channel gets its first subscriber and loses its last, over all nodes.

Events go in their order, several at once, and again until they are taken; what a backend that is away misses
beyond the bound is forgotten, the oldest first.
"""

import asyncio
import logging
from collections import deque
from typing import Final, NamedTuple

from madang.base.limits import REALTIME_STATE_EVENTS
from madang.protocols.centrifugo import proxy as p
from madang.realtime.backend import NOTHING, Proxy, Unanswered
from madang.realtime.broker import BrokerError
from madang.realtime.core import Core
from madang.realtime.driving import settle
from madang.realtime.ports import Disconnect, ReplyError

log = logging.getLogger(__name__)
_AT_ONCE: Final = 100
AGAIN_S: Final = 2.0
OCCUPIED: Final = "occupied"
VACATED: Final = "vacated"
ABANDONED: Final = "abandoned"


class _Change(NamedTuple):
    channel: str
    kind: str
    time_ms: int


class States:
    """Implements `ports.ChannelEvents` for namespaces that share a backend."""

    def __init__(self, proxy: Proxy, core: Core) -> None:
        self._proxy = proxy
        self._core = core
        self._changes: deque[_Change] = deque(maxlen=REALTIME_STATE_EVENTS)
        self._busy = False
        self._is_away = False

    def occupied(self, channel: str) -> None:
        self._put(channel, OCCUPIED)

    def vacated(self, channel: str) -> None:
        self._put(channel, VACATED)

    def abandoned(self, channel: str) -> None:
        if not self._is_away:  # else it is brought up again
            self._put(channel, ABANDONED)

    def _put(self, channel: str, kind: str) -> None:
        self._changes.append(_Change(channel, kind, int(self._core.clock.wall() * 1000)))
        if not self._busy:
            self._busy = True
            self._core.run(self._work())

    async def _work(self) -> None:
        """Until everything is told."""
        await settle()
        try:
            events: list[p.ChannelEvent] = []
            while self._changes or events:
                while self._changes and len(events) < _AT_ONCE:
                    events += await self._told(self._changes.popleft())
                self._is_away = bool(events) and not await self._tell(events)
                if self._is_away:
                    await asyncio.sleep(AGAIN_S)
                    continue
                await self._settle(events)
                events = []
        finally:
            self._busy = False

    async def _told(self, change: _Change) -> list[p.ChannelEvent]:
        """The event, where this node is the first in a channel, or the last to leave it, or the heir of who
        was."""
        broker, node = self._core.broker, self._core.node
        try:
            if change.kind == OCCUPIED:
                is_told = await broker.occupy(change.channel, node)
            elif change.kind == ABANDONED:
                is_told = change.channel not in self._core.rooms
                change = change._replace(kind=VACATED)
            else:
                is_told = await broker.vacate(change.channel, node)
        except BrokerError:
            self._core.counters.broker_errors += 1
            is_told = True  # rather twice than never
        return [p.ChannelEvent(change.channel, change.kind, change.time_ms)] if is_told else []

    async def _settle(self, events: list[p.ChannelEvent]) -> None:
        """The others need not see to what is told."""
        try:
            for event in events:
                if event.type == VACATED:
                    await self._core.broker.told_vacated(event.channel)
        except BrokerError as error:
            self._core.broker_failed(error)

    async def _tell(self, events: list[p.ChannelEvent]) -> bool:
        """Whether the backend has taken them. What it refuses is not told again."""
        try:
            await self._proxy.ask(p.StatesCall(tuple(events)), p.STATES, NOTHING, by_status=False)
        except Unanswered:
            return False
        except (ReplyError, Disconnect) as error:
            log.warning("realtime: the proxy %s refuses channel events: %s", self._proxy.name, error.message)
        return True

"""Who is here goes on being here: presence and occupied channels are told to the broker again and again.

A third of the time that they hold is one round; each second a part of it goes, in batches of one round trip,
one after another. What a node has told that is gone ends by itself, and one of the others tells that its
channels are empty.
"""

from collections.abc import Sequence
from typing import Final, cast

from madang.base.limits import REALTIME_PRESENCE_BATCH
from madang.realtime.broker import BrokerError, Present
from madang.realtime.channel import namespace_of
from madang.realtime.core import Core
from madang.realtime.maps import KeyKept
from madang.realtime.own_keys import kept
from madang.realtime.ports import ChannelEvents
from madang.realtime.session import Session

_ROUNDS: Final = 3
"""Who came just after a round began is told again at the end of the next: two rounds, and one to spare."""


class Staying:
    """`step` once a second."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._began_at = self._looked_at = core.sweeper.now
        self._clients: Sequence[str] = ()
        self._channels: Sequence[str] = ()
        self._told = 0.0
        """How much of the round is told, from 0 to 1."""
        self._busy = False

    def step(self) -> None:
        core = self._core
        now, round_s = core.sweeper.now, core.settings.presence_s / _ROUNDS
        if self._busy:
            return
        if self._told >= 1 and now - self._began_at >= round_s or not self._told:
            self._began_at, self._told = now, 0.0
            self._clients = tuple(core.guests)
            self._channels = () if core.broker.in_process else [*filter(self._events, core.rooms)]
            core.broker.sweep()
        due = min((now - self._began_at + 1) / round_s, 1.0)
        part = _part(self._clients, self._told, due)
        present, keys = self._present(part), self._kept(part)
        occupied = [name for name in _part(self._channels, self._told, due) if name in core.rooms]
        self._told = due
        if present or keys or occupied:
            self._busy = True
            core.run(self._tell(present, keys, occupied))
        if now - self._looked_at >= round_s / 2 and not core.broker.in_process:
            self._looked_at = now
            if any(binding.events is not None for binding in core.bindings.values()):
                core.later(self._end_abandoned())

    def _present(self, clients: Sequence[str]) -> list[Present]:
        found: list[Present] = []
        for client in clients:
            session = cast(Session | None, self._core.guests.get(client))
            for channel, subscription in session.subscriptions.items() if session is not None else ():
                if subscription.presence:
                    found.append(Present(channel, cast(Session, session).info(channel)))
        return found

    def _kept(self, clients: Sequence[str]) -> list[KeyKept]:
        """Keys of maps that stay with their subscriptions."""
        found: list[KeyKept] = []
        for client in clients:
            session = cast(Session | None, self._core.guests.get(client))
            for subscription in session.subscriptions.values() if session is not None else ():
                if subscription.keys:
                    found += kept(subscription.keys, self._core.retention)
        return found

    async def _tell(
        self, present: Sequence[Present], keys: Sequence[KeyKept], occupied: Sequence[str]
    ) -> None:
        core = self._core
        try:
            for start in range(0, len(keys), REALTIME_PRESENCE_BATCH):
                await core.maps.keep(keys[start : start + REALTIME_PRESENCE_BATCH])
            for start in range(0, len(present), REALTIME_PRESENCE_BATCH):
                await core.broker.keep_presence(present[start : start + REALTIME_PRESENCE_BATCH])
            for start in range(0, len(occupied), REALTIME_PRESENCE_BATCH):
                await core.broker.keep_occupied(occupied[start : start + REALTIME_PRESENCE_BATCH], core.node)
        except BrokerError as error:
            core.broker_failed(error)
        finally:
            self._busy = False

    def _events(self, channel: str) -> ChannelEvents | None:
        binding = self._core.bindings.get(namespace_of(channel))
        return None if binding is None else binding.events

    async def _end_abandoned(self) -> None:
        for channel in await self._core.broker.abandoned():
            events = self._events(channel)
            if events is None:
                await self._core.broker.told_vacated(channel)  # nobody wants to know
            elif channel not in self._core.rooms:
                events.abandoned(channel)


def _part(items: Sequence[str], begin: float, end: float) -> Sequence[str]:
    return items[int(len(items) * begin) : int(len(items) * end)]

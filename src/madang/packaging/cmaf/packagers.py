"""All packagers of this process: one per live broadcast, at once or on demand, and a while after its end."""

from madang.base.clock import Clock
from madang.base.ids import ChannelId
from madang.base.limits import PACKAGER_IDLE_S, PACKAGER_KEPT_S, REMEMBERED_TARGETS
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.packaging.cmaf.packager import Packager
from madang.packaging.cmaf.rung import Rung
from madang.packaging.cmaf.spool import Spool


class Packagers:
    """Made by the wiring before the registry restores: hooks itself to it. `sweep` each second."""

    def __init__(self, registry: Registry, clock: Clock, spool: Spool) -> None:
        self._registry = registry
        self._clock = clock
        self._spool = spool
        self._packagers: dict[ChannelId, Packager] = {}
        self._last_targets: dict[ChannelId, int] = {}
        registry.on_began.append(self.began)

    def began(self, stream: Stream) -> None:
        """A broadcast begins, or goes on after a restart; its packager may wait for the first viewer."""
        before = self._packagers.get(stream.lease.channel)
        if before is not None:
            self._drop(before)
        packager = Packager(stream, self._spool, self._last_targets.get(stream.lease.channel, 0))
        self._packagers[stream.lease.channel] = packager
        if not stream.lease.profile.package_on_demand:
            packager.attach()

    def get(self, channel: ChannelId) -> Packager | None:
        """The packager of a channel's broadcast, live or just ended; starts one that waits for viewers."""
        packager = self._packagers.get(channel)
        if packager is not None:
            packager.asked_at = self._clock.monotonic()
            if not packager.attached:
                packager.attach()
        return packager

    def has(self, packager: Packager | Rung) -> bool:
        """Whether this packager is still kept."""
        return self._packagers.get(packager.channel) is packager

    def _drop(self, packager: Packager) -> None:
        targets = packager.window.targets
        if targets is not None:
            self._last_targets.pop(packager.channel, None)
            self._last_targets[packager.channel] = targets.target_duration
            if len(self._last_targets) > REMEMBERED_TARGETS:
                del self._last_targets[next(iter(self._last_targets))]
        packager.drop()
        if self._packagers.get(packager.channel) is packager:
            del self._packagers[packager.channel]

    def sweep(self) -> None:
        """Drop what nobody needs: ended broadcasts after their viewers' last look; rest those on demand."""
        now = self._clock.monotonic()
        for packager in tuple(self._packagers.values()):
            if packager.stream.state is StreamState.ENDED:
                packager.ended_at = packager.ended_at or now
                if now - packager.ended_at > PACKAGER_KEPT_S or not packager.attached:
                    self._drop(packager)
            elif packager.attached and self._idle(packager, now):
                packager.detach()
            else:
                packager.look()

    def _idle(self, packager: Packager, now: float) -> bool:
        on_demand = packager.stream.lease.profile.package_on_demand or packager.costly
        return on_demand and now - packager.asked_at > PACKAGER_IDLE_S

    def clean(self) -> None:
        """At the start, behind the registry's restore: remove what no broadcast continues."""
        self._spool.clean(packager.folder for packager in self._packagers.values())

    async def close(self) -> None:
        """Drain, behind the registry's close: keep what the next run continues; the rest of the files go."""
        for packager in tuple(self._packagers.values()):
            if packager.stream.state is StreamState.ENDED:
                self._drop(packager)
            else:
                packager.save()
        await self._spool.close()

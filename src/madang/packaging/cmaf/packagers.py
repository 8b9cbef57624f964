"""All packagers of this process: one per live broadcast, at once or on demand, and a while after its end."""

import asyncio

from madang.base.clock import Clock
from madang.base.ids import ChannelId
from madang.base.limits import PACKAGER_IDLE_S, PACKAGER_KEPT_S
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.packaging.cmaf.packager import Packager


class Packagers:
    """Made by the wiring: hooks itself to the registry; `run` sweeps until cancelled."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._packagers: dict[ChannelId, Packager] = {}
        self._last_targets: dict[ChannelId, int] = {}
        registry.on_began.append(self.began)

    def began(self, stream: Stream) -> None:
        """A broadcast begins: packaged at once, unless its profile waits for the first viewer."""
        if not stream.lease.profile.package_on_demand:
            self._start(stream)

    def get(self, channel: ChannelId) -> Packager | None:
        """The packager of a channel's broadcast, live or just ended; starts one that waits for viewers."""
        stream = self._registry.get(channel)
        packager = self._packagers.get(channel)
        if stream is not None and (packager is None or packager.stream is not stream):
            packager = self._start(stream)
        if packager is not None:
            packager.asked_at = self._clock.monotonic()
        return packager

    def has(self, packager: Packager) -> bool:
        """Whether this packager is still kept."""
        return self._packagers.get(packager.channel) is packager

    def _start(self, stream: Stream) -> Packager:
        before = self._packagers.get(stream.lease.channel)
        if before is not None:
            self._stop(before)
        packager = Packager(stream, self._last_targets.get(stream.lease.channel, 0))
        packager.asked_at = self._clock.monotonic()
        self._packagers[stream.lease.channel] = packager
        packager.attach()
        return packager

    def _stop(self, packager: Packager) -> None:
        packager.detach()
        targets = packager.window.targets
        if targets is not None:
            self._last_targets[packager.channel] = targets.target_duration
        if self._packagers.get(packager.channel) is packager:
            del self._packagers[packager.channel]

    def sweep(self) -> None:
        """Drop what nobody needs: ended broadcasts after their viewers' last look, idle ones on demand."""
        now = self._clock.monotonic()
        for packager in tuple(self._packagers.values()):
            idle = now - packager.asked_at
            if packager.window.ended:
                packager.ended_at = packager.ended_at or now
                if now - packager.ended_at > PACKAGER_KEPT_S:
                    self._stop(packager)
            elif packager.stream.lease.profile.package_on_demand and idle > PACKAGER_IDLE_S:
                self._stop(packager)

    async def run(self) -> None:
        """Sweep once a second until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.sweep()

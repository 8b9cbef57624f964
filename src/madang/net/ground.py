"""The ground that all doors stand on: settings, clock, deadlines, the count of connections."""

import ssl

from madang.base.clock import Clock
from madang.net.addresses import TrustedProxies
from madang.net.counters import NetCounters
from madang.net.deadlines import Sweeper
from madang.net.listeners import Binding, Crowd, Door, ProtocolFactory, open_door
from madang.net.settings import NetSettings


class Ground:
    """Made once by `app/wiring`; HTTP and RTMP servers share it, so that their limits are one limit."""

    def __init__(self, settings: NetSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.counters = NetCounters()
        self.proxies = TrustedProxies(settings.trusted_proxies)
        self.crowd = Crowd(
            self.proxies, self.counters, settings.connections_total, settings.connections_per_ip
        )
        self.sweeper = Sweeper()
        self.doors: list[Door] = []

    async def __aenter__(self) -> "Ground":
        self.sweeper.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close_doors()
        for door in self.doors:
            await door.settle()
        self.crowd.disperse()
        self.sweeper.stop()

    async def listen(
        self, binding: Binding, factory: ProtocolFactory, tls: ssl.SSLContext | None = None
    ) -> Door:
        """Open a door and accept at once; raises ListenError."""
        door = await open_door(binding, factory, self.crowd, tls)
        self.doors.append(door)
        return door

    def renew_tls(self, tls: ssl.SSLContext) -> None:
        """Let every TLS door use this context from the next connection on."""
        for door in self.doors:
            if door.tls is not None:
                door.tls = tls

    def close_doors(self) -> None:
        """Stop accepting; connections go on."""
        for door in self.doors:
            door.close()

    @property
    def crowded(self) -> bool:
        """Whether a door pauses because descriptors ran out; readiness reports it."""
        return any(door.crowded for door in self.doors)

"""A port on loopback, and peers of raw UDP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.harness.webrtc import Peer, Told

from madang.net.ground import Ground
from madang.net.listeners import Binding
from madang.net.settings import NetSettings
from madang.net.webrtc.log import PacketLog
from madang.net.webrtc.port import WebRtcPort
from madang.net.webrtc.session import Session
from madang.net.webrtc.settings import WebRtcSettings


class Yard:
    """A port, and everyone who came."""

    def __init__(self, ground: Ground, port: WebRtcPort) -> None:
        self.ground = ground
        self.port = port
        self.peers: list[Peer] = []

    def peer(self, **options: Any) -> Peer:
        self.peers.append(Peer(**options))
        return self.peers[-1]

    async def connected(
        self, *, prepare: Callable[[Session], object] | None = None
    ) -> tuple[Peer, Session, Told]:
        """A peer that is connected."""
        peer, told = self.peer(), Told()
        session = self.port.session(peer.offer(), told, "203.0.113.9")
        if prepare is not None:
            prepare(session)
        await peer.connect(session, self.port.udp_port)
        await peer.until(lambda: "connected" in told.said)
        return peer, session, told

    async def after(self, seconds: float) -> None:
        """Let listening time pass, tick by tick."""
        for _ in range(int(seconds * 4)):
            self.ground.sweeper.advance(0.25)
            self.port.tick()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0.002)


@pytest.fixture
async def make_yard(clock: Any) -> AsyncIterator[Callable[..., Awaitable[Yard]]]:
    yards: list[Yard] = []

    async def make(tcp: bool = False, **settings: Any) -> Yard:
        ground = Ground(NetSettings(), clock)
        port = WebRtcPort(ground, WebRtcSettings(**settings))
        udp = Binding("127.0.0.1", 0, "webrtc.listen")
        await port.listen(udp, Binding("127.0.0.1", 0, "webrtc.tcp_listen") if tcp else None)
        yards.append(Yard(ground, port))
        return yards[-1]

    yield make
    for yard in yards:
        for peer in yard.peers:
            peer.close()
        yard.port.close()
        await yard.ground.__aexit__()
        await yard.settle()


@pytest.fixture
async def yard(make_yard: Callable[..., Awaitable[Yard]]) -> Yard:
    return await make_yard()


@pytest.fixture
def video() -> PacketLog:
    return PacketLog(90_000, 1_790_000_000.0, keyframes=True)


@pytest.fixture
def audio() -> PacketLog:
    return PacketLog(48_000, 1_790_000_000.0, keyframes=False)

"""ICE-TCP: framed datagrams, byte by byte too, silence, oversize, and a viewer who does not read."""

import asyncio
import os
from typing import Any

from tests.harness.webrtc import Peer, Told

from madang.base import limits
from madang.net.webrtc.log import PacketLog
from madang.net.webrtc.sender import Sending


class Framed:
    """A peer whose datagrams go over a connection."""

    def __init__(self, peer: Peer, step: int) -> None:
        self.peer = peer
        self.step = step
        self.held = bytearray()

    async def open(self, session: Any, port: int) -> None:
        self.peer.session = session
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        self.peer.send = self.send
        self.task = asyncio.create_task(self.read())

    def send(self, data: bytes) -> None:
        framed = len(data).to_bytes(2, "big") + data
        for at in range(0, len(framed), self.step):
            self.writer.write(framed[at : at + self.step])

    async def read(self) -> None:
        try:
            while True:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
                self.peer.datagram_received(await self.reader.readexactly(size), None)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    async def close(self) -> None:
        self.task.cancel()
        self.writer.close()
        await asyncio.wait([self.task])


async def test_a_viewer_by_tcp(make_yard: Any, video: PacketLog) -> None:
    for step in (1, 7, 10_000):
        yard = await make_yard(tcp=True)
        peer, told = Peer(), Told()
        framed = Framed(peer, step)
        session = yard.port.session(peer.offer(), told, "203.0.113.9")
        session.send(video, Sending(96))
        assert any("tcptype passive" in line for line in session.candidates)
        await framed.open(session, yard.port.tcp_port)
        peer.check()
        await peer.until(lambda peer=peer: bool(peer.stun))
        peer.begin_dtls(yard.port.fingerprint)
        await peer.until(lambda peer=peer: peer.sealer is not None)
        video.append([b"a" * 1000, b"b" * 1000, b"c" * 10], video.position * 3000, True)
        await peer.until(lambda peer=peer: len(peer.packets) == 3)
        assert not session.fast
        await framed.close()
        async with asyncio.timeout(60):
            while session.path is not None:
                await asyncio.sleep(0.01)
        session.close()
        assert told.said == ["connected", "ours"]


async def test_silent_and_oversized_connections_are_cut(make_yard: Any) -> None:
    yard = await make_yard(tcp=True)
    silent, _ = await asyncio.open_connection("127.0.0.1", yard.port.tcp_port), None
    big = await asyncio.open_connection("127.0.0.1", yard.port.tcp_port)
    strange = await asyncio.open_connection("127.0.0.1", yard.port.tcp_port)
    big[1].write(b"\xff\xff" + os.urandom(100))
    strange[1].write(b"\x00\x30" + os.urandom(48))
    assert await asyncio.wait_for(big[0].read(), 15) == b""
    async with asyncio.timeout(60):
        while yard.port.counters.datagrams_in < 1:
            await asyncio.sleep(0.01)
    await yard.after(limits.ACCEPT_TO_FIRST_BYTE_S + 1)
    assert await asyncio.wait_for(silent[0].read(), 15) == b""
    await yard.after(limits.WEBRTC_CONNECT_S + 1)
    assert await asyncio.wait_for(strange[0].read(), 15) == b""
    for _, writer in (silent, big, strange):
        writer.close()
    async with asyncio.timeout(60):
        while yard.port.connections:
            await asyncio.sleep(0.01)


async def test_who_does_not_read_loses_frames_alone(make_yard: Any, video: PacketLog) -> None:
    yard = await make_yard(tcp=True)
    peer, told = Peer(), Told()
    framed = Framed(peer, 10_000)
    session = yard.port.session(peer.offer(), told, "203.0.113.9")
    sender = session.send(video, Sending(96))
    await framed.open(session, yard.port.tcp_port)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    peer.begin_dtls(yard.port.fingerprint)
    await peer.until(lambda: peer.sealer is not None)
    framed.task.cancel()
    framed.writer.transport.pause_reading()
    async with asyncio.timeout(30):
        while not yard.port.counters.drops:
            video.append([os.urandom(1100)] * 40, video.position * 3000, video.position % 30 == 0)
            await asyncio.sleep(0)
    (connection,) = yard.port.connections
    assert connection._transport.get_write_buffer_size() < 2 * limits.WEBRTC_TCP_QUEUE_BYTES
    assert session.state == "connected"
    assert sender.group is None
    framed.writer.transport.abort()

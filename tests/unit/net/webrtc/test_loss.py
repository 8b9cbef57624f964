"""A viewer behind a bad network: 5 % of what is sent is lost, all of it comes up to 50 ms late."""

import asyncio
import random
from typing import Any

from tests.harness.webrtc import Peer

from madang.net.webrtc.log import PacketLog
from madang.net.webrtc.sender import Sending
from madang.net.webrtc.sources import Expected, Line, Router, Source
from madang.protocols.rtp import rtcp
from madang.protocols.rtp.packet import RtpPacket

LOSS = 0.05
JITTER_S = 0.05
FRAMES = 150
PACKETS = 5


class Playing:
    """What a browser does with packets: orders them, asks again, counts whole frames."""

    def __init__(self) -> None:
        self.lost = 0
        self.whole = 0
        self.broken = 0
        self.asked = 0
        self._got = 0

    def deliver(self, source: Source, packet: RtpPacket, lost: int) -> None:
        self.lost += lost
        self._got = -1000 if lost else self._got + 1
        if packet.marker:
            whole = self._got == PACKETS
            self.whole += whole
            self.broken += not whole
            self._got = 0

    def recover(self) -> None:
        """Counted by sessions."""

    def request_keyframe(self, source: Source) -> None:
        self.asked += 1


class Bad(Peer):
    """Loses and delays what comes, both ways alike."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.dice = random.Random(17)
        self.bad = False

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.bad:
            super().datagram_received(data, addr)
        elif self.dice.random() >= LOSS:
            late = self.dice.uniform(0, JITTER_S)
            asyncio.get_running_loop().call_later(late, super().datagram_received, data, addr)

    def send(self, data: bytes) -> None:
        if not self.bad or self.dice.random() >= LOSS:
            super().send(data)


async def test_nearly_all_frames_come_whole(yard: Any, video: PacketLog) -> None:
    peer, playing = Bad(), Playing()
    yard.peers.append(peer)
    from tests.harness.webrtc import Told

    told = Told()
    session = yard.port.session(peer.offer(), told, "203.0.113.9")
    sender = session.send(video, Sending(96, 97))
    await peer.connect(session, yard.port.udp_port)
    peer.bad = True
    line = Line(
        "0", {96: 90_000}, {97: 96}, (sender.ssrc,), {sender.rtx_ssrc: sender.ssrc}, nack=True, pli=True
    )
    router = Router(Expected((line,)), playing)
    taken = 0
    async with asyncio.timeout(60):
        for number in range(FRAMES + 60):
            if number < FRAMES:
                bodies = [bytes((number & 255, place)) * 250 for place in range(PACKETS)]
                video.append(bodies, number * 3000, number == 0)
            await asyncio.sleep(0.02)
            now = number / 50  # not the machine's time, which may stand still under load
            fresh, taken = peer.packets[taken:], len(peer.packets)
            for packet in fresh:
                router.push(packet, now)
            missing = router.sources[sender.ssrc].look(now)
            if missing:
                peer.rtcp(rtcp.build_rr(1) + rtcp.build_nack(1, sender.ssrc, missing))
            if playing.asked and told.wanted < playing.asked:
                peer.rtcp(rtcp.build_rr(1) + rtcp.build_pli(1, sender.ssrc))
            if playing.whole >= FRAMES:
                break
    assert playing.whole >= 0.99 * FRAMES, (playing.whole, playing.broken, playing.lost)
    assert told.wanted <= 2
    assert yard.port.counters.drops == 0
    assert yard.port.counters.resent >= 0.02 * FRAMES * PACKETS

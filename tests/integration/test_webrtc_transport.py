"""The transport beside aiortc: it watches, also through loss, and it publishes."""

import asyncio
import fractions
import random
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import av
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import VideoStreamTrack
from tests.harness.webrtc import Told

from madang.net.ground import Ground
from madang.net.listeners import Binding
from madang.net.settings import NetSettings
from madang.net.webrtc.log import PAYLOAD_BYTES, PacketLog
from madang.net.webrtc.port import WebRtcPort
from madang.net.webrtc.sender import Sending
from madang.net.webrtc.session import Remote, Session
from madang.net.webrtc.settings import WebRtcSettings
from madang.net.webrtc.sources import Expected, Line

PATIENCE_S = 30.0


class Steady:
    """The clock of a test in real time."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return 1_790_000_000.0 + self.monotonic()


@pytest.fixture
async def port() -> AsyncIterator[WebRtcPort]:
    async with Ground(NetSettings(), Steady()) as ground:
        port = WebRtcPort(ground, WebRtcSettings())
        await port.listen(Binding("", 0, "webrtc.listen"))
        yield port
        port.close()


def word(sdp: str, name: str) -> str:
    return next(line.split(":", 1)[1] for line in sdp.splitlines() if line.startswith(f"a={name}:"))


def remote(sdp: str) -> Remote:
    prints = [line[14:] for line in sdp.splitlines() if line.startswith("a=fingerprint:sha-256")]
    return Remote(word(sdp, "ice-ufrag"), word(sdp, "ice-pwd"), prints[0])


def answer(session: Session, direction: str, media: str) -> RTCSessionDescription:
    sdp = (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0\r\n"
        "a=msid-semantic:WMS *\r\nm=video 9 UDP/TLS/RTP/SAVPF 97 98\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
        f"a={direction}\r\na=rtcp-mux\r\na=setup:passive\r\na=ice-ufrag:{session.ufrag}\r\n"
        f"a=ice-pwd:{session.password}\r\na=fingerprint:{session.port.fingerprint}\r\n"
        + "".join(f"a=candidate:{line}\r\n" for line in session.candidates)
        + "a=end-of-candidates\r\na=rtpmap:97 VP8/90000\r\na=rtcp-fb:97 nack\r\na=rtcp-fb:97 nack pli\r\n"
        "a=rtcp-fb:97 goog-remb\r\na=rtpmap:98 rtx/90000\r\na=fmtp:98 apt=97\r\n" + media
    )
    return RTCSessionDescription(sdp, "answer")


def pictures(count: int) -> list[tuple[bytes, bool]]:
    """VP8 frames of a moving pattern."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.time_base = fractions.Fraction(1, 30)
    encoder.bit_rate, encoder.gop_size = 1_000_000, 30
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
    dice = random.Random(5)
    found: list[tuple[bytes, bool]] = []
    for number in range(count):
        frame = av.VideoFrame(320, 240, "yuv420p")
        for plane in frame.planes:
            plane.update(dice.randbytes(64) * (plane.buffer_size // 64))
        frame.pts = number
        found += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    return found


def payloads(frame: bytes) -> list[bytes]:
    """VP8 as RFC 7741 wants it: a descriptor of one byte, the start marked."""
    room = PAYLOAD_BYTES - 1
    cuts = [frame[at : at + room] for at in range(0, len(frame), room)]
    return [(b"\x00" if place else b"\x10") + cut for place, cut in enumerate(cuts)]


@pytest.mark.parametrize("loss", [0.0, 0.05])
async def test_aiortc_watches(port: WebRtcPort, loss: float) -> None:
    peer, told, dice = RTCPeerConnection(), Told(), random.Random(9)
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    log = PacketLog(90_000, 1_790_000_000.0, keyframes=True)
    session = port.session(remote(peer.localDescription.sdp), told, "127.0.0.1")
    sender = session.send(log, Sending(97, 98))
    source = f"a=ssrc:{sender.ssrc} cname:madang-media\r\na=ssrc:{sender.rtx_ssrc} cname:madang-media\r\n"
    group = f"a=ssrc-group:FID {sender.ssrc} {sender.rtx_ssrc}\r\n"
    tracks: list[Any] = []
    peer.on("track", tracks.append)
    await peer.setRemoteDescription(answer(session, "sendonly", group + source))
    async with asyncio.timeout(PATIENCE_S):
        while "connected" not in told.said:
            await asyncio.sleep(0.02)
    if loss:
        _lose(peer, dice, loss)
    made = pictures(60)
    shown: list[Any] = []

    async def watch() -> None:
        while True:
            shown.append(await tracks[0].recv())

    watching = asyncio.create_task(watch())
    async with asyncio.timeout(PATIENCE_S):
        for number in count():
            frame, keyframe = made[number % 60]
            log.append(payloads(frame), number * 3000, keyframe)
            await asyncio.sleep(0.01)
            if len(shown) >= 60:
                break
    watching.cancel()
    if loss:
        assert port.counters.resent > 0
    await peer.close()
    async with asyncio.timeout(PATIENCE_S):
        while told.said[-1] != "bye":
            await asyncio.sleep(0.02)


def _lose(peer: RTCPeerConnection, dice: random.Random, share: float) -> None:
    """Let some media datagrams vanish before aiortc sees them."""
    transport = peer.getTransceivers()[0].receiver.transport
    handle = transport._handle_rtp_data

    async def lossy(data: bytes, arrival_time_ms: int) -> None:
        if dice.random() >= share:
            await handle(data, arrival_time_ms)

    transport._handle_rtp_data = lossy


async def test_aiortc_publishes(port: WebRtcPort) -> None:
    peer, told = RTCPeerConnection(), Told()
    peer.addTrack(VideoStreamTrack())
    await peer.setLocalDescription(await peer.createOffer())
    session = port.session(remote(peer.localDescription.sdp), told, "127.0.0.1")
    line = Line("0", {97: 90_000}, rtx={98: 97}, nack=True, pli=True)
    session.expect(Expected((line,), remb_bps=5_000_000))
    await peer.setRemoteDescription(answer(session, "recvonly", ""))
    async with asyncio.timeout(PATIENCE_S):
        while len(told.packets) < 30:
            await asyncio.sleep(0.05)
        source = told.packets[0][0]
        session.request_keyframe(source)
        while source.report is None:
            await asyncio.sleep(0.05)
    assert {packet.payload_type for _, packet, _ in told.packets} == {97}
    numbers = [packet.sequence for _, packet, _ in told.packets]
    assert all(b - a & 0xFFFF == 1 for a, b in zip(numbers, numbers[1:], strict=False))
    session.close()
    async with asyncio.timeout(PATIENCE_S):
        while peer.connectionState != "closed":
            await asyncio.sleep(0.05)
    await peer.close()

"""A viewer: from its first check to decrypted packets, its start, its repeats, its reports."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from madang.net.webrtc.compiled import load
from madang.net.webrtc.log import PacketLog
from madang.net.webrtc.sender import Sender, Sending
from madang.net.webrtc.session import Session
from madang.protocols.rtp import rtcp

TWINS = ["python", "compiled"] if load() is not None else ["python"]
"""The fan-out's loop, and the same in C where it was built."""
VIDEO = Sending(96, 97)
AUDIO = Sending(111)


@pytest.fixture(params=TWINS)
async def yard(request: pytest.FixtureRequest, make_yard: Any) -> Any:
    return await make_yard(compiled=request.param == "compiled")


def fill(log: PacketLog, frames: range, gop: int = 60, packets: int = 3) -> None:
    """Frames at 30 a second, their packets of equal length but the last."""
    for frame in frames:
        bodies = [bytes((frame & 255, place)) * 200 for place in range(packets)]
        bodies[-1] = bodies[-1][:100]
        log.append(bodies, frame * 3000, frame % gop == 0)


def sending(log: PacketLog, options: Sending = VIDEO) -> tuple[list[Sender], Any]:
    senders: list[Sender] = []

    def prepare(session: Session) -> None:
        senders.append(session.send(log, options))

    return senders, prepare


async def test_frames_come_whole_and_in_order(yard: Any, video: PacketLog, audio: PacketLog) -> None:
    def prepare(session: Session) -> None:
        session.send(video, VIDEO)
        session.send(audio, AUDIO)

    peer, session, _ = await yard.connected(prepare=prepare)
    assert (video.viewers, audio.viewers) == (1, 1)
    fill(video, range(10))
    audio.append([b"sound"], 960, True)
    await peer.until(lambda: len(peer.packets) == 31)
    pictures = [packet for packet in peer.packets if packet.payload_type == 96]
    (sound,) = [packet for packet in peer.packets if packet.payload_type == 111]
    assert sound.payload == b"sound"
    assert sound.marker
    assert [packet.sequence for packet in pictures] == list(range(30))
    assert [packet.marker for packet in pictures] == [False, False, True] * 10
    assert {b.timestamp - a.timestamp & 0xFFFFFFFF for a, b in pairwise(pictures)} == {0, 3000}
    assert {packet.ssrc for packet in pictures} == {yard.port.video_ssrcs[0]}
    assert yard.port.counters.sends < 31
    session.close()
    assert (video.viewers, audio.viewers) == (0, 0)
    await peer.until(lambda: any(isinstance(item, rtcp.Bye) for item in peer.reports))


async def test_a_late_viewer_starts_with_the_cached_pictures(yard: Any, video: PacketLog) -> None:
    fill(video, range(45))
    senders, prepare = sending(video)
    peer, _, _ = await yard.connected(prepare=prepare)
    await peer.until(lambda: len(peer.packets) >= 135)
    fill(video, range(45, 50))
    await peer.until(lambda: len(peer.packets) == 150)
    assert [packet.sequence for packet in peer.packets] == list(range(150))
    stamps = [packet.timestamp for packet in peer.packets if packet.marker]
    assert [b - a & 0xFFFFFFFF for a, b in pairwise(stamps)] == [90] * 44 + [3000] * 5
    assert yard.port.counters.starts == 1
    assert senders[0].counts["packets"] == 150
    assert senders[0].group is not None


async def test_without_a_usable_keyframe_a_viewer_waits(yard: Any, video: PacketLog) -> None:
    fill(video, range(100), gop=1000)
    assert video.burst is None
    senders, prepare = sending(video)
    peer, _, _ = await yard.connected(prepare=prepare)
    fill(video, range(100, 110), gop=1000)
    await yard.settle()
    assert peer.packets == []
    fill(video, range(1000, 1002), gop=1000)
    await peer.until(lambda: len(peer.packets) == 6)
    assert peer.packets[0].payload == bytes((1000 & 255, 0)) * 200


async def test_viewers_share_their_headers(yard: Any, video: PacketLog) -> None:
    fill(video, range(3))
    peers = []
    for _ in range(5):
        senders, prepare = sending(video)
        peers.append((await yard.connected(prepare=prepare))[0])
    for peer in peers:
        await peer.until(lambda peer=peer: len(peer.packets) == 9)
    fill(video, range(3, 6))
    for peer in peers:
        await peer.until(lambda peer=peer: len(peer.packets) == 18)
        assert [packet.sequence for packet in peer.packets] == list(range(18))
    assert senders[0].group is not None
    assert len(senders[0].group.senders) == 5


async def test_small_groups_are_put_together(
    yard: Any, video: PacketLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes while others are being served begins alone, and does not stay so."""
    monkeypatch.setattr("madang.net.webrtc.fanout.GROUP", 1)
    fill(video, range(3))
    peers, places = [], []
    for _ in range(5):
        senders, prepare = sending(video)
        peers.append((await yard.connected(prepare=prepare))[0])
        places += senders
    for peer in peers:
        await peer.until(lambda peer=peer: len(peer.packets) == 9)
    assert len({id(sender.group) for sender in places}) == 5
    monkeypatch.setattr("madang.net.webrtc.fanout.GROUP", 3)
    for start in (3, 5):
        fill(video, range(start, start + 2))
        for peer in peers:
            await peer.until(lambda peer=peer, start=start: len(peer.packets) == 3 * start + 6)
    for peer in peers:
        assert [packet.sequence for packet in peer.packets] == list(range(21))
    sizes = Counter(id(sender.group) for sender in places)
    assert sorted(sizes.values()) == [2, 3]


async def test_missed_packets_come_again_by_rtx(yard: Any, video: PacketLog) -> None:
    fill(video, range(20))
    _, prepare = sending(video)
    peer, _, _ = await yard.connected(prepare=prepare)
    await peer.until(lambda: len(peer.packets) == 60)
    peer.rtcp(rtcp.build_rr(1) + rtcp.build_nack(1, yard.port.video_ssrcs[0], [3, 4, 59]))
    await peer.until(lambda: len(peer.packets) == 63)
    for number, again in zip((3, 4, 59), peer.packets[60:], strict=True):
        first = peer.packets[number]
        assert again.payload_type == 97
        assert again.ssrc == yard.port.video_ssrcs[1]
        assert again.payload == number.to_bytes(2, "big") + first.payload
        assert (again.timestamp, again.marker) == (first.timestamp, first.marker)
    assert yard.port.counters.resent == 3


async def test_without_rtx_the_same_bytes_come_again(yard: Any, video: PacketLog) -> None:
    fill(video, range(20))
    _, prepare = sending(video, Sending(96, playout_delay_id=5))
    peer, _, _ = await yard.connected(prepare=prepare)
    await peer.until(lambda: len(peer.raw) == 60)
    assert peer.packets[0].extensions == {5: bytes.fromhex("000028")}
    assert peer.packets[3].extensions == {}
    peer.lose = lambda data: peer.raw.append(data) is None
    peer.rtcp(rtcp.build_rr(1) + rtcp.build_nack(1, yard.port.video_ssrcs[0], [0, 7]))
    await peer.until(lambda: len(peer.raw) >= 62)
    assert peer.raw[60:62] == [peer.raw[0], peer.raw[7]]


async def test_a_congested_viewer_goes_on_at_the_next_keyframe(yard: Any, video: PacketLog) -> None:
    fill(video, range(5))
    senders, prepare = sending(video)
    peer, _, _ = await yard.connected(prepare=prepare)
    await peer.until(lambda: len(peer.packets) == 15)
    # Reports about a few packets, of which some are only late, say nothing.
    for highest, lost in ((2, 2), (6, 5), (29, 20)):
        peer.rtcp(rtcp.build_rr(1, [rtcp.Report(yard.port.video_ssrcs[0], 200, lost, highest, 0, 0, 0)]))
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        while yard.port.counters.drops == 0:
            await asyncio.sleep(0.01)
    fill(video, range(5, 60))
    await yard.settle()
    assert len(peer.packets) == 15
    fill(video, range(60, 62))
    await peer.until(lambda: len(peer.packets) == 21)
    assert [packet.sequence for packet in peer.packets] == list(range(21))
    assert senders[0].counts["dropped"] == 55
    # What was sent before the gap is still found, and the numbers behind it too.
    peer.rtcp(rtcp.build_rr(1) + rtcp.build_nack(1, yard.port.video_ssrcs[0], [14, 15]))
    await peer.until(lambda: len(peer.packets) == 23)
    assert [again.payload[2:] for again in peer.packets[21:]] == [
        packet.payload for packet in peer.packets[14:16]
    ]


async def test_who_is_sent_more_may_ask_for_more(
    yard: Any, video: PacketLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that jitters makes a browser ask for what is only late: a share of what it is sent."""
    monkeypatch.setattr("madang.net.webrtc.sender.NACK_PACKETS_PER_S", 4)
    fill(video, range(5))
    senders, prepare = sending(video)
    peer, _, _ = await yard.connected(prepare=prepare)
    await peer.until(lambda: len(peer.packets) == 15)
    senders[0].on_nack(tuple(range(4)), 1.0)
    fill(video, range(5, 15))
    await peer.until(lambda: len(peer.packets) >= 45)
    senders[0].on_nack(tuple(range(12)), 2.0)
    assert yard.port.counters.resent == 16 and yard.port.counters.drops == 0
    senders[0].on_nack(tuple(range(12)), 3.0)
    assert yard.port.counters.drops == 1


async def test_keyframe_requests_are_passed_on_sparingly(
    yard: Any, video: PacketLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madang.net.webrtc.sender.KEYFRAME_REQUEST_S", 60.0)
    _, prepare = sending(video)
    peer, _, told = await yard.connected(prepare=prepare)
    for _ in range(20):
        peer.rtcp(rtcp.build_rr(1) + rtcp.build_pli(1, yard.port.video_ssrcs[0]))
    async with asyncio.timeout(60):
        while not told.wanted:
            await asyncio.sleep(0.01)
    await yard.settle()
    assert told.wanted == 1


async def test_reports_tell_both_tracks_by_one_clock(yard: Any, video: PacketLog, audio: PacketLog) -> None:
    def prepare(session: Session) -> None:
        session.send(video, VIDEO)
        session.send(audio, AUDIO)

    peer, session, _ = await yard.connected(prepare=prepare)
    fill(video, range(31))
    for number in range(50):
        audio.append([b"x" * 100], number * 960, True)
    await peer.until(lambda: len(peer.packets) == 143)
    await yard.after(2.0)
    await peer.until(lambda: len(peer.reports) >= 2)
    pictures, sounds = (item for item in peer.reports[:2] if isinstance(item, rtcp.SenderReport))
    # The 31st picture is a second behind the first, the 50th sound 980 ms.
    assert round((pictures.ntp - sounds.ntp) / 2**32, 3) == 0.02
    assert (pictures.packets, sounds.packets) == (93, 50)
    assert sounds.octets == 5000
    middle = pictures.ntp >> 16 & 0xFFFFFFFF
    peer.rtcp(rtcp.build_rr(1, [rtcp.Report(pictures.ssrc, 26, 3, 90, 5, middle, 0)]))
    sender = session.senders[0]
    async with asyncio.timeout(60):
        while not sender.loss:
            await asyncio.sleep(0.01)
    assert sender.loss == 3 / 91
    assert 0 < sender.round_trip_s < 15


async def test_a_viewer_is_switched_at_a_keyframe(yard: Any, video: PacketLog) -> None:
    other = PacketLog(90_000, 1_790_000_000.0, keyframes=True)
    fill(video, range(5))
    senders, prepare = sending(video)
    peer, _, _ = await yard.connected(prepare=prepare)
    await peer.until(lambda: len(peer.packets) == 15)
    senders[0].switch(other)
    assert (video.viewers, other.viewers) == (1, 1)  # somebody has to make what it waits for
    senders[0].switch(video)
    assert (video.viewers, other.viewers) == (1, 0)
    senders[0].switch(other)
    fill(video, range(5, 8))
    await peer.until(lambda: len(peer.packets) == 24)
    fill(other, range(60, 62), packets=2)
    fill(video, range(8, 10))
    await peer.until(lambda: len(peer.packets) == 28)
    await yard.settle()
    assert [packet.sequence for packet in peer.packets] == list(range(28))
    assert [packet.payload[:2] for packet in peer.packets[24:]] == [
        b"\x3c\0",
        b"\x3c\1",
        b"\x3d\0",
        b"\x3d\1",
    ]
    assert (video.viewers, other.viewers) == (0, 1)


async def test_who_leaves_takes_nobodys_numbers_along(yard: Any, video: PacketLog) -> None:
    """Headers are made with the numbers of one viewer of a lane; when that one falls back, with another's."""
    fill(video, range(3))
    peers = []
    for _ in range(3):
        _, prepare = sending(video)
        peers.append((await yard.connected(prepare=prepare))[0])
    for peer in peers:
        await peer.until(lambda peer=peer: len(peer.packets) == 9)
    fill(video, range(3, 5))
    for peer in peers:
        await peer.until(lambda peer=peer: len(peer.packets) == 15)
    blocks = [rtcp.Report(yard.port.video_ssrcs[0], 200, 20, 29, 0, 0, 0)]
    peers[0].rtcp(rtcp.build_rr(1, blocks))
    async with asyncio.timeout(60):
        while yard.port.counters.drops == 0:
            await asyncio.sleep(0.01)
    for start in range(5, 63, 2):
        fill(video, range(start, start + 2))
        for peer in peers[1:]:
            await peer.until(lambda peer=peer, start=start: len(peer.packets) == 3 * start + 6)
    for peer in peers[1:]:
        assert [packet.sequence for packet in peer.packets] == list(range(189))
    await peers[0].until(lambda: len(peers[0].packets) == 24)
    assert [packet.sequence for packet in peers[0].packets] == list(range(24))


async def test_a_large_keyframe_goes_out_in_runs(yard: Any, video: PacketLog) -> None:
    _, prepare = sending(video, Sending(96, playout_delay_id=3))
    peer, _, _ = await yard.connected(prepare=prepare)
    video.append([b"parameters", *([b"k" * 1100] * 58), b"end"], 0, True)
    video.append([b"p" * 900, b"p" * 300, b"p" * 1000], 3000, False)
    await peer.until(lambda: len(peer.packets) == 63)
    assert [packet.sequence for packet in peer.packets] == list(range(63))
    assert [len(packet.payload) for packet in peer.packets[-4:]] == [3, 900, 300, 1000]
    assert yard.port.counters.sends == 1 + 2 + 2

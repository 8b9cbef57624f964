"""A publisher: packets in order, gaps asked for again, RTX, layers, feedback, and hostile numbers."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.limits import KEYFRAME_REQUEST_S, RTP_REORDER_PACKETS, RTP_REORDER_S
from madang.net.webrtc.session import Session
from madang.net.webrtc.sources import Arrivals, Expected, Line, Router, Source
from madang.protocols.rtp import rtcp
from madang.protocols.rtp.packet import RtpPacket

VIDEO = Line("0", {96: 90_000}, rtx={97: 96}, nack=True, pli=True)
AUDIO = Line("1", {111: 48_000})


def packet(
    sequence: int, ssrc: int = 7, kind: int = 96, body: bytes = b"x", **extensions: bytes
) -> RtpPacket:
    found = {int(name[1:]): value for name, value in extensions.items()}
    return RtpPacket(kind, False, sequence & 0xFFFF, sequence * 3000 & 0xFFFFFFFF, ssrc, body, found)


class Shelf:
    """An outlet that keeps what it is given."""

    def __init__(self) -> None:
        self.got: list[tuple[int, int]] = []
        self.payloads: list[bytes] = []
        self.sources: list[Source] = []
        self.asked = 0
        self.recovered = 0

    def deliver(self, source: Source, packet: RtpPacket, lost: int) -> None:
        self.got.append((packet.sequence, lost))
        self.payloads.append(packet.payload)
        self.sources.append(source)

    def recover(self) -> None:
        self.recovered += 1

    def request_keyframe(self, source: Source) -> None:
        self.asked += 1


def test_packets_in_order_pass_through() -> None:
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    for number in range(65_530, 65_550):
        source.push(packet(number), 0.0)
    assert shelf.got == [(number & 0xFFFF, 0) for number in range(65_530, 65_550)]
    assert source.look(1.0) == []


def test_what_overtakes_waits() -> None:
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    for number in (1, 2, 5, 4, 6):
        source.push(packet(number), 0.0)
    assert [sequence for sequence, _ in shelf.got] == [1, 2]
    source.push(packet(3), 0.01)
    assert shelf.got == [(number, 0) for number in range(1, 7)]
    assert shelf.recovered == 2
    source.push(packet(3), 0.02)
    assert len(shelf.got) == 6


def test_gaps_are_asked_for_and_given_up() -> None:
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    for number in (10, 11, 14, 15, 17):
        source.push(packet(number), 0.0)
    assert source.look(0.01) == [12, 13, 16]
    assert source.look(0.02) == []
    assert source.look(0.2) == [12, 13, 16]
    source.push(packet(16, body=b"again"), 0.3, again=True)
    assert source.look(RTP_REORDER_S + 0.1) == []
    assert shelf.got == [(10, 0), (11, 0), (14, 2), (15, 0), (16, 0), (17, 0)]
    assert (source.lost, shelf.recovered, shelf.asked) == (2, 1, 1)


def test_what_is_only_late_is_not_asked_for() -> None:
    """A network that jitters: packets that overtake each other teach how long a gap is none."""
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    for number in (1, 3):
        source.push(packet(number), 0.0)
    assert source.look(0.01) == [2]
    source.push(packet(2), 0.04)
    source.push(packet(5), 0.05)
    assert source.look(0.06) == []
    assert source.look(0.10) == [4]
    for moment in range(200):
        source.look(1 + moment / 20)
    source.push(packet(8), 11.0)
    assert source.look(11.01) == [6, 7]


def test_what_comes_by_repair_says_nothing_of_jitter() -> None:
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    for number in (1, 3):
        source.push(packet(number), 0.0)
    source.push(packet(2), 0.08, again=True)
    source.push(packet(5), 0.1)
    assert source.look(0.11) == [4]


def test_sound_is_not_waited_for_long() -> None:
    shelf = Shelf()
    source = Source(7, AUDIO, "", shelf)
    source.push(packet(1, kind=111), 0.0)
    source.push(packet(3, kind=111), 0.0)
    assert source.look(0.05) == []
    assert len(shelf.got) == 1
    source.look(0.2)
    assert shelf.got == [(1, 0), (3, 1)]
    assert shelf.asked == 0


def test_a_new_start_is_followed() -> None:
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    for number in (1, 2, 30_000, 30_001):
        source.push(packet(number), 0.0)
    assert [sequence for sequence, _ in shelf.got] == [1, 2, 30_000, 30_001]


def test_numbers_that_jump_again_and_again_are_bounded() -> None:
    """A50: memory is."""
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    number = 0
    for _ in range(600):
        number += 500
        source.push(packet(number), 0.0)
    assert len(source._missing) <= 1024
    assert len(source._held) <= RTP_REORDER_PACKETS + 1


@given(st.integers(0, 2**32), st.integers(0, 65_535), st.integers(0, 30))
def test_whatever_the_network_does_order_and_counts_hold(seed: int, start: int, percent: int) -> None:
    dice, shelf = random.Random(seed), Shelf()
    source = Source(7, VIDEO, "", shelf)
    count, now = 200, 0.0
    sent = [(place + dice.uniform(0, 8), start + place) for place in range(count)]
    kept = [number for at, number in sorted(sent) if dice.random() >= percent / 100 or number == start]
    kept.sort(key=lambda number: dice.uniform(0, 5) + number if number != start else -1)
    for number in kept:
        now += 0.001
        source.push(packet(number), now)
    source.look(now + 10)
    numbers = [start + ((sequence - start) & 0xFFFF) for sequence, _ in shelf.got]
    assert numbers == sorted(set(numbers))
    assert sum(lost for _, lost in shelf.got) == numbers[-1] - start + 1 - len(numbers)
    assert set(numbers) == set(kept)


def test_reports_count_loss_and_jitter() -> None:
    shelf = Shelf()
    source = Source(7, VIDEO, "", shelf)
    for number in range(100):
        if number % 10:
            source.push(packet(number), number / 30)
    source.on_report(rtcp.SenderReport(7, 5 << 32, 90_000), 3.5)
    block = source.block(4.0)
    assert (block.ssrc, block.lost, block.highest) == (7, 9, 99)
    assert block.lost_fraction == 9 * 256 // 99
    assert block.jitter < 5
    assert (block.last_sr, block.delay) == (5 << 16, 32_768)
    assert source.block(5.0).lost_fraction == 0
    assert source.report == (5.0, 90_000)


def router(expected: Expected) -> tuple[Router, Shelf]:
    shelf = Shelf()
    return Router(expected, shelf), shelf


def test_packets_find_their_line() -> None:
    found, shelf = router(Expected((VIDEO, AUDIO), mid_id=4))
    assert found.push(packet(1, ssrc=1), 0.0)
    assert found.push(packet(1, ssrc=2, kind=111), 0.0)
    assert not found.push(packet(1, ssrc=3, kind=50), 0.0)
    assert not found.push(packet(1, ssrc=3, kind=96, _4=b"1"), 0.0)
    assert not found.push(packet(2, ssrc=2, kind=96), 0.0)
    assert [source.line.mid for source in shelf.sources] == ["0", "1"]


def test_announced_sources_are_known_before_they_speak() -> None:
    line = Line("0", {96: 90_000}, rtx={97: 96}, ssrcs=(5,), rtx_ssrcs={6: 5}, nack=True)
    found, shelf = router(Expected((line,)))
    assert [source.ssrc for source in found.sources.values()] == [5]
    found.push(packet(1, ssrc=5), 0.0)
    found.push(packet(3, ssrc=5), 0.0)
    found.push(packet(9, ssrc=6, kind=97, body=b"\0\2again"), 0.0)
    found.push(packet(10, ssrc=6, kind=97, body=b""), 0.0)
    assert shelf.payloads == [b"x", b"again", b"x"]


def test_layers_have_names_and_repairs() -> None:
    found, shelf = router(Expected((VIDEO,), mid_id=1, rid_id=2, repaired_rid_id=3))
    for place, rid in enumerate((b"hi", b"lo")):
        found.push(packet(1, ssrc=10 + place, _1=b"0", _2=rid), 0.0)
        found.push(packet(3, ssrc=10 + place), 0.0)
    found.push(packet(1, ssrc=20, kind=97, body=b"\0\2low", _1=b"0", _3=b"lo"), 0.0)
    found.push(packet(2, ssrc=21, kind=97, body=b"\0\2?", _1=b"0", _3=b"no"), 0.0)
    assert [source.rid for source in shelf.sources] == ["hi", "lo", "lo", "lo"]
    assert shelf.payloads[2:] == [b"low", b"x"]


def test_without_names_a_repair_fits_only_one_source() -> None:
    found, shelf = router(Expected((VIDEO,)))
    found.push(packet(1, ssrc=10), 0.0)
    found.push(packet(1, ssrc=11), 0.0)
    assert not found.push(packet(1, ssrc=20, kind=97, body=b"\0\2?"), 0.0)
    assert len(shelf.got) == 2


def test_arrivals_wrap_and_are_bounded() -> None:
    arrivals = Arrivals()
    assert arrivals.feedback(1, 2) is None
    for number in range(65_500, 65_560):
        if number % 7:
            arrivals.took((number & 0xFFFF).to_bytes(2, "big"), number / 1000)
    data = arrivals.feedback(1, 2)
    assert data is not None
    assert data[12:16] == (65_500).to_bytes(2, "big") + (60).to_bytes(2, "big")
    assert arrivals.feedback(1, 2) is None
    for number in range(0, 60_000, 13):
        arrivals.took((number & 0xFFFF).to_bytes(2, "big"), 1.0)
    arrivals.took(b"x", 1.0)
    again = arrivals.feedback(1, 2)
    assert again is not None
    assert len(again) < 4000


async def published(yard: Any, expected: Expected) -> tuple[Any, Session, Any]:
    return await yard.connected(prepare=lambda session: session.expect(expected))


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_publisher_is_heard_and_asked(yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine that stands still between request and repeat would give the packet up.
    monkeypatch.setattr("madang.net.webrtc.sources.RTP_REORDER_S", 60.0)
    peer, _, told = await published(yard, Expected((VIDEO, AUDIO), twcc_id=3, remb_bps=2_000_000))
    for number in (1, 2, 4, 5):
        peer.rtp(packet(number, _3=number.to_bytes(2, "big")))
    await peer.until(lambda: any(isinstance(item, rtcp.Nack) for item in peer.reports))
    nack = next(item for item in peer.reports if isinstance(item, rtcp.Nack))
    assert (nack.ssrc, nack.sequences) == (7, (3,))
    peer.rtp(packet(100, ssrc=8, kind=97, body=b"\0\3again"))
    await until(lambda: len(told.packets) == 5)
    assert [found.payload for _, found, _ in told.packets] == [b"x", b"x", b"again", b"x", b"x"]
    source = told.packets[0][0]
    for _ in range(10):
        source.ask_keyframe()
    await peer.until(lambda: any(isinstance(item, rtcp.KeyframeRequest) for item in peer.reports))
    await peer.until(lambda: any(isinstance(item, rtcp.Remb) for item in peer.reports))
    await peer.until(lambda: any(isinstance(item, rtcp.Report) for item in peer.reports))
    assert source.requests == 1
    assert yard.port.counters.packets_in == 5 and yard.port.counters.packets_recovered == 1
    assert not source.may_ask(source._asked_s + KEYFRAME_REQUEST_S - 0.01)
    assert source.may_ask(source._asked_s + KEYFRAME_REQUEST_S)


def feedback_about(compound: bytes) -> list[int]:
    """The sources that a compound packet's transport-wide feedbacks name."""
    found, at = [], 0
    while at < len(compound):
        if (compound[at] & 31, compound[at + 1]) == (rtcp.TWCC_FORMAT, rtcp.RTPFB):
            found.append(int.from_bytes(compound[at + 8 : at + 12], "big"))
        at += 4 + 4 * int.from_bytes(compound[at + 2 : at + 4], "big")
    return found


async def test_feedback_names_a_source_of_the_peer(yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """libwebrtc passes over any other, and lowers its rate by a fifth each second as if nothing came."""
    said: list[bytes] = []
    monkeypatch.setattr(Session, "_send_rtcp", lambda session, packet: said.append(packet))
    peer, _, told = await published(yard, Expected((VIDEO,), twcc_id=3))
    for number in (1, 2, 3):
        peer.rtp(packet(number, _3=number.to_bytes(2, "big")))
    await until(lambda: any(map(feedback_about, said)))
    assert {ssrc for compound in said for ssrc in feedback_about(compound)} == {7}


async def test_who_knows_no_pli_gets_a_fir(yard: Any) -> None:
    peer, _, told = await published(yard, Expected((Line("0", {96: 90_000}, fir=True),)))
    peer.rtp(packet(1))
    await until(lambda: bool(told.packets))
    told.packets[0][0].ask_keyframe()
    await peer.until(lambda: rtcp.KeyframeRequest(7) in peer.reports)


async def test_media_that_overtakes_the_handshake_is_kept(yard: Any) -> None:
    peer, told = yard.peer(), []
    from tests.harness.webrtc import Told

    receiver = Told()
    session = yard.port.session(peer.offer(), receiver, "203.0.113.9")
    session.expect(Expected((VIDEO,)))
    await peer.open(session, yard.port.udp_port)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    last: list[bytes] = []
    real = peer.send

    def hold(data: bytes) -> None:
        """The client's last flight waits, and media goes first."""
        if 20 <= data[0] < 64 and peer.link.keys is None and last == [] and told:
            last.append(data)
        else:
            real(data)

    peer.begin_dtls(yard.port.fingerprint)
    peer.send = hold
    told.append(True)
    await peer.until(lambda: bool(last))
    session.on_media(bytes((0x80, 96)) + bytes(40))
    real(last[0])
    await peer.until(lambda: peer.sealer is not None)
    peer.rtp(packet(1))
    await until(lambda: len(receiver.packets) == 1)
    assert yard.port.counters.datagrams_bad == 1


@pytest.mark.parametrize("senders", [20])
async def test_a_flood_of_senders_is_refused(yard: Any, senders: int) -> None:
    """A50."""
    peer, session, told = await published(yard, Expected((VIDEO,)))
    for ssrc in range(1, senders + 1):
        peer.rtp(packet(1, ssrc=ssrc))
    await until(lambda: yard.port.counters.datagrams_bad >= senders - 8)
    assert len(session.sources) <= 8
    assert len(told.packets) <= 8

"""RTCP: built and parsed, read by aiortc too, and what is refused."""

from struct import unpack

import pytest
from aiortc import rtp as aiortc_rtp
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.rtp import rtcp

WORD = st.integers(0, 0xFFFFFFFF)
REPORTS = st.builds(
    rtcp.Report,
    ssrc=WORD,
    lost_fraction=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest=WORD,
    jitter=WORD,
    last_sr=WORD,
    delay=WORD,
)
SENDERS = st.builds(
    rtcp.SenderReport,
    ssrc=WORD,
    ntp=st.integers(0, 2**64 - 1),
    timestamp=WORD,
    packets=WORD,
    octets=WORD,
)


@given(SENDERS, st.lists(REPORTS, max_size=4), st.lists(WORD, min_size=1, max_size=3))
def test_a_compound_comes_back(
    sender: rtcp.SenderReport, blocks: list[rtcp.Report], ssrcs: list[int]
) -> None:
    data = (
        rtcp.build_sr(sender, blocks)
        + rtcp.build_sdes(ssrcs, "eightlet")
        + rtcp.build_rr(1, blocks)
        + rtcp.build_bye(ssrcs)
    )
    assert rtcp.parse(data) == [sender, *blocks, *blocks, rtcp.Bye(tuple(ssrcs))]
    theirs = aiortc_rtp.RtcpPacket.parse(data)
    assert [type(packet).__name__ for packet in theirs] == [
        "RtcpSrPacket",
        "RtcpSdesPacket",
        "RtcpRrPacket",
        "RtcpByePacket",
    ]
    assert [chunk.ssrc for chunk in theirs[1].chunks] == ssrcs


@given(st.sets(st.integers(0, 400), min_size=1, max_size=50), st.integers(0, 0xFFFF))
def test_missing_packets_are_named(places: set[int], start: int) -> None:
    missing = [start + place & 0xFFFF for place in sorted(places)]
    data = rtcp.build_nack(1, 2, missing)
    assert rtcp.parse(data) == [rtcp.Nack(2, tuple(missing))]
    (theirs,) = aiortc_rtp.RtcpPacket.parse(data)
    assert sorted(theirs.lost) == sorted(missing)


def test_keyframe_requests() -> None:
    assert rtcp.parse(rtcp.build_pli(1, 7) + rtcp.build_fir(1, 8, 300)) == [
        rtcp.KeyframeRequest(7),
        rtcp.KeyframeRequest(8),
    ]


@given(st.integers(0, 2**40), st.lists(WORD, max_size=3))
def test_the_bitrate_is_told_to_18_bits(bps: int, ssrcs: list[int]) -> None:
    (item,) = rtcp.parse(rtcp.build_remb(1, bps, ssrcs))
    assert isinstance(item, rtcp.Remb)
    assert item.ssrcs == tuple(ssrcs)
    assert item.bps <= bps <= item.bps * (1 + 2**-16) + 1
    (theirs,) = aiortc_rtp.RtcpPacket.parse(rtcp.build_remb(1, bps, ssrcs))
    assert aiortc_rtp.unpack_remb_fci(theirs.fci) == (item.bps, ssrcs)


def read_twcc(data: bytes) -> tuple[int, list[int | None]]:
    """A reader of our own for the tests, straight from the draft."""
    if data[0] & 0x20:
        data = data[: -data[-1]]
    first, count, reference, _ = unpack("!HH3sB", data[12:20])
    symbols: list[int] = []
    at = 20
    while len(symbols) < count:
        word = int.from_bytes(data[at : at + 2], "big")
        at += 2
        if not word & 0x8000:
            symbols += [word >> 13 & 3] * (word & 0x1FFF)
        else:
            assert word & 0x4000
            symbols += [word >> shift & 3 for shift in range(12, -1, -2)]
    now = int.from_bytes(reference, "big") << 8
    times: list[int | None] = []
    for symbol in symbols[:count]:
        size = symbol
        if symbol == 0:
            times.append(None)
            continue
        now += int.from_bytes(data[at : at + size], "big", signed=size == 2)
        at += size
        times.append(now)
    assert at == len(data)
    return first, times


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 2**30),
    st.lists(st.none() | st.integers(-300, 2000), max_size=120),
)
def test_arrivals_are_told(first: int, start: int, steps: list[int | None]) -> None:
    arrivals: list[int | None] = [start]
    now = start
    for step in steps:
        if step is None:
            arrivals.append(None)
        else:
            now = max(now + step, start)
            arrivals.append(now)
    data = rtcp.build_twcc(1, 2, 300, first, arrivals)
    assert len(data) == 4 + 4 * int.from_bytes(data[2:4], "big")
    assert read_twcc(data) == (first, arrivals)
    assert rtcp.parse(data) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a header that is cut", "80c8"),
        ("a length beyond the compound", "80c900020000"),
        ("version 1", "40c9000100000000"),
        ("an SR without its sender", "80c8000100000000"),
        ("an RR with blocks that are not there", "85c9000100000000"),
        ("an RR without reporter", "80c90000"),
        ("a goodbye to more than it names", "83cb000100000000"),
        ("feedback without its media", "81cd000100000000"),
        ("payload feedback without its media", "81ce000100000000"),
        ("a REMB that names more than it has", "8fce0004" + "00" * 8 + "52454d42" + "05000000"),
        ("padding of nothing", "a0c9000100000000"),
        ("padding beyond the packet", "a0c90001000000ff"),
    ],
)
def test_malformed_packets_are_refused(name: str, data: str) -> None:
    """A50."""
    with pytest.raises(PeerError):
        rtcp.parse(bytes.fromhex(data))


def test_strangers_are_passed_over() -> None:
    assert rtcp.parse(bytes.fromhex("80cc000200000001746573748fcf0000") + rtcp.build_pli(1, 2)) == [
        rtcp.KeyframeRequest(2)
    ]

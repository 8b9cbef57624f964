"""RTP packets: built and parsed, read by aiortc too, and what is refused."""

import pytest
from aiortc.rtp import RtpPacket as Theirs
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.rtp.packet import RtpPacket, build_extensions, build_header, parse

SHORT = st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=4)
LONG = st.dictionaries(st.integers(1, 255), st.binary(max_size=60), max_size=4)
PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=50),
    extensions=SHORT | LONG,
)


@given(PACKETS)
def test_what_is_built_is_parsed(packet: RtpPacket) -> None:
    data = build_header(packet) + packet.payload
    assert parse(data) == packet


@given(PACKETS)
def test_aiortc_reads_the_same(packet: RtpPacket) -> None:
    theirs = Theirs.parse(build_header(packet) + packet.payload)
    assert (theirs.payload_type, theirs.marker, theirs.sequence_number, theirs.timestamp, theirs.ssrc) == (
        packet.payload_type,
        packet.marker,
        packet.sequence,
        packet.timestamp,
        packet.ssrc,
    )
    assert theirs.payload == packet.payload


@given(PACKETS, st.integers(1, 40))
def test_padding_and_sources_are_taken_off(packet: RtpPacket, padding: int) -> None:
    head = bytearray(build_header(packet))
    head[0] |= 0x22
    head[12:12] = bytes(8)
    data = bytes(head) + packet.payload + bytes(padding - 1) + bytes((padding,))
    assert parse(data) == packet


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        b"\x80" + bytes(10),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(11),
        b"\x90" + bytes(13) + b"\xff\xff",
        b"\xa0" + bytes(12),
        b"\xa0" + bytes(12) + b"\x09",
    ],
)
def test_lengths_beyond_the_packet_are_refused(data: bytes) -> None:
    """A50: padding, sources, extensions."""
    with pytest.raises(PeerError):
        parse(data)


def test_a_broken_element_ends_the_block() -> None:
    block = b"\xbe\xde\0\1\x10a\x3fb"
    packet = parse(b"\x90" + bytes(11) + block + b"rest")
    assert packet.extensions == {1: b"a"}
    assert packet.payload == b"rest"


def test_a_playout_delay_takes_eight_bytes() -> None:
    assert build_extensions({6: bytes(3)}) == b"\xbe\xde\0\1\x62\0\0\0"

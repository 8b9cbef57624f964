"""Fuzz targets of SDP: whatever comes, PeerError or nothing."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.sdp.answer import check_offer
from madang.protocols.sdp.build import build
from madang.protocols.sdp.fragment import parse_fragment
from madang.protocols.sdp.parse import parse
from madang.protocols.sdp.words import Direction

OFFERS = [
    path.read_bytes() for path in sorted((Path(__file__).parents[1] / "captures" / "sdp").glob("*.sdp"))
]
WORDS = [
    b"a=rtpmap:",
    b"a=fmtp:96 ",
    b"m=video 0 ",
    b":",
    b" ",
    b"/",
    b"99999999999",
    b"\r\n",
    b"-1",
    b"a=rid:x send\r\n",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(OFFERS))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        put = draw(st.sampled_from(WORDS) | st.binary(max_size=4))
        data = data[:at] + put + data[at + draw(st.integers(0, 9)) :]
    return data


@given(mutated() | st.binary(max_size=300))
def test_offers(data: bytes) -> None:
    try:
        offer = parse(data)
    except PeerError as error:
        assert error.code == "malformed_sdp"
        return
    assert parse(build(offer)).sections
    try:
        check_offer(offer, Direction.SEND)
    except PeerError:
        pass


@given(mutated() | st.binary(max_size=300))
def test_fragments(data: bytes) -> None:
    try:
        parse_fragment(data)
    except PeerError:
        pass

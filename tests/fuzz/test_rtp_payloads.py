"""Fuzz targets of RTP payloads: whatever comes, whole frames or nothing, and memory by what came."""

from hypothesis import given
from hypothesis import strategies as st

from madang.codecs import nal
from madang.ingest.whip.counters import WhipCounters
from madang.ingest.whip.intake import Intake
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.protocols.rtp import av1, h264, h265, vp8, vp9
from madang.protocols.rtp.formats import depacketiser
from madang.protocols.rtp.packet import RtpPacket

SPS = bytes.fromhex("674d401eeca05017fcb80880000003008000001e078b16cb")
PPS = bytes.fromhex("68ce0fc8")
GOOD = {
    Codec.H264: h264.packetise(nal.join([SPS, PPS, b"\x65" + bytes(400)]), 150),
    Codec.H265: h265.packetise(nal.join([b"\x40\x01v", b"\x26\x01" + bytes(400)]), 150),
    Codec.AV1: av1.packetise(b"\x0a\x02ab\x32\xc8\x01" + bytes(200), 150, True),
    Codec.VP8: vp8.packetise(bytes.fromhex("7002009d012a4001f000") + bytes(400), 150),
    Codec.VP9: vp9.packetise(bytes.fromhex("824983420013f00ef6") + bytes(400), 150),
    Codec.OPUS: [b"\xfcsound"],
}
TYPES = {96 + index: codec for index, codec in enumerate(GOOD)}


@st.composite
def payloads(draw: st.DrawFn, codec: Codec) -> bytes:
    payload = draw(st.sampled_from(GOOD[codec]) | st.binary(max_size=60))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(payload)))
        payload = payload[:at] + draw(st.binary(max_size=3)) + payload[at + draw(st.integers(0, 3)) :]
    return payload


packets = st.sampled_from(sorted(TYPES)).flatmap(
    lambda number: st.builds(
        RtpPacket,
        st.just(number),
        st.booleans(),
        st.integers(0, 65_535),
        st.integers(0, 2**32 - 1) | st.sampled_from([0, 3000]),
        st.just(1),
        payloads(TYPES[number]),
        st.just({}),
    )
)


@given(
    st.sampled_from(sorted(GOOD)).flatmap(lambda c: st.tuples(st.just(c), st.lists(payloads(c), max_size=12)))
)
def test_depacketisers(given_: tuple[Codec, list[bytes]]) -> None:
    codec, pieces = given_
    taken = depacketiser(codec)
    for index, payload in enumerate(pieces):
        for whole in taken.push(payload, index // 3, index % 3 == 2, index % 5 == 4):
            # Lengths and size fields are what is added to what came.
            assert len(whole.payload) <= 3 * sum(map(len, pieces)) + 64


class Origin:
    ssrc, rid, report = 1, "", None

    def ask_keyframe(self) -> None:
        """A publisher who does not listen."""


class Output:
    def tracks(self, tracks: tuple[Track, ...]) -> None:
        assert tracks

    def frame(self, frame: Frame) -> None:
        assert frame.payload


@given(st.lists(st.tuples(packets, st.integers(0, 3), st.floats(0, 5)), max_size=15))
def test_a_publisher(sent: list[tuple[RtpPacket, int, float]]) -> None:
    intake = Intake(Output(), TYPES, (), WhipCounters())
    now = 0.0
    for packet, lost, later in sent:
        now += later
        intake.packet(Origin(), packet, lost, now)
        intake.look(now, 2.0)

"""Pictures in FLV bodies, classic and enhanced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.containers.flv.packet import CODED_FRAMES, OTHER, SEQUENCE_END, SEQUENCE_START
from madang.containers.flv.video import (
    parse_video,
    timestamp_ms,
    video_prefix,
    video_sequence_header,
)
from madang.media.frame import Frame
from madang.media.track import Codec, Track

CODECS = [Codec.H264, Codec.H265, Codec.AV1]


def track_of(codec: Codec) -> Track:
    return Track(id=1, codec=codec, timescale=90_000, config=b"config")


@pytest.mark.parametrize("codec", CODECS)
def test_sequence_header_goes_there_and_back(codec: Codec) -> None:
    packet = parse_video(video_sequence_header(track_of(codec)))
    assert (packet.kind, packet.codec, bytes(packet.payload)) == (SEQUENCE_START, codec, b"config")


@pytest.mark.parametrize("body", [b"\x17\x02\x00\x00\x00", b"\x92hvc1", b"\x92av01"])
def test_the_end_of_a_sequence(body: bytes) -> None:
    assert parse_video(body).kind == SEQUENCE_END


@given(
    st.sampled_from(CODECS),
    st.integers(0, 90_000 * 3600),
    st.integers(0, 90_000),
    st.booleans(),
    st.binary(min_size=1, max_size=50),
)
def test_frame_goes_there_and_back(
    codec: Codec, dts: int, later: int, keyframe: bool, payload: bytes
) -> None:
    track = track_of(codec)
    later = 0 if codec is Codec.AV1 else later
    frame = Frame(1, dts, dts + later, keyframe, payload)
    packet = parse_video(video_prefix(track, frame) + payload)
    assert (packet.kind, packet.codec, packet.keyframe) == (CODED_FRAMES, codec, keyframe)
    assert bytes(packet.payload) == payload
    assert timestamp_ms(track, dts) + packet.composition_ms == timestamp_ms(track, dts + later)


@pytest.mark.parametrize(
    ("wire", "composition_ms"), [(b"\xff\xff\xff", -1), (b"\x80\x00\x00", -0x800000), (b"\x00\x00\x50", 80)]
)
@pytest.mark.parametrize("head", [b"\x27\x01", b"\x2c\x01", b"\xa1avc1", b"\xa1hvc1"])
def test_composition_time_is_signed(head: bytes, wire: bytes, composition_ms: int) -> None:
    packet = parse_video(head + wire + b"nal")
    assert (packet.composition_ms, bytes(packet.payload)) == (composition_ms, b"nal")


def test_classic_hevc_is_codec_id_12() -> None:
    packet = parse_video(b"\x1c\x00\x00\x00\x00hvcC")
    assert (packet.codec, packet.kind, bytes(packet.payload)) == (Codec.H265, SEQUENCE_START, b"hvcC")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x93hvc1nal", (CODED_FRAMES, Codec.H265, b"nal")),
        (b"\x93avc1nal", (CODED_FRAMES, Codec.H264, b"nal")),
        (b"\x91av01obu", (CODED_FRAMES, Codec.AV1, b"obu")),
        (b"\x90av01\x81\x04", (SEQUENCE_START, Codec.AV1, b"\x81\x04")),
        (b"\x95av01\x80\x04\x81\x05\x0c\x00", (SEQUENCE_START, Codec.AV1, b"\x81\x05\x0c\x00")),
        (b"\x94hvc1\x02\x00\x09colorInfo", (OTHER, Codec.H265, b"\x02\x00\x09colorInfo")),
        (b"\xd1hvc1\x00", (OTHER, Codec.H265, b"")),
        (b"\x90vvc1cfg", (SEQUENCE_START, None, b"cfg")),
        (b"\x90Opuscfg", (SEQUENCE_START, None, b"cfg")),
    ],
)
def test_enhanced_bodies(body: bytes, expected: tuple[int, Codec | None, bytes]) -> None:
    if body[0] == 0xD1:
        body += b"\x00\x00"
    packet = parse_video(body)
    assert (packet.kind, packet.codec, bytes(packet.payload)) == expected


def test_unknown_codecs_tell_their_names() -> None:
    assert parse_video(b"\x24\x00").name == "VP6"
    assert parse_video(b"\x2f\x00").name == "video codec 15"
    assert parse_video(b"\x91vvc1").name == "vvc1"


@pytest.mark.parametrize("size", [3, 4, 255, 256, 300])
def test_mod_ex_nano_offset_is_read_at_every_size(size: int) -> None:
    length = bytes((size - 1,)) if size < 256 else b"\xff" + (size - 1).to_bytes(2, "big")
    nano = (123_456).to_bytes(3, "big") + bytes(size - 3)
    packet = parse_video(b"\xa7" + length + nano + b"\x01" + b"av01" + b"obu")
    assert (packet.kind, packet.nano_offset, bytes(packet.payload)) == (CODED_FRAMES, 123_456, b"obu")


def test_mod_ex_may_be_stacked_and_unknown() -> None:
    packet = parse_video(b"\xa7\x00z\x37" + b"\x02\x00\x00\x07\x03" + b"hvc1nal")
    assert (packet.nano_offset, packet.codec, bytes(packet.payload)) == (7, Codec.H265, b"nal")


def test_multitrack_with_one_track() -> None:
    packet = parse_video(b"\xa6\x01" + b"hvc1" + b"\x05" + b"\x00\x00\x21nal")
    assert (packet.track, packet.composition_ms, bytes(packet.payload)) == (5, 33, b"nal")


def test_multitrack_gives_the_first_by_id() -> None:
    tracks = b"\x01\x00\x00\x03abc" + b"\x00\x00\x00\x02de"
    packet = parse_video(b"\x96\x13" + b"av01" + tracks)
    assert (packet.track, packet.codec, bytes(packet.payload)) == (0, Codec.AV1, b"de")


def test_multitrack_with_many_codecs() -> None:
    tracks = b"av01\x01\x00\x00\x03abc" + b"avc1\x00\x00\x00\x04avcC"
    packet = parse_video(b"\x96\x20" + tracks)
    assert (packet.kind, packet.codec, bytes(packet.payload)) == (SEQUENCE_START, Codec.H264, b"avcC")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x17",
        b"\x17\x01\x00",
        b"\x91",
        b"\x91hvc",
        b"\x91hvc1\x00",
        b"\x97\x05ab",
        b"\x97\xff\x00",
        b"\x96",
        b"\x96\x06hvc1\x00",
        b"\x96\x31hvc1\x00",
        b"\x96\x11hvc1",
        b"\x96\x11hvc1\x00\x00\x00\x09abc",
        b"\x96\x21hvc",
    ],
)
def test_cut_off_and_nested_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(PeerError):
        parse_video(body)


@given(st.binary(max_size=60), st.integers(0, 255))
def test_any_bytes_raise_peer_error_or_nothing(rest: bytes, first: int) -> None:
    try:
        packet = parse_video(bytes((first,)) + rest)
        assert len(packet.payload) <= len(rest)
    except PeerError:
        pass

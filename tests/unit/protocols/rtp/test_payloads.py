"""Payload formats: what is packetised fits, leaves in equal pieces, and comes together again."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base import limits
from madang.base.errors import PeerError
from madang.codecs import nal
from madang.media.track import Codec
from madang.protocols.rtp import av1, h264, h265, opus, vp8, vp9
from madang.protocols.rtp.assembly import Depacketiser, Whole, fragments
from madang.protocols.rtp.formats import depacketiser

BUDGET = 200
SPS, PPS = b"\x67\x42\xc0\x1e" + b"s" * 12, b"\x68\xce\x3c\x80"
VP8_KEY = bytes.fromhex("7002009d012a4001f000") + b"k" * 500
VP8_INTER = b"\x71\x02\x00" + b"i" * 300
VP9_KEY = bytes.fromhex("824983420013f00ef6") + b"k" * 700
VP9_INTER = b"\x86\x00" + b"i" * 300


def h264_unit(kind: int) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=900).map(lambda body: bytes((0x60 | kind,)) + body)


h264_pictures = st.lists(st.sampled_from([1, 5]).flatmap(h264_unit), max_size=4).flatmap(
    lambda units: st.sampled_from([1, 5]).flatmap(h264_unit).map(lambda last: [*units, last])
)
h265_pictures = st.lists(
    st.tuples(st.sampled_from([1, 19, 39]), st.binary(min_size=1, max_size=900)).map(
        lambda pair: bytes((pair[0] << 1, 1)) + pair[1]
    ),
    max_size=4,
).map(lambda units: [*units, b"\x02\x01" + b"p" * 40])


def through(codec: Codec, payloads: list[bytes], timestamp: int = 7) -> list[Whole]:
    depack = depacketiser(codec)
    done = []
    for index, payload in enumerate(payloads):
        done += depack.push(payload, timestamp, index == len(payloads) - 1)
    assert not depack.broken
    return done


def check_sizes(payloads: list[bytes]) -> None:
    assert payloads and all(0 < len(payload) <= BUDGET for payload in payloads)


@given(h264_pictures)
def test_h264_comes_together_again(units: list[bytes]) -> None:
    payload = nal.join(units)
    payloads = h264.packetise(payload, BUDGET)
    check_sizes(payloads)
    keyframe = any(unit[0] & 31 == 5 for unit in units)
    assert through(Codec.H264, payloads) == [Whole(7, payload, keyframe)]


def test_h264_leaves_out_what_no_decoder_needs() -> None:
    picture = b"\x65" + b"p" * 40
    units = [b"\x09\x10", b"\x06\x01\x04abcd", picture, b"\x0c\xff\xff\x80"]
    assert h264.packetise(nal.join(units), BUDGET) == [picture]


@given(h265_pictures)
def test_h265_comes_together_again(units: list[bytes]) -> None:
    payload = nal.join(units)
    payloads = h265.packetise(payload, BUDGET)
    check_sizes(payloads)
    keyframe = any(unit[0] >> 1 == 19 for unit in units)
    assert through(Codec.H265, payloads) == [Whole(7, payload, keyframe)]


def obu(kind: int, body: bytes) -> bytes:
    return bytes((kind << 3 | 2,)) + av1.leb128(len(body)) + body


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 3, 5, 6]), st.binary(min_size=1, max_size=900)), min_size=1, max_size=5
    )
)
def test_av1_comes_together_again(units: list[tuple[int, bytes]]) -> None:
    whole = b"".join(obu(*unit) for unit in units)
    payloads = av1.packetise(b"\x12\x00" + whole, BUDGET, keyframe=True)
    check_sizes(payloads)
    assert payloads[0][0] & 8 and not any(payload[0] & 8 for payload in payloads[1:])
    assert through(Codec.AV1, payloads) == [Whole(7, whole, any(kind == 1 for kind, _ in units))]


@pytest.mark.parametrize(
    ("codec", "packetise", "frame", "keyframe"),
    [
        (Codec.VP8, vp8.packetise, VP8_KEY, True),
        (Codec.VP8, vp8.packetise, VP8_INTER, False),
        (Codec.VP9, vp9.packetise, VP9_KEY, True),
        (Codec.VP9, vp9.packetise, VP9_INTER, False),
    ],
)
def test_vp8_and_vp9_come_together_again(
    codec: Codec, packetise: Callable[[bytes, int], list[bytes]], frame: bytes, keyframe: bool
) -> None:
    payloads = packetise(frame, BUDGET)
    check_sizes(payloads)
    assert len({len(payload) for payload in payloads[:-1]}) == 1
    assert through(codec, payloads) == [Whole(7, frame, keyframe)]


@given(st.binary(max_size=2000), st.integers(1, 500))
def test_fragments_are_of_one_length_but_a_shorter_last(body: bytes, room: int) -> None:
    pieces = fragments(memoryview(body), room)
    assert b"".join(pieces) == body
    sizes = [len(piece) for piece in pieces]
    assert len(sizes) == -(-len(body) // room)
    if sizes:
        assert len(set(sizes[:-1])) <= 1 and max(sizes) == sizes[0] and sizes[0] <= room


def test_parameter_sets_travel_with_a_keyframe_in_one_packet() -> None:
    payloads = h264.packetise(nal.join([b"\x65" + b"x" * 400]), BUDGET, (SPS, PPS))
    assert payloads[0] == b"\x78" + b"\x00\x10" + SPS + b"\x00\x04" + PPS
    assert [payload[0] & 31 for payload in payloads[1:]] == [28, 28, 28]
    (whole,) = through(Codec.H264, payloads)
    assert whole.payload == nal.join([SPS, PPS, b"\x65" + b"x" * 400])
    own = nal.join([SPS, PPS, b"\x65x"])
    assert through(Codec.H264, h264.packetise(own, BUDGET, (SPS, PPS)))[0].payload == own


def test_h265_parameter_sets_go_before_a_keyframe() -> None:
    sets = (b"\x40\x01v", b"\x42\x01s", b"\x44\x01p")
    (whole,) = through(Codec.H265, h265.packetise(nal.join([b"\x26\x01" + b"x" * 300]), BUDGET, sets))
    assert [bytes(unit) for unit in nal.split(whole.payload)][:3] == list(sets)


def test_delimiters_and_filler_do_not_travel() -> None:
    payload = nal.join([b"\x09\xf0", b"\x41abc", b"\x0c\xff\xff\x80"])
    assert h264.packetise(payload, BUDGET) == [b"\x41abc"]
    assert through(Codec.H264, [b"\x09\xf0", b"\x41abc"])[0].payload == nal.join([b"\x41abc"])


def test_a_frame_without_its_marker_ends_with_the_next_timestamp() -> None:
    depack = depacketiser(Codec.H264)
    assert depack.push(b"\x65abc", 1, False) == []
    assert depack.push(b"\x41def", 2, False) == [Whole(1, nal.join([b"\x65abc"]), True)]


def test_loss_takes_the_frames_that_it_may_have_hurt() -> None:
    depack = depacketiser(Codec.H264)
    assert depack.push(b"\x65abc", 1, False) == []
    assert depack.push(b"\x41def", 2, False, lost=1) == []
    assert depack.push(b"\x41def", 2, True) == []
    assert depack.broken == 1
    assert depack.push(b"\x41ghi", 3, True)[0].timestamp == 3


@pytest.mark.parametrize(
    ("codec", "payloads"),
    [
        (Codec.H264, [b""]),
        (Codec.H264, [b"\x00abc"]),
        (Codec.H264, [b"\x19\x00\x00\x00\x01a"]),
        (Codec.H264, [b"\x78\x00\xffabc"]),
        (Codec.H264, [b"\x78\x00\x00"]),
        (Codec.H264, [b"\x7c\x85"]),
        (Codec.H264, [b"\x7c\x05abc"]),
        (Codec.H264, [b"\x7c\x85abc", b"\x7c\x85abc"]),
        (Codec.H264, [b"\x7c\x85abc", b"\x41abc"]),
        (Codec.H265, [b"\x02\x01"]),
        (Codec.H265, [b"\x64\x01\x00"]),
        (Codec.H265, [b"\x62\x01\x93"]),
        (Codec.H265, [b"\x62\x01\x13abc"]),
        (Codec.H265, [b"\x62\x01\x93abc", b"\x62\x01\x93abc"]),
        (Codec.H265, [b"\x62\x01\x93abc", b"\x02\x01abc"]),
        (Codec.VP8, [b""]),
        (Codec.VP8, [b"\x90"]),
        (Codec.VP8, [b"\x90\x80\x80\x01"]),
        (Codec.VP8, [b"\x00abc"]),
        (Codec.VP8, [b"\x10abc", b"\x10abc"]),
        (Codec.VP9, [b""]),
        (Codec.VP9, [b"\x88"]),
        (Codec.VP9, [b"\x8a\x01\x18\x01"]),
        (Codec.VP9, [b"\x00abc"]),
        (Codec.VP9, [b"\x58\x01\x01\x01"]),
        (Codec.AV1, [b"\x00"]),
        (Codec.AV1, [b"\x80\x01a"]),
        (Codec.AV1, [b"\x00\x05a"]),
        (Codec.AV1, [b"\x00\xff\xff\xff\xff\xff\xff"]),
        (Codec.AV1, [b"\x30\x01\x30"]),
        (Codec.AV1, [b"\x40\x01\x30", b"\x00\x01\x30"]),
        (Codec.AV1, [b"\x10\xb0"]),
        (Codec.OPUS, [b""]),
        (Codec.OPUS, [b"\x03"]),
        (Codec.OPUS, [b"\xfcabc", b"\xfcabc"]),
    ],
)
def test_what_is_broken_is_passed_over_and_counted(codec: Codec, payloads: list[bytes]) -> None:
    depack = depacketiser(codec)
    for payload in payloads:
        assert depack.push(payload, 1, False) == []
    assert depack.broken == 1


def test_a_frame_without_end_is_given_up() -> None:
    depack = depacketiser(Codec.H264)
    piece = b"\x7c\x05" + bytes(60_000)
    depack.push(b"\x7c\x85abc", 1, False)
    for _ in range(limits.RTP_FRAME_BYTES // 60_000 + 2):
        assert depack.push(piece, 1, False) == []
    assert depack.broken == 1


@pytest.mark.parametrize(
    "head", ["90 80 05", "90 80 85 07", "90 c0 85 07 01", "90 f0 85 07 01 20", "90 20 20"]
)
def test_vp8_descriptors_of_browsers(head: str) -> None:
    (whole,) = through(Codec.VP8, [bytes.fromhex(head) + VP8_KEY])
    assert whole.payload == VP8_KEY and whole.keyframe


@pytest.mark.parametrize(
    "head",
    [
        "8c 05",  # a picture id of 7 bits
        "8c 85 07",  # of 15
        "ac 85 07 00 09",  # layers with TL0PICIDX
        "bc 85 07 00",  # flexible mode: none
        "dc 85 07 03 02",  # two references
        "8e 85 07 18 02 80 01 68 01 04 01",  # a structure with one layer's size and one picture
    ],
)
def test_vp9_descriptors_of_browsers(head: str) -> None:
    (whole,) = through(Codec.VP9, [bytes.fromhex(head) + VP9_KEY])
    assert whole.payload == VP9_KEY


def test_opus_goes_through() -> None:
    assert through(Codec.OPUS, [b"\xfcsound"]) == [Whole(7, b"\xfcsound", True)]


def test_loss_hurts_no_other_packet_of_opus() -> None:
    depack = depacketiser(Codec.OPUS)
    assert depack.push(b"\xfcsound", 960, True, lost=3) == [Whole(960, b"\xfcsound", True)]
    assert not depack.broken


def test_every_codec_of_webrtc_has_a_format() -> None:
    for codec in (Codec.H264, Codec.H265, Codec.AV1, Codec.VP8, Codec.VP9, Codec.OPUS):
        assert isinstance(depacketiser(codec), Depacketiser)
    with pytest.raises(KeyError):
        depacketiser(Codec.AAC)


@given(
    st.sampled_from([Codec.H264, Codec.H265, Codec.AV1, Codec.VP8, Codec.VP9, Codec.OPUS]),
    st.lists(
        st.tuples(st.binary(max_size=40), st.integers(0, 3), st.booleans(), st.integers(0, 2)), max_size=12
    ),
)
def test_any_packets_give_frames_or_nothing(
    codec: Codec, packets: list[tuple[bytes, int, bool, int]]
) -> None:
    depack = depacketiser(codec)
    for payload, timestamp, marker, lost in packets:
        for whole in depack.push(payload, timestamp, marker, lost):
            assert whole.payload


def test_the_formats_refuse_by_peer_errors_alone() -> None:
    form = h264.Units()
    with pytest.raises(PeerError):
        form.add(memoryview(b"\x7c\x05abc"))
    assert opus.Packets().take() is None

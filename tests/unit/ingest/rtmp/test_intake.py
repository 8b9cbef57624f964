"""FLV bodies of a publisher become tracks and frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import nal
from madang.containers.flv import amf
from madang.ingest.rtmp.counters import IngestCounters
from madang.ingest.rtmp.intake import WAIT_FRAMES, WAIT_MS, Intake
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.protocols.rtmp.message import AUDIO, DATA, VIDEO, Message

# What x264, x265 and SVT-AV1 wrote for 320x240 (and 160x120) pictures.
AVCC = bytes.fromhex("0142c00dffe100166742c00dda0507ec0440000003004000000f03c50aa801000468ce0fc8")
AVCC_SMALL = bytes.fromhex("0142c00bffe100186742c00bda0a11f970110000030001000003003c0f142aa001000468ce0fc8")
SPS, PPS = AVCC[8:30], AVCC[33:]
HVCC = bytes.fromhex(
    "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003003c9594"
    "09210001002a42010101600000030090000003000003003ca00a080f16595952930bc05a020000030002000003003c10220001"
    "00064401c073c189"
)
AV1C = bytes.fromhex("81000c000a0b0200000521e7fde017c002")
OPUS_HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
MP3 = bytes.fromhex("fffb10c400000488135bb4608030aa08a883365000000001")
ASC = b"\x12\x10"  # AAC-LC, 44.1 kHz, stereo
IDR = b"\x00\x00\x00\x05\x65\x88\x84\x3a\x26"
SLICE = b"\x00\x00\x00\x05\x41\x9a\x20\x26\x80"
I_SLICE = b"\x00\x00\x00\x05\x41\x88\x84\x3a\x26"


class Output:
    def __init__(self) -> None:
        self.told: list[tuple[Track, ...]] = []
        self.frames: list[Frame] = []
        self.unsupported: list[str] = []

    def tracks(self, tracks: tuple[Track, ...]) -> None:
        self.told.append(tracks)

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)


class Publisher:
    """Says FLV bodies to an intake."""

    def __init__(self) -> None:
        self.output, self.counters = Output(), IngestCounters()
        self.intake = Intake(self.output, self.counters, self.output.unsupported.append)

    def video(self, at: int, body: bytes) -> "Publisher":
        self.intake.media(Message(VIDEO, at, 1, body))
        return self

    def audio(self, at: int, body: bytes) -> "Publisher":
        self.intake.media(Message(AUDIO, at, 1, body))
        return self

    def metadata(self, **properties: amf.Value) -> "Publisher":
        body = amf.encode("@setDataFrame", "onMetaData", amf.EcmaArray(properties))
        self.intake.media(Message(DATA, 0, 1, body))
        return self

    def begin(self) -> "Publisher":
        """H.264 and AAC, both known."""
        return self.video(0, b"\x17\x00\x00\x00\x00" + AVCC).audio(0, b"\xaf\x00" + ASC)

    @property
    def codecs(self) -> list[list[Codec]]:
        return [[track.codec for track in tracks] for tracks in self.output.told]


def ue(number: int) -> str:
    """An unsigned Exp-Golomb code as digits."""
    digits = f"{number + 1:b}"
    return "0" * (len(digits) - 1) + digits


def avc(payload: bytes, composition: int = 0, key: bool = False) -> bytes:
    return (b"\x17\x01" if key else b"\x27\x01") + (composition & 0xFFFFFF).to_bytes(3, "big") + payload


def test_stream_begins_when_both_tracks_are_known() -> None:
    publisher = Publisher().begin().video(0, avc(IDR, key=True)).audio(0, b"\xaf\x01aac")
    (video, audio), frames = publisher.output.told[0], publisher.output.frames
    assert (video.id, video.codec, video.timescale, video.width, video.height) == (
        1,
        Codec.H264,
        90_000,
        320,
        240,
    )
    assert (audio.id, audio.codec, audio.timescale, audio.channels) == (2, Codec.AAC, 44_100, 2)
    assert [(f.track, f.keyframe, bytes(f.payload)) for f in frames] == [(1, True, IDR), (2, True, b"aac")]


def test_times_are_in_ticks_of_the_track() -> None:
    publisher = Publisher().begin()
    publisher.video(1000, avc(SLICE, 40)).video(1033, avc(SLICE, -33)).audio(1024, b"\xaf\x01a")
    assert [(f.dts, f.pts) for f in publisher.output.frames] == [
        (90_000, 93_600),
        (92_970, 90_000),
        (45_158, 45_158),
    ]


def test_nano_offset_refines_the_time() -> None:
    publisher = Publisher().video(0, b"\x90av01" + AV1C).audio(0, b"\x90Opus" + OPUS_HEAD)
    publisher.video(10, b"\x97\x02" + (500_000).to_bytes(3, "big") + b"\x01av01\x32\x01\x00")
    publisher.audio(10, b"\x97\x02" + (500_000).to_bytes(3, "big") + b"\x01Opusxx")
    assert [f.dts for f in publisher.output.frames] == [945, 504]


@pytest.mark.parametrize(
    ("bodies", "codecs"),
    [
        ([(VIDEO, b"\x90hvc1" + HVCC), (AUDIO, b"\x90Opus" + OPUS_HEAD)], [Codec.H265, Codec.OPUS]),
        ([(VIDEO, b"\x1c\x00\x00\x00\x00" + HVCC), (AUDIO, b"\xaf\x00" + ASC)], [Codec.H265, Codec.AAC]),
        ([(VIDEO, b"\x90av01" + AV1C), (AUDIO, b"\x2e" + MP3)], [Codec.AV1, Codec.MP3]),
        ([(VIDEO, b"\x90avc1" + AVCC), (AUDIO, b"\x90mp4a" + ASC)], [Codec.H264, Codec.AAC]),
        ([(VIDEO, b"\x90avc1" + AVCC), (AUDIO, b"\x91.mp3" + MP3)], [Codec.H264, Codec.MP3]),
        (
            [(VIDEO, b"\x96\x00avc1\x00" + AVCC), (AUDIO, b"\x95\x00Opus\x00" + OPUS_HEAD)],
            [Codec.H264, Codec.OPUS],
        ),
    ],
)
def test_each_codec_becomes_a_track(bodies: list[tuple[int, bytes]], codecs: list[Codec]) -> None:
    publisher = Publisher()
    for type, body in bodies:
        publisher.intake.media(Message(type, 0, 1, body))
    assert publisher.codecs == [codecs]


def test_repeated_sequence_headers_are_nothing() -> None:
    publisher = Publisher().begin().begin().begin()
    assert len(publisher.output.told) == 1


def test_changed_sequence_header_is_a_new_track() -> None:
    publisher = Publisher().begin().video(100, b"\x17\x00\x00\x00\x00" + AVCC_SMALL)
    assert [tracks[0].width for tracks in publisher.output.told] == [320, 160]
    assert publisher.output.told[0][1] == publisher.output.told[1][1]


def test_codec_changes_in_the_middle() -> None:
    publisher = Publisher().begin().video(50, b"\x93hvc1" + b"\x00\x00\x00\x03\x26\x01\xaf")
    assert publisher.counters.early_frames == 1
    publisher.video(60, b"\x90hvc1" + HVCC).video(70, b"\x93hvc1" + b"\x00\x00\x00\x03\x28\x01\xaf")
    assert publisher.codecs[-1] == [Codec.H265, Codec.AAC]
    assert publisher.output.frames[-1].keyframe


@pytest.mark.parametrize(
    ("metadata", "waits"),
    [({"videocodecid": 7.0}, True), ({"hasAudio": False}, False), ({"hasAudio": True}, True), ({}, True)],
)
def test_waits_for_a_track_that_may_come(metadata: dict[str, amf.Value], waits: bool) -> None:
    publisher = Publisher().metadata(**metadata).video(0, b"\x17\x00\x00\x00\x00" + AVCC)
    assert bool(publisher.output.told) is not waits
    publisher.video(0, avc(IDR)).video(WAIT_MS - 1, avc(SLICE))
    assert bool(publisher.output.told) is not waits
    publisher.video(WAIT_MS, avc(SLICE))
    assert publisher.codecs == [[Codec.H264]]
    assert len(publisher.output.frames) == 3


def test_audio_alone_begins_too() -> None:
    publisher = Publisher().audio(0, b"\xaf\x00" + ASC)
    for at in range(0, 400, 20):
        publisher.audio(at, b"\xaf\x01aac")
    assert publisher.codecs == [[Codec.AAC]]
    assert len(publisher.output.frames) == 20


def test_wait_is_bounded_when_time_stands_still() -> None:
    publisher = Publisher().video(0, b"\x17\x00\x00\x00\x00" + AVCC)
    for _ in range(WAIT_FRAMES):
        publisher.video(0, avc(SLICE))
    assert len(publisher.output.frames) == WAIT_FRAMES


def test_late_track_is_added() -> None:
    publisher = Publisher().video(0, b"\x17\x00\x00\x00\x00" + AVCC).video(400, avc(IDR))
    publisher.audio(5000, b"\xaf\x00" + ASC).audio(5000, b"\xaf\x01a")
    assert publisher.codecs == [[Codec.H264], [Codec.H264, Codec.AAC]]
    assert publisher.output.frames[-1].track == 2


def test_frames_before_their_configuration_are_dropped() -> None:
    publisher = Publisher().audio(0, b"\xaf\x01early").video(0, avc(SLICE)).begin().audio(30, b"\xaf\x01a")
    assert [bytes(f.payload) for f in publisher.output.frames] == [b"a"]
    assert publisher.counters.early_frames == 2


def test_parameter_sets_in_band_alone() -> None:
    unit = nal.join([SPS, PPS, IDR[4:]])
    publisher = Publisher().video(0, avc(SLICE)).video(33, avc(unit, key=True)).audio(0, b"\xaf\x00" + ASC)
    assert publisher.output.told[0][0].width == 320
    assert publisher.output.frames[0].keyframe
    small = nal.join([AVCC_SMALL[8:32], PPS, IDR[4:]])
    publisher.video(66, avc(unit)).video(99, avc(small))
    assert [tracks[0].width for tracks in publisher.output.told] == [320, 160]


@pytest.mark.parametrize("size", [1, 2])
def test_nal_lengths_become_four_bytes(size: int) -> None:
    config = AVCC[:4] + bytes((0xFC | size - 1,)) + AVCC[5:]
    publisher = Publisher().video(0, b"\x17\x00\x00\x00\x00" + config).audio(0, b"\xaf\x00" + ASC)
    publisher.video(0, avc((5).to_bytes(size, "big") + IDR[4:]))
    frame = publisher.output.frames[0]
    assert (bytes(frame.payload), frame.keyframe) == (IDR, True)
    assert publisher.output.told[0][0].config[4] & 3 == 3


@pytest.mark.parametrize(
    ("payload", "claimed", "keyframe"),
    [
        (IDR, False, True),
        (SLICE, True, False),
        (SLICE, False, False),
        (I_SLICE, True, True),
        (I_SLICE, False, False),
        (nal.join([b"\x09\xf0", b"\x06\x05\x00", IDR[4:]]), False, True),
        (nal.join([b"\x09\xf0", SLICE[4:]]), True, False),
    ],
)
def test_keyframes_are_told_by_their_nal_units(payload: bytes, claimed: bool, keyframe: bool) -> None:
    publisher = Publisher().begin().video(0, avc(payload, key=claimed))
    assert publisher.output.frames[0].keyframe is keyframe


def test_temporal_delimiters_are_left_out() -> None:
    publisher = Publisher().video(0, b"\x90av01" + AV1C).audio(0, b"\xaf\x00" + ASC)
    publisher.video(0, b"\x91av01\x12\x00\x32\x02ab")
    assert bytes(publisher.output.frames[0].payload) == b"\x32\x02ab"


def test_unsupported_codecs_are_told_once_and_the_rest_goes_on() -> None:
    publisher = Publisher().audio(0, b"\xb2x").audio(0, b"\xb2x").video(0, b"\x17\x00\x00\x00\x00" + AVCC)
    publisher.video(300, avc(IDR))
    assert publisher.codecs == [[Codec.H264]]
    assert set(publisher.output.unsupported) == {"Speex"}
    assert publisher.counters.unsupported == 1
    assert publisher.output.unsupported[-1] == "Speex"  # told again behind new tracks


@pytest.mark.parametrize(
    ("body", "name"), [(b"\x90vp09cfg", "vp09"), (b"\x24\x00x", "VP6"), (b"\x90vvc1cfg", "vvc1")]
)
def test_video_codecs_that_are_not_carried(body: bytes, name: str) -> None:
    publisher = Publisher().video(0, body)
    assert publisher.output.unsupported == [name]
    assert publisher.output.told == []


def test_only_the_first_track_of_several_is_taken() -> None:
    publisher = Publisher().begin()
    publisher.video(0, b"\x96\x00avc1\x01" + AVCC_SMALL).video(0, avc(IDR))
    assert [tracks[0].width for tracks in publisher.output.told] == [320]


def test_picture_beyond_the_limits_is_refused() -> None:
    bits = ue(0) + ue(0) + ue(2) + ue(1) + "0" + ue(8192 // 16 - 1) + ue(5760 // 16 - 1) + "11001"
    sps = b"\x67\x42\xc0\x33" + int(bits.ljust(56, "0"), 2).to_bytes(7, "big")
    config = b"\x01" + sps[1:4] + b"\xff\xe1" + len(sps).to_bytes(2, "big") + sps + b"\x01\x00\x04" + PPS
    with pytest.raises(PeerError) as caught:
        Publisher().video(0, b"\x17\x00\x00\x00\x00" + config)
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize(
    "body",
    [
        b"\x17\x00\x00\x00\x00",
        b"\x17\x00\x00\x00\x00\x01\x02",
        b"\x17\x02\x00\x00\x00",
        b"\x57\x00",
        b"\x17",
        b"",
    ],
)
def test_broken_and_empty_bodies_do_not_hurt(body: bytes) -> None:
    publisher = Publisher().begin().video(0, body).video(10, avc(IDR))
    assert len(publisher.output.frames) == 1


def test_wire_time_wraps_and_goes_back() -> None:
    publisher = Publisher().begin()
    start = 2**32 - 50
    for at in (start, start + 40, start + 80, start + 60):
        publisher.video(at & 0xFFFFFFFF, avc(SLICE))
    first, *others = (f.dts for f in publisher.output.frames)
    assert [(dts - first) // 90 for dts in others] == [40, 80, 60]


@given(
    st.lists(
        st.tuples(st.sampled_from([AUDIO, VIDEO, DATA]), st.integers(0, 2**32 - 1), st.binary(max_size=40))
    )
)
def test_any_messages_raise_peer_error_or_nothing(items: list[tuple[int, int, bytes]]) -> None:
    publisher = Publisher().begin()
    try:
        for type, at, body in items:
            publisher.intake.media(Message(type, at, 1, body))
    except PeerError as error:
        assert error.code == "unsupported"
    assert len(publisher.output.frames) <= len(items)

"""Fragments: what is written is read back, by us and by FFmpeg."""

import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.harness.broadcast import AUDIO, VIDEO
from tests.unit.codecs.test_registry import CONFIGS

from madang.base.errors import PeerError
from madang.codecs import registry
from madang.containers.fmp4.fragment import append_fragment, fragment
from madang.containers.fmp4.init import init_segment
from madang.containers.fmp4.read import read_fragments
from madang.media.frame import Frame
from madang.media.track import Codec, Track

STEPS = st.lists(
    st.tuples(st.integers(1, 10_000), st.integers(0, 20_000), st.booleans(), st.binary(max_size=30)),
    min_size=1,
    max_size=20,
)


def run(steps: list[tuple[int, int, bool, bytes]], track: int, base: int) -> tuple[list[Frame], int]:
    frames, dts = [], base
    for step, offset, key, payload in steps:
        frames.append(Frame(track, dts, dts + offset, key or track == 2, payload))
        dts += step
    return frames, dts


@given(STEPS, st.sampled_from([1, 2]), st.integers(0, 2**60), st.integers(1, 2**32 - 1))
def test_reading_what_was_written(
    steps: list[tuple[int, int, bool, bytes]], track: int, base: int, sequence: int
) -> None:
    frames, end = run(steps, track, base)
    (found,) = read_fragments(fragment(sequence, frames, end))
    assert (found.sequence, found.track, found.base, found.end) == (sequence, track, base, end)
    for frame, sample in zip(frames, found.samples, strict=True):
        assert (sample.dts, sample.offset) == (frame.dts, frame.pts - frame.dts)
        assert (sample.sync, sample.payload) == (frame.keyframe, frame.payload)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=30), st.integers(0, 2**40))
def test_steady_sound_needs_only_sizes(payloads: list[bytes], base: int) -> None:
    frames = [Frame(2, base + 1024 * i, base + 1024 * i, True, body) for i, body in enumerate(payloads)]
    end = base + 1024 * len(frames)
    data = fragment(1, frames, end, 1024)
    (found,) = read_fragments(data)
    assert found.end == end
    assert all(sample.duration == 1024 and sample.sync for sample in found.samples)


def test_a_gap_inside_steady_sound_is_written_out() -> None:
    frames = [Frame(2, dts, dts, True, b"x") for dts in (0, 1024, 5000)]
    (found,) = read_fragments(fragment(1, frames, 6024, 1024))
    assert [sample.dts for sample in found.samples] == [0, 1024, 5000]
    assert found.end == 6024


def test_fragments_append_and_tell_their_size() -> None:
    pieces: list[bytes | memoryview] = []
    video = [Frame(1, 0, 0, True, memoryview(b"abc")), Frame(1, 3000, 9000, False, b"de")]
    first = append_fragment(pieces, 1, video, 6000, 0)
    second = append_fragment(pieces, 2, [Frame(2, 0, 0, True, b"f")], 1024, 1024)
    data = b"".join(pieces)
    assert len(data) == first + second
    assert [found.track for found in read_fragments(data)] == [1, 2]


@given(STEPS, st.data())
def test_broken_fragments_raise_peer_error_or_nothing(
    steps: list[tuple[int, int, bool, bytes]], data: st.DataObject
) -> None:
    frames, end = run(steps, 1, 0)
    broken = bytearray(fragment(1, frames, end))
    for _ in range(3):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(broken)))
    for whole in (bytes(broken), bytes(broken[:cut])):
        try:
            list(read_fragments(whole))
        except PeerError:
            pass


@pytest.mark.parametrize("codec", CONFIGS)
def test_ffmpeg_reads_the_tracks_and_times_of_every_codec(codec: Codec) -> None:
    track = registry.track(codec, 1 if codec.kind.value == "video" else 2, CONFIGS[codec])
    step = track.frame_samples or 1500
    base = 2**33 + 7
    body = CONFIGS[codec] if codec is Codec.MP3 else bytes(20)  # FFmpeg cuts MP3 by its own headers
    frames = [Frame(track.id, base + i * step, base + i * step, i == 0, body) for i in range(5)]
    data = init_segment((track,)) + fragment(1, frames, base + 5 * step, track.frame_samples)
    with av.open(io.BytesIO(data), format="mp4") as found:
        stream = found.streams[0]
        assert stream.codec_context.name in {codec.value, "hevc", "libdav1d", "mp3float", "libopus", "av1"}
        packets = [packet for packet in found.demux() if packet.dts is not None]
        assert [packet.dts for packet in packets] == [frame.dts for frame in frames]
        assert stream.time_base is not None
        assert stream.time_base.denominator == track.timescale
        if track.width:
            assert (stream.codec_context.width, stream.codec_context.height) == (track.width, track.height)


@pytest.mark.parametrize("tracks", [(VIDEO,), (AUDIO,), (VIDEO, AUDIO)])
def test_init_segments_of_one_and_two_tracks(tracks: tuple[Track, ...]) -> None:
    data = init_segment(tracks)
    for track in tracks:
        data += fragment(1, [Frame(track.id, 0, 0, True, b"\0\0\0\1\x65")], 1024)
    with av.open(io.BytesIO(data), format="mp4") as found:
        assert len(found.streams) == len(tracks)


def test_colour_and_aspect_are_told() -> None:
    data = init_segment((registry.track(Codec.H264, 1, CONFIGS[Codec.H264]),))
    assert b"colrnclx\0\2\0\2\0\1\0" in data
    assert b"pasp" + (4).to_bytes(4, "big") + (3).to_bytes(4, "big") in data


def test_apple_gets_its_brand_of_hevc() -> None:
    data = init_segment((registry.track(Codec.H265, 1, CONFIGS[Codec.H265]),))
    assert b"hvc1" in data
    assert b"hev1" not in data

"""Frame, track, timebase: the words everyone speaks."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.media.frame import Frame
from madang.media.timebase import VIDEO_TIMESCALE, rescale, seconds
from madang.media.track import Codec, Kind, Track

scales = st.sampled_from([1000, 44_100, 48_000, 90_000, 1_000_000])


@given(st.integers(-(1 << 53), 1 << 53), scales, scales)
def test_rescaling_is_off_by_half_a_tick_at_most(ticks: int, source: int, target: int) -> None:
    assert abs(rescale(ticks, source, target) * source * 2 - ticks * target * 2) <= source


@given(st.integers(-(1 << 40), 1 << 40), scales)
def test_milliseconds_survive_a_finer_scale(ms: int, scale: int) -> None:
    assert rescale(rescale(ms, 1000, scale), scale, 1000) == ms


@given(st.lists(st.integers(0, 1 << 40), min_size=2), scales, scales)
def test_rescaling_keeps_the_order(ticks: list[int], source: int, target: int) -> None:
    scaled = [rescale(one, source, target) for one in sorted(ticks)]
    assert scaled == sorted(scaled)


def test_halves_round_up() -> None:
    assert [rescale(ticks, 2, 1) for ticks in (-3, -1, 0, 1, 3)] == [-1, 0, 0, 1, 2]
    assert rescale(1, 1000, VIDEO_TIMESCALE) == 90
    assert seconds(45_000, VIDEO_TIMESCALE) == 0.5


def test_a_codec_is_seen_or_heard() -> None:
    heard = {codec for codec in Codec if codec.kind is Kind.AUDIO}
    assert heard == {Codec.AAC, Codec.OPUS, Codec.MP3}
    assert Track(id=1, codec=Codec.AV1, timescale=90_000).kind is Kind.VIDEO


def test_equal_tracks_need_no_new_initialisation() -> None:
    track = Track(id=2, codec=Codec.AAC, timescale=48_000, config=b"\x11\x90", sample_rate=48_000)
    assert track == msgspec.structs.replace(track)
    assert track != msgspec.structs.replace(track, config=b"\x12\x10")
    assert len({track, msgspec.structs.replace(track)}) == 1


def test_a_frame_is_frozen_and_does_not_copy() -> None:
    payload = memoryview(b"payload")
    frame = Frame(1, 0, 0, True, payload)
    assert frame.payload is payload
    with pytest.raises(AttributeError):
        frame.dts = 1  # type: ignore[misc]

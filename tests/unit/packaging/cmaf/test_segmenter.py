"""Where streams are cut: nothing is lost, times are continuous, promises are kept."""

from collections.abc import Iterable, Sequence
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.broadcast import AUDIO, BOTH, CHANNEL, NAME, VIDEO, frames

from madang.containers.fmp4.read import Fragment, read_fragments
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Kind, Track
from madang.packaging.cmaf.segment import Name
from madang.packaging.cmaf.segmenter import Segmenter
from madang.packaging.cmaf.targets import settle
from madang.packaging.cmaf.window import Window
from madang.packaging.hls.playlist import MediaPlaylist


class Source:
    """As much of a stream as a segmenter asks for."""

    def __init__(self, profile: Profile) -> None:
        self.lease = Lease(channel=CHANNEL, name=NAME, key="k", profile=profile)

    def wall_of(self, media_s: float) -> float:
        return 1_790_000_000.0 + media_s


def begin(profile: Profile | None = None, tracks: tuple[Track, ...] = BOTH) -> tuple[Segmenter, Window]:
    window = Window(3600)
    segmenter = Segmenter(cast(Stream, Source(profile or Profile())), window)
    segmenter.on_tracks(tracks, False)
    return segmenter, window


def feed(segmenter: Segmenter, stream: Iterable[tuple[float, Frame]]) -> None:
    for _, frame in stream:
        segmenter.on_frame(frame)


def fragments(window: Window, track: int) -> list[Fragment]:
    bodies: list[bytes | memoryview] = []
    for segment in window.segments:
        bodies += [segment.body] if segment.body is not None else [part.body for part in segment.parts]
    return [found for body in bodies for found in read_fragments(body) if found.track == track]


def assert_nothing_is_lost(window: Window, given_: Sequence[Frame], track: int) -> None:
    samples = [sample for fragment in fragments(window, track) for sample in fragment.samples]
    assert [sample.payload for sample in samples] == [bytes(frame.payload) for frame in given_]


def assert_continuous(window: Window, track: int) -> None:
    found = fragments(window, track)
    for before, after in zip(found, found[1:], strict=False):
        assert after.base == before.end


def assert_promises(window: Window) -> None:
    """What a playlist says once holds for the whole broadcast."""
    targets = window.targets
    assert targets is not None
    for segment in window.segments:
        if segment.closed:
            assert round(segment.duration) <= targets.target_duration
            if segment.parts:
                assert segment.duration == pytest.approx(sum(part.duration for part in segment.parts))
                assert segment.body == b"".join(part.body for part in segment.parts)
        for part in segment.parts:
            assert part.duration <= targets.part_target + 1e-9
        for part in segment.parts[:-1]:
            assert part.duration >= 0.85 * targets.part_target or part.independent
    numbers = [part.number for segment in window.segments for part in segment.parts]
    assert numbers == list(range(window.next_part - len(numbers), window.next_part))
    assert [segment.msn for segment in window.segments] == list(range(len(window.segments)))


@pytest.mark.parametrize(
    ("fps", "part_s"),
    [(10.0, 0.2), (15.0, 0.5), (23.976, 0.2), (24.0, 0.5), (25.0, 0.2), (29.97, 0.5), (30.0, 0.2),
     (50.0, 0.5), (59.94, 0.2), (60.0, 0.5), (120.0, 0.2)],
)  # fmt: skip
def test_every_usual_rate_keeps_the_promises(fps: float, part_s: float) -> None:
    segmenter, window = begin(Profile(part_s=part_s))
    stream = list(frames(7, fps=fps, gop=round(fps * 2)))
    feed(segmenter, stream)
    segmenter.on_state(StreamState.ENDED)
    assert_promises(window)
    assert window.targets is not None
    assert window.targets.target_duration == 2
    assert window.frame_rate == pytest.approx(fps, rel=0.0004)
    for track in (1, 2):
        assert_nothing_is_lost(window, [frame for _, frame in stream if frame.track == track], track)
    assert_continuous(window, 1)
    assert all(segment.independent for segment in window.segments)


@pytest.mark.parametrize(
    ("gop_s", "target", "length"),
    [(0.5, 2, 2.0), (1, 2, 2.0), (1.5, 3, 3.0), (2, 2, 2.0), (2.4, 3, 2.4), (8.3333, 9, 8.3333)],
)
def test_segments_are_whole_gops(gop_s: float, target: int, length: float) -> None:
    segmenter, window = begin()
    feed(segmenter, frames(30, gop=round(gop_s * 30)))
    assert window.targets is not None
    assert window.targets.target_duration == target
    whole = [segment for segment in window.segments if segment.closed]
    assert len(whole) >= 3
    for segment in whole:
        assert segment.duration == pytest.approx(length, abs=0.002)
        assert segment.independent


def test_the_last_broadcasts_target_is_used_where_no_interval_was_seen() -> None:
    window = Window(3600)
    segmenter = Segmenter(cast(Stream, Source(Profile())), window, last_target=5)
    segmenter.on_tracks(BOTH, False)
    feed(segmenter, frames(20, gop=150))
    assert window.targets is not None
    assert window.targets.target_duration == 5
    assert_promises(window)


def test_only_longer_gops_are_cut_inside() -> None:
    segmenter, window = begin()
    feed(segmenter, frames(6, gop=60))
    feed(segmenter, frames(26, 6, gop=180))
    assert_promises(window)
    assert max(segment.duration for segment in window.segments) < 2.5
    assert not all(segment.independent for segment in window.segments)


def test_the_first_playlist_comes_with_the_second_keyframe_or_after_a_while() -> None:
    segmenter, window = begin()
    feed(segmenter, frames(1.99))
    assert window.targets is None
    feed(segmenter, frames(2.01, 1.99))
    assert window.targets is not None
    segmenter, window = begin()
    feed(segmenter, frames(2.45, gop=250))
    assert window.targets is None
    feed(segmenter, frames(2.6, 2.45, gop=250))
    assert window.targets is not None
    assert window.open is not None
    assert len(window.open.parts) == 5


def test_frames_at_two_distances_have_a_usual_one() -> None:
    shown = [Frame(1, at, at, at == 0, b"picture") for at in (0, 90, 180, 9000, 18_000)]
    assert settle(VIDEO, shown, Profile()).frame == 0.001
    assert settle(VIDEO, shown[1:4], Profile()).frame == 0.001


def test_sound_alone_and_picture_alone() -> None:
    for track in BOTH:
        segmenter, window = begin(tracks=(track,))
        stream = list(frames(11, tracks=(track,)))
        feed(segmenter, stream)
        segmenter.on_state(StreamState.ENDED)
        assert_nothing_is_lost(window, [frame for _, frame in stream], track.id)
        assert_continuous(window, track.id)
        assert_promises(window)


def test_sound_never_drifts_in_an_hour_of_44100() -> None:
    sound = msgspec.structs.replace(AUDIO, sample_rate=44_100, timescale=44_100)
    segmenter, window = begin(tracks=(sound,))
    count = 3600 * 44_100 // 1024
    for index in range(count):
        segmenter.on_frame(Frame(2, index * 1024, index * 1024, True, b"x"))
    length = sum(segment.duration for segment in window.segments)
    assert length == pytest.approx(count * 1024 / 44_100, abs=0.6)
    for before, after in zip(window.segments, list(window.segments)[1:], strict=False):
        assert after.first_ticks[Kind.AUDIO] - before.first_ticks[Kind.AUDIO] == round(
            before.duration * 44_100
        )


def test_late_sound_goes_into_the_next_part() -> None:
    segmenter, window = begin()
    stream = [(at + (0.2 if frame.track == 2 else 0), frame) for at, frame in frames(9)]
    stream.sort(key=lambda pair: pair[0])
    feed(segmenter, stream)
    segmenter.on_state(StreamState.ENDED)
    assert_nothing_is_lost(window, [frame for _, frame in stream if frame.track == 2], 2)
    assert_continuous(window, 2)


def test_sound_goes_on_when_the_picture_stands_still() -> None:
    segmenter, window = begin()
    stream = [pair for pair in frames(20) if pair[1].track == 2 or not 6.3 < pair[0] < 14]
    feed(segmenter, stream)
    segmenter.on_state(StreamState.ENDED)
    assert_promises(window)
    for track in (1, 2):
        assert_nothing_is_lost(window, [frame for _, frame in stream if frame.track == track], track)
    parts = [part for segment in window.segments for part in segment.parts]
    alone = [part for part in parts if Kind.VIDEO not in part.spans]
    assert len(alone) >= 5
    assert not any(part.independent for part in alone)


def test_memory_of_sound_without_picture_is_bounded() -> None:
    segmenter, window = begin()
    feed(segmenter, frames(5))
    feed(segmenter, (pair for pair in frames(100, 5) if pair[1].track == 2))
    assert len(segmenter._others) < 200
    assert window.next_msn > 40


def test_sound_that_waits_for_a_picture_is_bounded_too() -> None:
    segmenter, window = begin()
    feed(segmenter, (pair for pair in frames(60) if pair[1].track == 2))
    assert len(segmenter._others) < 250
    feed(segmenter, frames(65, 60))
    sound = fragments(window, 2)[0]
    assert sound.base >= (60 - 0.3) * 48_000


def test_sound_before_the_picture_of_a_returned_publisher_fills_no_gap() -> None:
    segmenter, window = begin()
    feed(segmenter, frames(6))
    segmenter.on_state(StreamState.RECONNECTING)
    segmenter.on_tracks(BOTH, True)
    feed(segmenter, (pair for pair in frames(20, 16) if pair[1].track == 2 or pair[0] >= 18))
    behind = [segment for segment in window.segments if segment.start > 6]
    assert behind[0].discontinuity
    assert behind[0].start == pytest.approx(18, abs=0.01)
    assert behind[0].independent


def test_picture_that_comes_seconds_late_is_squeezed_and_not_lost() -> None:
    segmenter, window = begin()
    stream = sorted(frames(20), key=lambda pair: pair[0] + (3 if pair[1].track == 1 and pair[0] > 8 else 0))
    feed(segmenter, stream)
    segmenter.on_state(StreamState.ENDED)
    assert_nothing_is_lost(window, [frame for _, frame in stream if frame.track == 1], 1)


def test_new_tracks_begin_a_new_init_and_a_discontinuity() -> None:
    segmenter, window = begin()
    feed(segmenter, frames(5))
    wider = msgspec.structs.replace(VIDEO, width=1280)
    segmenter.on_tracks((wider, AUDIO), False)
    feed(segmenter, frames(9, 6))
    segmenter.on_tracks((wider, AUDIO), True)
    feed(segmenter, frames(12, 10))
    marks = [(segment.discontinuity, segment.init) for segment in window.segments]
    assert marks[0] == (False, 0)
    assert [mark for mark in marks if mark[0]] == [(True, 1), (True, 1)]
    assert set(window.inits) == {0, 1}


def test_tracks_that_change_before_the_first_playlist_leave_no_trace() -> None:
    segmenter, window = begin(tracks=(VIDEO,))
    feed(segmenter, frames(0.3, tracks=(VIDEO,)))
    segmenter.on_tracks(BOTH, False)
    feed(segmenter, frames(8, 2))
    assert window.segments[0].discontinuity is False
    assert window.targets is not None
    assert window.targets.target_duration == 2


def test_a_publisher_who_leaves_at_once_leaves_what_there_was() -> None:
    segmenter, window = begin()
    stream = list(frames(0.5))
    feed(segmenter, stream)
    segmenter.on_state(StreamState.ENDED)
    assert window.ended
    assert window.targets is not None
    assert_nothing_is_lost(window, [frame for _, frame in stream if frame.track == 1], 1)


def test_a_stream_without_frames_ends_empty() -> None:
    segmenter, window = begin()
    segmenter.on_state(StreamState.RECONNECTING)
    segmenter.on_state(StreamState.ENDED)
    assert window.ended
    assert not window.segments


@given(
    st.lists(st.integers(1, 30 * 90_000), min_size=1, max_size=12),
    st.integers(1, 40),
    st.sampled_from([0.2, 0.5, 1.0]),
)
def test_a_picture_that_stands_still_without_sound_keeps_the_promises(
    steps: list[int], key_every: int, part_s: float
) -> None:
    """Slides, a doorbell, a frozen screen: frames further apart than a segment may be long."""
    segmenter, window = begin(Profile(part_s=part_s), tracks=(VIDEO,))
    given_: list[Frame] = []
    dts = 0
    for index in range(70):
        given_.append(Frame(1, dts, dts, index % key_every == 0, f"v{index}".encode()))
        segmenter.on_frame(given_[-1])
        dts += 3000 if index < 60 else steps[index % len(steps)]
    segmenter.on_state(StreamState.ENDED)
    targets = window.targets
    assert targets is not None
    assert_nothing_is_lost(window, given_, 1)
    for segment in window.segments:
        assert round(segment.duration) <= targets.target_duration
    for before, after in zip(window.segments, list(window.segments)[1:], strict=False):
        assert after.start == pytest.approx(before.start + before.duration, abs=0.003)
        assert before.msn + 1 == after.msn
    found = fragments(window, 1)
    for earlier, later in zip(found, found[1:], strict=False):
        assert later.base >= earlier.end


def test_a_frozen_screen_is_listed_as_a_gap() -> None:
    segmenter, window = begin(tracks=(VIDEO,))
    feed(segmenter, frames(6, tracks=(VIDEO,)))
    segmenter.on_frame(Frame(1, 13 * 90_000, 13 * 90_000, False, b"late"))
    segmenter.on_state(StreamState.ENDED)
    listed = [
        (segment.gap, round(segment.start, 1), round(segment.duration, 1)) for segment in window.segments
    ]
    assert listed[:5] == [
        (False, 0.0, 2.0), (False, 2.0, 2.0), (False, 4.0, 2.0), (True, 6.0, 2.5), (True, 8.5, 2.5),
    ]  # fmt: skip
    assert listed[5:] == [(True, 11.0, 2.0), (False, 13.0, 0.0)]
    body = MediaPlaylist(window, Name.MAIN, 60.0).text(False).plain.decode()
    assert body.count("#EXT-X-GAP") == 3
    assert "#EXT-X-DISCONTINUITY" not in body


STEPS = st.sampled_from([2970, 3000, 3060, 3000, 3000, 9000])


@settings(max_examples=25)
@given(st.data())
def test_whatever_comes_nothing_is_lost_and_time_never_steps_back(data: st.DataObject) -> None:
    """Keyframes at will, dropped pictures, jitter, sound early or late, breaks."""
    segmenter, window = begin(Profile(part_s=data.draw(st.sampled_from([0.2, 0.5, 1.0]))))
    video: list[Frame] = []
    sound: list[Frame] = []
    index = dts = heard = 0
    for _ in range(data.draw(st.integers(1, 4))):
        key_every = data.draw(st.integers(3, 120))
        skew = data.draw(st.integers(-400_000, 400_000))
        for step in data.draw(st.lists(STEPS, min_size=1, max_size=100)):
            dts += step
            frame = Frame(1, dts, dts + 3000, not video or index % key_every == 0, f"v{index}".encode())
            index += 1
            video.append(frame)
            segmenter.on_frame(frame)
            while heard * 1024 * 90_000 // 48_000 < dts + skew:
                sound.append(Frame(2, heard * 1024, heard * 1024, True, f"a{heard}".encode()))
                segmenter.on_frame(sound[-1])
                heard += 1
    segmenter.on_state(StreamState.ENDED)
    assert_nothing_is_lost(window, video, 1)
    for track in (1, 2):
        found = fragments(window, track)
        for before, after in zip(found, found[1:], strict=False):
            assert after.base >= before.end
    targets = window.targets
    assert targets is not None
    for segment in window.segments:
        assert round(segment.duration) <= targets.target_duration or len(segment.parts) == 1

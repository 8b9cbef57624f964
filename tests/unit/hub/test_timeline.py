"""The axis out of the hub: strictly monotonic, sound with its picture, however the publisher counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.containers.flv.video import timestamp_ms as flv_ms
from madang.hub.timeline import LEAP_S, Timeline
from madang.media.frame import Frame
from madang.media.timebase import rescale
from madang.media.track import Codec, Track

WALL = 1_790_000_000.0
VIDEO = Track(id=1, codec=Codec.H264, timescale=90_000, width=1280, height=720)
AAC_44 = Track(id=2, codec=Codec.AAC, timescale=44_100, sample_rate=44_100, channels=2, frame_samples=1024)
AAC_48 = Track(id=2, codec=Codec.AAC, timescale=48_000, sample_rate=48_000, channels=2, frame_samples=1024)
OPUS = Track(id=2, codec=Codec.OPUS, timescale=48_000, sample_rate=48_000, channels=2)


def picture(ms: float, composition_ms: float = 0, keyframe: bool = False) -> Frame:
    """A video frame as RTMP gives it: whole milliseconds in 90 kHz ticks."""
    return Frame(1, round(ms) * 90, round(ms + composition_ms) * 90, keyframe, b"v")


def sound(ms: float, track: Track = AAC_48) -> Frame:
    dts = rescale(int(ms), 1000, track.timescale)
    return Frame(2, dts, dts, True, b"a")


class Axis:
    """A timeline with a clock beside it; collects what comes out."""

    def __init__(self, *tracks: Track) -> None:
        self.timeline = Timeline()
        self.now = 1000.0
        self.tracks = {track.id: track for track in tracks}
        self.out: dict[int, list[Frame]] = {1: [], 2: []}
        self.timeline.begin(tracks, self.now, WALL)

    def feed(self, frame: Frame, after_s: float = 0.0) -> Frame | None:
        self.now += after_s
        out = self.timeline.repair(frame, self.now)
        if out is not None:
            before = self.out[out.track]
            assert not before or out.dts > before[-1].dts
            assert out.dts >= 0
            assert out.pts >= out.dts
            before.append(out)
        return out

    def at(self, out: Frame | None) -> float:
        """Media seconds of what came out."""
        assert out is not None
        return out.dts / self.tracks[out.track].timescale


def test_the_publishers_time_has_a_place_on_the_axis() -> None:
    axis = Axis(VIDEO)
    assert axis.timeline.media_of(1, 40.0) == axis.timeline.head_s == 0.0
    axis.feed(picture(60_000, keyframe=True))
    axis.feed(picture(60_033))
    assert axis.timeline.media_of(1, 60.02) == pytest.approx(0.02)
    assert axis.timeline.media_of(2, 60.02) == axis.timeline.head_s


def test_the_axis_begins_at_zero() -> None:
    axis = Axis(VIDEO)
    assert axis.feed(picture(4_000_000_000, keyframe=True)) == Frame(1, 0, 0, True, b"v")
    assert axis.feed(picture(4_000_000_033)) == Frame(1, 33 * 90, 33 * 90, False, b"v")


def test_the_axis_is_anchored_by_its_first_frame() -> None:
    axis = Axis(VIDEO)
    axis.feed(picture(0, keyframe=True), after_s=8.0)  # tracks were known for a whole GOP
    assert axis.timeline.wall_of(0.0) == WALL + 8.0


def test_sound_keeps_its_distance_from_the_picture() -> None:
    axis = Axis(VIDEO, AAC_48)
    axis.feed(picture(5_000, keyframe=True))
    assert axis.at(axis.feed(sound(5_013))) == pytest.approx(0.013, abs=0.0001)


def test_sound_before_the_first_picture_has_no_place() -> None:
    axis = Axis(VIDEO, AAC_48)
    axis.feed(picture(5_000, keyframe=True))
    assert axis.feed(sound(4_980)) is None
    assert axis.timeline.clamped == 0
    assert axis.at(axis.feed(sound(5_001))) == pytest.approx(0.001, abs=0.0001)


def test_a_picture_before_the_first_sound_is_kept() -> None:
    axis = Axis(VIDEO, AAC_48)
    axis.feed(sound(5_000))
    assert axis.feed(picture(4_960, keyframe=True)) == Frame(1, 0, 0, True, b"v")
    assert axis.feed(picture(4_993)) == Frame(1, 90, 90, False, b"v")
    assert axis.at(axis.feed(picture(5_026))) == pytest.approx(0.026)


def test_frames_of_an_unknown_track_have_no_place() -> None:
    assert Axis(VIDEO).feed(sound(0)) is None


@pytest.mark.parametrize(("track", "rate"), [(AAC_44, 44_100), (AAC_48, 48_000)])
def test_an_hour_of_rounded_milliseconds_is_exact_in_samples(track: Track, rate: int) -> None:
    axis = Axis(track)
    count = 3600 * rate // 1024
    for index in range(count):
        axis.feed(sound(index * 1024 * 1000 / rate, track), 1024 / rate)
    assert [frame.dts for frame in axis.out[2]] == [index * 1024 for index in range(count)]


def test_jitter_of_audio_is_snapped_to_samples() -> None:
    axis = Axis(AAC_48)
    for index in range(200):
        axis.feed(sound(1000 + index * 1024 / 48 + (7 if index % 2 else -7)), 0.0213)
    steps = {b.dts - a.dts for a, b in zip(axis.out[2], axis.out[2][1:], strict=False)}
    assert steps == {1024}


def test_audio_that_drifts_is_pulled_back_to_its_times() -> None:
    axis = Axis(AAC_48)
    for index in range(4000):
        axis.feed(sound(index * 1024 / 48 * 1.002), 0.0213)
    assert axis.at(axis.out[2][-1]) == pytest.approx(3999 * 1024 / 48_000 * 1.002, abs=0.015)


def test_a_gap_of_audio_stays_a_gap() -> None:
    axis = Axis(AAC_48)
    for index in [*range(10), *range(30, 40)]:
        axis.feed(sound(index * 1024 / 48), 0.0213)
    assert axis.at(axis.out[2][10]) == pytest.approx(30 * 1024 / 48_000, abs=0.001)


def test_one_lost_audio_frame_does_not_shift_the_sound_for_long() -> None:
    axis = Axis(AAC_48)
    for index in [*range(100), *range(101, 400)]:
        axis.feed(sound(index * 1024 / 48), 0.0213)
    assert axis.at(axis.out[2][-1]) == pytest.approx(399 * 1024 / 48_000, abs=0.012)


def test_opus_keeps_its_own_times() -> None:
    axis = Axis(OPUS)
    for index in range(100):
        axis.feed(sound(index * 20, OPUS), 0.02)
    assert [frame.dts for frame in axis.out[2]] == [index * 960 for index in range(100)]


def test_a_shared_screen_at_one_frame_in_three_seconds_is_left_alone() -> None:
    axis = Axis(VIDEO)
    for index in range(10):
        axis.feed(picture(index * 3000), 3.0)
    assert [axis.at(frame) for frame in axis.out[1]] == [index * 3 for index in range(10)]
    assert (axis.timeline.rebased, axis.timeline.clamped) == (0, 0)


def test_a_gap_in_the_picture_beside_running_sound_is_left_alone() -> None:
    axis = Axis(VIDEO, AAC_48)
    axis.feed(picture(0, keyframe=True))
    for index in range(470):
        axis.feed(sound(index * 1024 / 48))  # a burst: the clock does not move
    assert axis.at(axis.feed(picture(10_000))) == 10
    assert axis.timeline.rebased == 0


def test_frames_dropped_in_a_stall_leave_a_gap() -> None:
    axis = Axis(VIDEO)
    axis.feed(picture(0))
    axis.feed(picture(33), 5.0)  # the network stood still
    assert axis.at(axis.feed(picture(5_000))) == 5  # and the encoder threw away what had queued up
    assert axis.timeline.rebased == 0


def test_a_leap_forward_is_absorbed_for_both_tracks_together() -> None:
    """F19."""
    axis = Axis(VIDEO, OPUS)
    for index in range(30):
        axis.feed(picture(index * 40), 0.02)
        axis.feed(sound(index * 40 + 5, OPUS), 0.02)
    for index in range(30, 60):
        axis.feed(picture(index * 40 + 100_000), 0.02)
        axis.feed(sound(index * 40 + 100_005, OPUS), 0.02)
    assert axis.timeline.rebased == 1
    assert axis.timeline.broken
    shown, heard = axis.at(axis.out[1][-1]), axis.at(axis.out[2][-1])
    assert heard - shown == pytest.approx(0.005, abs=0.015)
    assert shown == pytest.approx(59 * 0.04, abs=0.05)


def test_sound_that_was_under_way_when_the_picture_leapt_keeps_its_place() -> None:
    axis = Axis(VIDEO, OPUS)
    for index in range(30):
        axis.feed(picture(index * 40), 0.02)
        axis.feed(sound(index * 40, OPUS), 0.02)
    axis.feed(picture(101_200), 0.02)
    assert axis.at(axis.feed(sound(1_200, OPUS))) == pytest.approx(1.2, abs=0.015)
    assert axis.at(axis.feed(sound(101_240, OPUS), 0.02)) == pytest.approx(1.24, abs=0.03)
    assert axis.timeline.rebased == 1


def test_a_clock_set_back_by_hours_is_absorbed() -> None:
    """F19."""
    axis = Axis(VIDEO)
    for index in range(25):
        axis.feed(picture(9_000_000 + index * 40), 0.04)
    for index in range(25):
        axis.feed(picture(index * 40), 0.04)  # ffmpeg -stream_loop
    assert axis.timeline.rebased == 1
    assert axis.at(axis.out[1][-1]) == pytest.approx(49 * 0.04, abs=0.05)


def test_a_small_step_back_is_clamped_and_counted() -> None:
    axis = Axis(VIDEO)
    for ms in (0, 40, 80, 120, 60, 100, 140, 180):
        axis.feed(picture(ms, composition_ms=1), 0.04)
    assert [frame.dts for frame in axis.out[1]][-4:] == [121 * 90, 122 * 90, 140 * 90, 180 * 90]
    assert axis.timeline.clamped == 1
    assert axis.timeline.rebased == 0


def test_steps_back_do_not_add_up() -> None:
    axis = Axis(VIDEO)
    axis.feed(picture(10_000, composition_ms=1))
    for index in range(1, 8):
        axis.feed(picture(10_000 - 500 * index, composition_ms=1), 0.04)
    assert axis.timeline.rebased >= 1
    assert axis.at(axis.feed(picture(6_540, composition_ms=1), 0.04)) > 0


def test_audio_that_repeats_what_was_heard_is_left_out_and_counted() -> None:
    axis = Axis(AAC_48)
    for index in range(40):
        axis.feed(sound(index * 1024 / 48), 0.0213)
    assert axis.feed(sound(400)) is None
    assert axis.timeline.clamped >= 1


@pytest.mark.parametrize(
    "wrap_ticks",
    [(1 << 32) * 90, 1 << 32, 1 << 33],
    ids=["milliseconds of RTMP", "RTP", "MPEG-TS"],
)
def test_wraps_are_followed_without_a_break(wrap_ticks: int) -> None:
    """F19."""
    axis = Axis(VIDEO)
    start = wrap_ticks - 10 * 3600
    for index in range(30):
        raw = (start + index * 3600) % wrap_ticks
        axis.feed(Frame(1, raw, raw, False, b""), 0.04)
    assert [frame.dts for frame in axis.out[1]] == [index * 3600 for index in range(30)]
    assert (axis.timeline.rebased, axis.timeline.clamped) == (0, 0)


def test_sound_and_picture_wrap_each_at_its_own_frame() -> None:
    axis = Axis(VIDEO, OPUS)
    for index in range(60):
        ms = (1 << 32) - 1000 + index * 40
        axis.feed(picture(ms % (1 << 32)), 0.02)
        axis.feed(sound((ms - 15) % (1 << 32), OPUS), 0.02)
    assert axis.timeline.rebased == 0
    assert axis.at(axis.out[2][-1]) - axis.at(axis.out[1][-1]) == pytest.approx(-0.015, abs=0.002)


def test_a_negative_delta_that_reads_as_a_wrap_is_a_step_back() -> None:
    axis = Axis(VIDEO)
    axis.feed(picture(20, composition_ms=1))
    axis.feed(picture((1 << 32) - 10, composition_ms=1), 0.04)
    assert axis.at(axis.feed(picture(60, composition_ms=1), 0.04)) == pytest.approx(0.04)
    assert (axis.timeline.rebased, axis.timeline.clamped) == (0, 1)


def test_tracks_with_clocks_of_their_own_begin_together() -> None:
    axis = Axis(VIDEO, AAC_48)
    axis.feed(picture(3_000_000, keyframe=True))
    assert axis.at(axis.feed(sound(7))) == pytest.approx(0, abs=0.001)
    assert axis.at(axis.feed(picture(3_000_040), 0.04)) == pytest.approx(0.04)
    assert not axis.timeline.broken


def test_composition_times_are_kept() -> None:
    axis = Axis(VIDEO)
    for ms, composition in ((0, 80), (40, 160), (80, 80), (120, 0), (160, 40)):
        out = axis.feed(picture(ms, composition))
        assert out is not None
        assert (out.dts, out.pts) == (ms * 90, (ms + composition) * 90)


def test_negative_composition_times_make_decoding_early_not_showing_late() -> None:
    axis = Axis(VIDEO)
    order = (
        (0, 0),
        (40, 80),
        (80, -40),
        (120, -40),
        (160, 80),
        (200, -40),
        (240, -40),
        (280, 80),
        (320, -40),
    )
    for ms, composition in order:
        axis.feed(picture(1000 + ms, composition), 0.04)
    shown = [frame.pts for frame in axis.out[1]][4:]
    assert shown == [(ms + composition) * 90 for ms, composition in order][4:]


def test_presentation_times_in_decoding_order_are_sorted_out() -> None:
    axis = Axis(VIDEO)
    times = [0]
    for group in range(20):
        times += [group * 120 + 120, group * 120 + 40, group * 120 + 80]
    for ms in times:
        axis.feed(picture(ms), 0.04)
    assert [frame.pts for frame in axis.out[1]][10:] == [ms * 90 for ms in times][10:]
    assert axis.timeline.clamped <= 2
    assert axis.timeline.rebased == 0


def test_a_mad_composition_time_is_ignored() -> None:
    axis = Axis(VIDEO)
    axis.feed(picture(0))
    out = axis.feed(Frame(1, 3600, 3600 + 90 * 8_000_000, False, b""))
    assert out is not None and out.pts == out.dts
    out = axis.feed(Frame(1, 7200, 7200 - 90 * 8_000_000, False, b""))
    assert out is not None and out.pts == out.dts == 7200


def test_a_reconnect_continues_where_the_clock_is() -> None:
    axis = Axis(VIDEO, AAC_48)
    for index in range(25):
        axis.feed(picture(index * 40), 0.04)
    axis.now += 7.0
    axis.timeline.begin((VIDEO, AAC_48), axis.now, WALL + 8)
    out = axis.feed(picture(0, keyframe=True), 0.04)
    assert axis.at(out) == pytest.approx(axis.now - 1000.04, abs=0.05)
    assert axis.timeline.wall_of(axis.at(out)) == pytest.approx(WALL + axis.now - 1000.0, abs=0.05)
    assert axis.at(axis.feed(sound(10))) - axis.at(out) == pytest.approx(0.01, abs=0.001)
    assert not axis.timeline.broken


def test_a_reconnect_of_a_publisher_that_ran_ahead_stays_behind_itself() -> None:
    axis = Axis(VIDEO)
    for index in range(250):
        axis.feed(picture(index * 40))
    axis.timeline.begin((VIDEO,), axis.now, WALL)
    assert axis.at(axis.feed(picture(77, keyframe=True))) == pytest.approx(249 * 0.04 + 0.05)


def test_a_change_of_tracks_keeps_the_axis() -> None:
    axis = Axis(VIDEO, AAC_44)
    axis.feed(picture(0, keyframe=True))
    axis.feed(sound(20, AAC_44))
    axis.timeline.change((VIDEO, AAC_48))
    axis.tracks[2] = AAC_48
    assert axis.at(axis.feed(picture(40), 0.04)) == 0.04
    assert axis.at(axis.feed(sound(42, AAC_48))) == pytest.approx(0.042, abs=0.001)


def test_a_track_that_is_added_later_shares_the_shift() -> None:
    axis = Axis(VIDEO)
    axis.feed(picture(5_000, keyframe=True))
    axis.timeline.change((VIDEO, AAC_48))
    axis.tracks[2] = AAC_48
    axis.feed(picture(5_040), 0.04)
    assert axis.at(axis.feed(sound(5_055))) == pytest.approx(0.055, abs=0.001)


def test_an_axis_of_another_run_goes_on_with_the_gap() -> None:
    timeline = Timeline()
    timeline.restore(120.0, WALL, 5000.0, WALL + 6)
    timeline.begin((VIDEO,), 5003.0, WALL + 9)
    out = timeline.repair(picture(0, keyframe=True), 5003.0)
    assert out is not None and out.dts == 129 * 90_000
    assert timeline.wall_of(129) == pytest.approx(WALL + 9)
    assert timeline.wall_of(60) == pytest.approx(WALL - 60)


def test_an_axis_of_another_run_survives_a_clock_set_back() -> None:
    timeline = Timeline()
    timeline.restore(120.0, WALL, 5000.0, WALL - 3600)
    timeline.begin((VIDEO,), 5000.0, WALL - 3600)
    out = timeline.repair(picture(0, keyframe=True), 5000.0)
    assert out is not None and out.dts == round(120.05 * 90_000)


times = st.integers(0, (1 << 33) - 1)
steps = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.one_of(st.integers(0, 60), st.integers(-3000, 3000), st.integers(-(1 << 32), 1 << 32)),
        st.one_of(st.just(0), st.integers(-200, 200), st.integers(-(1 << 23), 1 << 23)),
        st.floats(0, 12),
    ),
    max_size=80,
)


@given(times, steps)
def test_whatever_comes_dts_rises_and_pts_is_not_before_it(
    start: int, changes: list[tuple[int, int, int, float]]
) -> None:
    axis = Axis(VIDEO, AAC_44)
    ms = start
    for track, step, composition, after_s in changes:
        ms += step
        if track == 1:
            axis.feed(picture(ms, composition), after_s)
        else:
            axis.feed(sound(ms, AAC_44), after_s)
    assert axis.timeline.head_s >= 0
    told = [flv_ms(VIDEO, frame.dts) for frame in axis.out[1]]
    assert told == sorted(set(told)), "in FLV's milliseconds too"


@given(
    start=st.integers(0, 1 << 32),
    offset_ms=st.integers(0, 900),
    fps=st.sampled_from([1, 15, 24, 25, 30, 50, 60]),
    rate=st.sampled_from([AAC_44, AAC_48]),
    leaps=st.lists(st.integers(-(10**7), 10**7), max_size=3),
)
def test_sound_stays_with_its_picture(
    start: int, offset_ms: int, fps: int, rate: Track, leaps: list[int]
) -> None:
    """Both tracks leap together at random moments; in real time the offset survives each leap."""
    axis = Axis(VIDEO, rate)
    events = [(index / fps, 1) for index in range(8 * fps)]
    events += [
        (index * 1024 / rate.timescale + offset_ms / 1000, 2) for index in range(8 * rate.timescale // 1024)
    ]
    shift, moved = start, 0.0
    shown: dict[int, float] = {}
    for at, track in sorted(events):
        if leaps and at - moved > 2.1:
            shift, moved = (shift + leaps.pop()) % (1 << 32), at
        axis.now = 1000.0 + at
        out = axis.feed(picture(at * 1000 + shift) if track == 1 else sound(at * 1000 + shift, rate))
        if out is not None:
            shown[track] = axis.at(out) - at
    # A leap below LEAP_S cannot be told from a gap; both tracks still make it together.
    assert shown[1] - shown[2] == pytest.approx(0, abs=0.02)
    assert LEAP_S == 1.0

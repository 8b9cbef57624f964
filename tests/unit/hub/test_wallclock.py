"""Program date-time: anchored once, anchored anew when a clock is wrong rather than late."""

import pytest

from madang.hub.wallclock import ANCHORS, DRIFT_S, PATIENCE_S, WallClock

WALL = 1_790_000_000.0


@pytest.fixture
def wallclock() -> WallClock:
    it = WallClock()
    it.anchor(0.0, 100.0, WALL)
    return it


def test_media_time_is_wall_time_from_the_anchor(wallclock: WallClock) -> None:
    assert wallclock.wall_of(12.5) == WALL + 12.5
    assert wallclock.media_at(112.5) == 12.5


def test_an_axis_that_has_not_begun_has_no_moments() -> None:
    assert WallClock().wall_of(3.0) == 3.0


def test_a_late_frame_is_late_and_nothing_else(wallclock: WallClock) -> None:
    for second in range(30):
        assert not wallclock.check(second, 100.0 + second + 8, WALL + second + 8)
    assert wallclock.wall_of(29) == WALL + 29


@pytest.mark.parametrize("hours", [1, -1])
def test_a_wall_clock_that_is_set_is_followed_at_once(wallclock: WallClock, hours: int) -> None:
    """F18."""
    assert not wallclock.check(10, 110, WALL + 10)
    assert wallclock.check(20, 120, WALL + 20 + hours * 3600)
    assert not wallclock.check(22, 122, WALL + 22 + hours * 3600)
    assert wallclock.wall_of(10) == WALL + 10
    assert wallclock.wall_of(22) == WALL + 22 + hours * 3600


def test_a_small_step_of_the_wall_clock_is_left_alone(wallclock: WallClock) -> None:
    assert not wallclock.check(10, 110, WALL + 10 + DRIFT_S - 1)
    assert wallclock.wall_of(10) == WALL + 10


@pytest.mark.parametrize("rate", [1.0015, 0.9985])
def test_an_encoder_that_drifts_is_anchored_anew(wallclock: WallClock, rate: float) -> None:
    """F18."""
    anchored = 0
    for second in range(0, 7200, 2):
        anchored += wallclock.check(second * rate, 100.0 + second, WALL + second)
    assert 1 <= anchored <= 3
    assert abs(wallclock.wall_of(7200 * rate) - (WALL + 7200)) < DRIFT_S + PATIENCE_S * 0.01 + 1


def test_a_stall_that_is_caught_up_is_no_drift(wallclock: WallClock) -> None:
    for second in range(0, 600, 2):
        late = 9.0 if second % 60 < 40 else 0.2
        assert not wallclock.check(second, 100.0 + second + late, WALL + second + late)


def test_anchors_are_bounded(wallclock: WallClock) -> None:
    for index in range(1, 3 * ANCHORS):
        wallclock.anchor(index * 10.0, index * 10.0, WALL + index * 20.0)
    last = 3 * ANCHORS - 1
    assert wallclock.wall_of(last * 10.0 + 1) == WALL + last * 20.0 + 1
    assert wallclock.wall_of(last * 10.0 - 5) == WALL + (last - 1) * 20.0 + 5
    assert len(wallclock._media) == ANCHORS


def test_a_late_start_that_is_caught_up_is_settled_to_the_earliest_arrival(wallclock: WallClock) -> None:
    arrivals = [
        (0.0, 100.0),
        (0.3, 100.0),
        (0.2, 100.01),
        (0.9, 100.5),
        (1.2, 101.1),
        (1.6, 101.3),
        (2.0, 101.6),
    ]
    settled = [wallclock.settle(at, moment) for at, moment in arrivals]
    assert settled == [False] * 6 + [True]
    assert wallclock.wall_of(10.0) == pytest.approx(WALL + 9.6)
    assert wallclock.media_at(110.0) == pytest.approx(10.4)


def test_rounded_milliseconds_are_not_settled(wallclock: WallClock) -> None:
    assert wallclock.settle(2.001, 102.0)
    assert wallclock.wall_of(10.0) == WALL + 10.0


def test_who_is_faster_than_real_time_is_settled_no_further(wallclock: WallClock) -> None:
    settled = [wallclock.settle(at, 100.0 + at / 20) for at in range(6)]
    assert settled == [False, False, True, True, True, True]
    assert wallclock.wall_of(10.0) == pytest.approx(WALL + 9.0)

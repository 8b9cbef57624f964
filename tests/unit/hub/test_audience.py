"""Viewers are counted by session: they appear at once, and are gone within a minute."""

from hypothesis import given
from hypothesis import strategies as st

from madang.base.ids import ChannelId, SessionId
from madang.base.limits import AUDIENCE_FORGET_S, AUDIENCE_SESSIONS
from madang.hub.audience import SWEEP_S, Audience, AudienceStats

YARD, HALL = ChannelId("yard"), ChannelId("hall")
ANN, BOB = SessionId("ann"), SessionId("bob")


def test_a_session_of_requests_counts_until_it_is_not_seen() -> None:
    audience = Audience()
    audience.touch(YARD, ANN, 0.0)
    audience.touch(YARD, ANN, 4.0)
    assert audience.count(YARD, 4.0) == 1
    assert audience.count(HALL, 4.0) == 0
    for second in range(60):
        audience.sweep(float(second))
        if second <= 4 + AUDIENCE_FORGET_S:
            assert audience.count(YARD, second) == 1
    assert audience.count(YARD, 60.0) == 0
    assert AUDIENCE_FORGET_S + SWEEP_S + 1 < 60


def test_a_connection_counts_until_it_leaves() -> None:
    audience = Audience()
    audience.enter(YARD, ANN, 0.0)
    audience.sweep(10_000.0)
    assert audience.count(YARD, 10_000.0) == 1
    audience.leave(YARD, ANN, 10_001.0)
    assert audience.count(YARD, 10_001.0) == 0
    assert audience.sessions == 0


def test_a_session_that_reconnects_before_it_left_counts_once() -> None:
    audience = Audience()
    audience.enter(YARD, ANN, 0.0)
    audience.enter(YARD, ANN, 1.0)
    audience.touch(YARD, ANN, 1.5)
    assert audience.count(YARD, 1.5) == 1
    audience.leave(YARD, ANN, 2.0)
    assert audience.count(YARD, 2.0) == 1
    audience.leave(YARD, ANN, 3.0)
    audience.leave(YARD, ANN, 3.0)
    assert audience.count(YARD, 3.0) == 0


def test_doors_peak_and_seconds() -> None:
    audience = Audience()
    audience.begin(YARD, 0.0)
    audience.enter(YARD, ANN, 0.0, "rtmp")
    audience.touch(YARD, BOB, 10.0, "hls")
    audience.leave(YARD, ANN, 20.0)
    assert audience.stats(YARD, 20.0) == AudienceStats(1, 2, 30.0, {"hls": 1})
    audience.sweep(45.0)
    assert audience.stats(YARD, 45.0) == AudienceStats(0, 2, 20.0, {})
    assert audience.end(YARD, 46.0).peak == 2
    assert audience.stats(YARD, 46.0) == AudienceStats(0, 0, 0.0, {})


def test_those_who_wait_are_in_the_new_broadcast() -> None:
    audience = Audience()
    audience.touch(YARD, ANN, 0.0)
    audience.begin(YARD, 5.0)
    assert audience.stats(YARD, 7.0) == AudienceStats(1, 1, 2.0, {"hls": 1})
    audience.end(YARD, 8.0)
    assert audience.count(YARD, 8.0) == 1


def test_the_bound_holds_and_is_counted() -> None:
    audience = Audience()
    for index in range(AUDIENCE_SESSIONS + 3):
        audience.touch(YARD, SessionId(str(index)), 0.0)
    audience.enter(HALL, ANN, 0.0)
    audience.leave(HALL, ANN, 0.0)
    assert audience.count(YARD, 0.0) == AUDIENCE_SESSIONS
    assert audience.uncounted == 4
    audience.sweep(100.0)
    assert audience.sessions == 0
    assert not audience._rooms


visits = st.lists(
    st.tuples(
        st.sampled_from(["touch", "enter", "leave", "sweep", "begin", "end"]),
        st.sampled_from([YARD, HALL]),
        st.sampled_from([ANN, BOB, SessionId("cho")]),
        st.floats(0, 40),
    )
)


@given(visits)
def test_the_sum_of_the_rooms_is_the_audience(script: list[tuple[str, ChannelId, SessionId, float]]) -> None:
    audience, now = Audience(), 0.0
    for act, channel, session, passed in script:
        now += passed
        if act == "sweep":
            audience.sweep(now)
        elif act in ("begin", "end"):
            getattr(audience, act)(channel, now)
        else:
            getattr(audience, act)(channel, session, now)
        assert audience.sessions == audience.count(YARD, now) + audience.count(HALL, now)
        for room in (YARD, HALL):
            stats = audience.stats(room, now)
            assert stats.count == sum(stats.doors.values()) <= max(stats.peak, stats.count)
            assert stats.viewer_s >= 0

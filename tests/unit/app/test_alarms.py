"""Alarms are told at once, every hour, and no longer than they stand."""

from structlog.testing import capture_logs
from tests.conftest import FakeClock

from madang.app.alarms import EVERY_S, Alarms


def test_an_alarm_is_told_at_once_and_every_hour() -> None:
    clock = FakeClock()
    standing = ["The door is open."]
    alarms = Alarms(clock, lambda: standing)
    with capture_logs() as lines:
        for _ in range(int(2 * EVERY_S)):
            alarms.sweep()
            clock.advance(1)
    assert [line["sentence"] for line in lines] == standing * 2


def test_what_changed_is_told_and_what_is_over_is_forgotten() -> None:
    clock = FakeClock()
    standing = ["13 days"]
    alarms = Alarms(clock, lambda: standing)
    with capture_logs() as lines:
        alarms.sweep()
        standing[:] = ["12 days"]
        alarms.sweep()
        standing.clear()
        alarms.sweep()
        standing[:] = ["12 days"]
        alarms.sweep()
    assert [line["sentence"] for line in lines] == ["13 days", "12 days", "12 days"]

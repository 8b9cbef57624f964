"""Alarms are told at once, every hour, and no longer than they stand."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.conftest import FakeClock

from madang.app import alarms as alarms_module
from madang.app.alarms import EVERY_S, RESTLESS_S, Alarms, nearly_full


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
        clock.advance(RESTLESS_S)
        alarms.sweep()
        standing[:] = ["12 days"]
        alarms.sweep()
    assert [line["sentence"] for line in lines] == ["13 days", "12 days", "12 days"]


def test_what_comes_and_goes_is_told_once() -> None:
    clock = FakeClock()
    standing: list[str] = []
    alarms = Alarms(clock, lambda: standing)
    with capture_logs() as lines:
        for second in range(int(RESTLESS_S)):
            standing[:] = ["The disk is nearly full."] * (second % 2)
            alarms.sweep()
            clock.advance(1)
    assert len(lines) == 1


def test_a_disk_with_next_to_no_room_is_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F4."""
    monkeypatch.setattr(alarms_module, "NEARLY_FULL_BYTES", 0)
    assert not nearly_full(tmp_path)
    monkeypatch.setattr(alarms_module, "NEARLY_FULL_BYTES", 2**62)
    assert nearly_full(tmp_path)
    assert not nearly_full(tmp_path / "gone")

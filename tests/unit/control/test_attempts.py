"""Attempts that failed, counted by name within a minute."""

from madang.control.attempts import Attempts


def test_the_bound_is_per_minute_and_per_name() -> None:
    attempts = Attempts(3)
    for second in range(3):
        assert attempts.wait_s("a", second) == 0
        attempts.failed("a", second)
    assert attempts.wait_s("a", 3) == 57
    assert attempts.wait_s("b", 3) == 0
    assert attempts.wait_s("a", 60) == 0


def test_success_starts_over() -> None:
    attempts = Attempts(1)
    attempts.failed("a", 0)
    attempts.clear("a")
    assert attempts.wait_s("a", 0) == 0


def test_a_flood_of_names_grows_nothing() -> None:
    attempts = Attempts(2)
    for number in range(30_000):
        attempts.failed(f"address {number}", number / 1000)
    assert len(attempts._failures) <= 10_000

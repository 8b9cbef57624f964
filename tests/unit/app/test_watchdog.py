"""The watchdog: told once where the loop stands, silent while it goes on."""

import time

from structlog.testing import capture_logs

from madang.app.watchdog import Watchdog

PATIENCE_S = 15.0


def test_it_says_where_the_loop_stands_once() -> None:
    """F23."""

    def stand_still() -> None:
        end = time.monotonic() + PATIENCE_S
        while not said and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)

    watchdog = Watchdog(0.05, 0.02)
    with capture_logs() as said:
        watchdog.start()
        stand_still()
        watchdog.stop()
    (line,) = said
    assert line["event"] == "loop_stands_still" and line["seconds"] >= 0.05
    assert any("stand_still" in place and "test_watchdog.py:" in place for place in line["stack"])


def test_a_loop_that_goes_on_is_left_alone() -> None:
    watchdog = Watchdog(60.0, 0.01)
    with capture_logs() as said:
        watchdog.start()
        for _ in range(5):
            watchdog.beat()
            time.sleep(0.01)
        watchdog.stop()
        watchdog.stop()
    assert said == []

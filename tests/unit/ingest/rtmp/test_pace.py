"""Publishers whose time runs faster than the clock (A56)."""

import pytest

from madang.base.errors import PeerError
from madang.ingest.rtmp.pace import Pace


class Encoder:
    """Publishes in messages, at `speed` times real time, and has its pace looked at as a session does."""

    def __init__(self) -> None:
        self.pace = Pace(0.0)
        self.now = 0.0
        self.bytes = self.pictures = 0
        self.media_ms = 0.0

    def run(self, seconds: float, *, bitrate: float = 1e6, fps: float = 30, speed: float = 1.0) -> "Encoder":
        for i in range(int(seconds * fps)):
            if i % int(fps) == 0:
                self.look()
            self.now += 1 / fps
            self.media_ms += 1000 / fps * speed
            self.bytes += int(bitrate / 8 / fps)
            self.pictures += 1
        return self

    def look(self) -> None:
        self.pace.look(self.now, self.bytes, int(self.media_ms), self.pictures)


@pytest.mark.parametrize("arguments", [{}, {"bitrate": 55e6}, {"fps": 120.0}, {"speed": 0.2}, {"fps": 1.0}])
def test_honest_publishers_are_left_alone(arguments: dict[str, float]) -> None:
    assert not Encoder().run(30, **arguments).pace.warned


@pytest.mark.parametrize(
    ("arguments", "what"),
    [({"bitrate": 90e6}, "bitrate"), ({"fps": 300.0}, "frame rate"), ({"speed": 9.0}, "real time")],
)
def test_the_hasty_are_warned_and_then_refused(arguments: dict[str, float], what: str) -> None:
    """A56."""
    assert Encoder().run(8, **arguments).pace.warned
    with pytest.raises(PeerError) as caught:
        Encoder().run(16, **arguments)
    assert what in caught.value.told


def test_flood_is_refused_before_the_window_ends() -> None:
    encoder = Encoder()
    encoder.bytes, encoder.now = 100 << 20, 0.1
    with pytest.raises(PeerError):
        encoder.look()


def test_burst_after_a_stall_is_forgiven() -> None:
    encoder = Encoder().run(20)
    encoder.now += 10
    for _ in range(10):
        encoder.media_ms += 1000
        encoder.bytes += 400_000
        encoder.pictures += 30
        encoder.look()
    assert not encoder.run(10).pace.warned


def test_jump_of_the_timestamps_is_no_haste() -> None:
    encoder = Encoder()
    for _ in range(10):
        encoder.run(3).media_ms += 3_600_000
    assert not encoder.pace.warned


def test_large_first_timestamp_is_no_haste() -> None:
    encoder = Encoder()
    encoder.media_ms = 2.0**40
    assert not encoder.run(20).pace.warned


def test_warning_passes_when_the_publisher_calms_down() -> None:
    encoder = Encoder().run(7, bitrate=90e6)
    assert encoder.pace.warned
    assert not encoder.run(20).pace.warned


def test_an_encoder_that_fell_behind_may_catch_up() -> None:
    encoder = Encoder().run(120, speed=0.25)
    assert not encoder.run(30, speed=4.0).pace.warned
    assert not encoder.run(60).pace.warned


def test_a_pause_earns_no_more_haste_than_that() -> None:
    encoder = Encoder().run(5)
    encoder.now += 1000
    encoder.look()
    with pytest.raises(PeerError):
        encoder.run(40, speed=9.0)

import pytest

from madang.base.errors import PeerError
from madang.ingest.rtmp.pace import Pace


def run(seconds: float, *, bitrate: float = 1e6, fps: float = 30, speed: float = 1.0, start: int = 0) -> Pace:
    """Publish for so long in messages, at `speed` times real time."""
    pace = Pace(0.0)
    for i in range(int(seconds * fps)):
        at = start + int(i * 1000 / fps * speed)
        if pace.add(int(bitrate / 8 / fps), at, True):
            pace.look((i + 1) / fps)
    return pace


@pytest.mark.parametrize("arguments", [{}, {"bitrate": 55e6}, {"fps": 120}, {"speed": 0.2}, {"start": 2**40}])
def test_honest_publishers_are_left_alone(arguments: dict[str, float]) -> None:
    assert not run(30, **arguments).warned  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [({"bitrate": 90e6}, "bitrate"), ({"fps": 300}, "frame rate"), ({"speed": 10}, "real time")],
)
def test_the_hasty_are_warned_and_then_refused(arguments: dict[str, float], what: str) -> None:
    assert run(8, **arguments).warned  # type: ignore[arg-type]
    with pytest.raises(PeerError) as caught:
        run(16, **arguments)  # type: ignore[arg-type]
    assert what in caught.value.told


def test_flood_is_refused_before_the_window_ends() -> None:
    pace = Pace(0.0)
    with pytest.raises(PeerError):
        for i in range(100):
            if pace.add(4 << 20, i, True):
                pace.look(0.1)


def test_burst_after_a_stall_is_forgiven() -> None:
    pace = run(20)
    for i in range(300):
        if pace.add(4000, 20_000 + i * 33, True):
            pace.look(30.0)
    assert not pace.warned


def test_jump_of_the_timestamps_is_no_haste() -> None:
    pace = Pace(0.0)
    for i in range(900):
        jump = 3_600_000 * (i // 100)
        if pace.add(4000, jump + i * 33, True):
            pace.look(i / 30)
    assert not pace.warned


def test_warning_passes_when_the_publisher_calms_down() -> None:
    pace = run(7, bitrate=90e6)
    assert pace.warned
    for i in range(600):
        if pace.add(4000, i, True):
            pace.look(7 + i / 30)
    assert not pace.warned

"""Rates of a publication second by second: what graphs show and what health judges."""

from collections import deque
from itertools import islice

import msgspec

HISTORY = 300
"""Seconds kept for graphs."""


class Second(msgspec.Struct, gc=False):
    """One second of wall time of one publication, as its frames came."""

    bits: int = 0
    pictures: int = 0
    sounds: int = 0
    irregular: int = 0
    """Pictures off the beat of those before them."""
    reordered: int = 0
    """Pictures shown before one that was decoded earlier."""


class Meters(msgspec.Struct, frozen=True):
    """Rates now, and the last HISTORY seconds, oldest first."""

    bitrate_bps: int
    """Mean of the last two whole seconds."""
    fps: float
    keyframe_interval_s: float
    """Between the last two keyframes; 0 before there were two."""
    bitrate_kbps: tuple[float, ...]
    frame_rate: tuple[int, ...]


class Meter:
    """A row of whole seconds and the one that is being filled.

    `now` is monotonic seconds. `current` is written by the owner of the meter; `roll` closes it.
    """

    __slots__ = ("current", "seconds", "until")

    def __init__(self) -> None:
        self.current = Second()
        self.seconds: deque[Second] = deque(maxlen=HISTORY)
        self.until = float("-inf")
        """When the current second is over."""

    def roll(self, now: float) -> int:
        """Close what has passed, seconds without a frame too; how many seconds that were."""
        if self.until == float("-inf"):
            self.until = now + 1.0
        if now < self.until:
            return 0
        passed = min(int(now - self.until) + 1, HISTORY)
        self.seconds.append(self.current)
        self.seconds.extend(Second() for _ in range(passed - 1))
        self.current = Second()
        self.until += passed if passed < HISTORY else now - self.until + 1.0
        return passed

    def last(self, count: int) -> list[Second]:
        """The last `count` whole seconds, oldest first; fewer at the start."""
        found = list(islice(reversed(self.seconds), count))
        found.reverse()
        return found

    def rates(self) -> tuple[int, float]:
        """Bits and pictures per second, the mean of the last two whole seconds."""
        recent = self.last(2) or [self.current]
        bits, pictures = sum(second.bits for second in recent), sum(second.pictures for second in recent)
        return bits // len(recent), pictures / len(recent)

    def read(self, keyframe_interval_s: float) -> Meters:
        """What the graphs show."""
        bitrate_bps, fps = self.rates()
        return Meters(
            bitrate_bps=bitrate_bps,
            fps=fps,
            keyframe_interval_s=keyframe_interval_s,
            bitrate_kbps=tuple(second.bits / 1000 for second in self.seconds),
            frame_rate=tuple(second.pictures for second in self.seconds),
        )

"""Time as a port: the real clock is made in `app`, tests bring a fake one."""

from typing import Protocol


class Clock(Protocol):
    """Two clocks: durations are measured by `monotonic`, moments are named by `wall`."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never jumps."""
        ...

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump."""
        ...

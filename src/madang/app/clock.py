"""The real clock behind the port of `base.clock`."""

import time


class SystemClock:
    """Time of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

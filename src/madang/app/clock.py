"""The real clock behind the port of `base.clock`."""

import time


class SystemClock:
    """Time of this machine."""

    monotonic = staticmethod(time.monotonic)  # asked for every frame: no call of ours in between
    wall = staticmethod(time.time)

"""Token buckets without timers: a rate a second, with a burst."""

from collections import OrderedDict
from typing import Final

from madang.base.limits import REALTIME_BUCKETS

BURST_S: Final = 5.0


class Buckets:
    """One bucket per key; those not used longest are forgotten, which fills them."""

    __slots__ = ("_burst", "_levels", "_rate")

    def __init__(self, rate: float, burst: float = 0.0) -> None:
        """`rate` 0 bounds nothing; `burst` is what may come at once, five seconds' worth by default."""
        self._rate = rate
        self._burst = burst or max(rate * BURST_S, 1.0)
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float, count: float = 1.0) -> bool:
        """Take from a bucket, if there is enough in it."""
        if not self._rate:
            return True
        levels = self._levels
        level, then = levels.get(key, (self._burst, now))
        level = min(level + (now - then) * self._rate, self._burst)
        allowed = level >= count
        levels[key] = (level - count if allowed else level), now
        levels.move_to_end(key)
        if len(levels) > REALTIME_BUCKETS:
            levels.popitem(last=False)
        return allowed

    def wait_s(self, key: str, now: float) -> float:
        """Seconds until there is one again; 0 when there is."""
        if not self._rate:
            return 0.0
        level, then = self._levels.get(key, (self._burst, now))
        return max(0.0, (1.0 - level) / self._rate - (now - then))

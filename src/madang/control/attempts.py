"""Failures in the last minute, by account, address or key: what slows logins and stream keys (A29, A30)."""

from collections import OrderedDict, deque

_WINDOW_S = 60.0
_NAMES = 10_000
"""Names remembered; the longest silent are forgotten first, so that a flood of addresses grows nothing."""


class Attempts:
    """Counts failures by name; `now` is monotonic seconds."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def failed(self, name: str, now: float) -> None:
        """One more failure."""
        times = self._failures.setdefault(name, deque(maxlen=self.per_minute))
        times.append(now)
        self._failures.move_to_end(name)
        while len(self._failures) > _NAMES:
            self._failures.popitem(last=False)

    def clear(self, name: str) -> None:
        """It went well: the count starts over."""
        self._failures.pop(name, None)

    def wait_s(self, name: str, now: float) -> float:
        """Seconds until the next attempt is welcome; 0 below the bound."""
        times = self._failures.get(name)
        if times is None or len(times) < self.per_minute:
            return 0.0
        return max(0.0, times[0] + _WINDOW_S - now)

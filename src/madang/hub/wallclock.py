"""From media time to the wall clock and back: the axis of program date-time, DVR, captions and chat."""

from bisect import bisect_right

DRIFT_S = 5.0
"""F18: beyond this the mapping is wrong rather than late, and is anchored anew."""
PATIENCE_S = 60.0
"""How long media must run early or late before it counts as drift: a stall of the network is neither."""
ANCHORS = 1024
"""Anchors kept for media that is still in somebody's window; the oldest go first."""


SETTLE_S = 1.5
"""A publisher's first frames come late, for its encoder starts and tracks are awaited; then it catches up."""
RESETTLE_S = 0.4
"""The same for one who returns: the next segment is named sooner, since no first playlist is waited for."""
SETTLE_FROM_S = 0.02
"""Less is the rounding of milliseconds."""
SETTLE_MAX_S = 1.0
"""Who catches up more than this does not publish in real time."""


class WallClock:
    """Maps media seconds to wall seconds (since 1970-01-01 UTC), piecewise, each piece at rate one.

    A piece is anchored to both clocks: the monotonic one says how long media ought to be, the wall one
    gives it a name. A stepped wall clock or an encoder whose clock drifts starts a new piece; media from
    before keeps the times it was shown with.
    """

    __slots__ = (
        "_earliest",
        "_latest",
        "_media",
        "_monotonic",
        "_offset",
        "_settled_at",
        "_settled_s",
        "_until",
    )

    def __init__(self) -> None:
        self._media: list[float] = []
        self._offset: list[float] = []
        """Wall minus media of each piece."""
        self._monotonic = 0.0
        """Monotonic minus media of the last piece."""
        self._settled_s, self._settled_at = 0.0, 0.0
        self._earliest, self._latest, self._until = float("inf"), float("-inf"), 0.0

    def anchor(self, media_s: float, monotonic: float, wall: float, settle_s: float = SETTLE_S) -> None:
        """From `media_s` on, this media time is this moment; what lies behind keeps its times."""
        while self._media and self._media[-1] >= media_s:
            self._media.pop()
            self._offset.pop()
        self._media.append(media_s)
        self._offset.append(wall - media_s)
        del self._media[:-ANCHORS], self._offset[:-ANCHORS]
        self._monotonic = monotonic - media_s
        self._settled_s, self._settled_at = 0.0, monotonic + settle_s
        self._rest(monotonic)

    def wall_of(self, media_s: float) -> float:
        """The wall time of a media time; of an axis that has not begun, the media time itself."""
        if not self._media:
            return media_s
        return media_s + self._offset[max(0, bisect_right(self._media, media_s) - 1)]

    def media_at(self, monotonic: float) -> float:
        """The media time that ought to arrive at this moment."""
        return monotonic - self._monotonic

    def settle(self, media_s: float, monotonic: float) -> bool:
        """A frame of the first seconds behind an anchor arrives: the anchor moves to the earliest arrival
        seen. True when that is over."""
        early = media_s - self.media_at(monotonic)
        if early > SETTLE_FROM_S:
            early = min(early, SETTLE_MAX_S - self._settled_s)
            self._settled_s += early
            self._offset[-1] -= early
            self._monotonic -= early
        return monotonic >= self._settled_at or self._settled_s >= SETTLE_MAX_S

    def check(self, media_s: float, monotonic: float, wall: float) -> bool:
        """Compare a frame that arrives now with the mapping; True when it had to be anchored anew."""
        step = (wall - monotonic) - (self._offset[-1] - self._monotonic)
        if abs(step) > DRIFT_S:
            self.anchor(media_s, monotonic, wall)
            return True
        late = self.media_at(monotonic) - media_s
        self._earliest = min(self._earliest, late)
        self._latest = max(self._latest, late)
        if monotonic < self._until:
            return False
        drifted = self._earliest > DRIFT_S or self._latest < -DRIFT_S
        if drifted:
            self.anchor(media_s, monotonic, wall)
        self._rest(monotonic)
        return drifted

    def _rest(self, monotonic: float) -> None:
        """Begin a new span of observation."""
        self._earliest, self._latest = float("inf"), float("-inf")
        self._until = monotonic + PATIENCE_S

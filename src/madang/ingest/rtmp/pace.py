"""How fast a publisher may be: bytes against the clock, and media time against the clock (A56)."""

from madang.base.errors import PeerError
from madang.base.limits import (
    PUBLISH_AHEAD_S,
    PUBLISH_BITRATE_MAX,
    PUBLISH_RATE_WINDOW_S,
    VIDEO_FPS_MAX,
)

_LOOK_MESSAGES = 32
_LOOK_BYTES = 1 << 20
_STEP_MS_MAX = 1000
"""A longer step of the timestamps is a jump, which is the timeline's to mend, and no haste."""
_BURST = 2
"""A network that stalled delivers late what is due: so many times the rate is a burst for one window."""


class Pace:
    """Watches one publisher. Looks at the clock once in a while; over the limit it warns for one window
    (`warned`), and raises PeerError at the end of the next."""

    __slots__ = (
        "_ahead_s",
        "_began",
        "_bytes",
        "_last_ms",
        "_looked",
        "_media_ms",
        "_messages",
        "_pictures",
        "_since",
        "warned",
    )

    def __init__(self, now: float) -> None:
        self.warned = False
        self._began = self._looked = now
        self._ahead_s = 0.0
        """How far media time ran ahead; never negative, so that a pause earns nothing."""
        self._bytes = self._messages = self._pictures = self._since = 0
        self._last_ms = -1
        self._media_ms = 0

    def add(self, size: int, timestamp_ms: int, picture: bool) -> bool:
        """Count a message; True when it is time to `look` at the clock."""
        step = timestamp_ms - self._last_ms if self._last_ms >= 0 else 0
        if 0 < step <= _STEP_MS_MAX:
            self._media_ms += step
        self._last_ms = timestamp_ms
        self._bytes += size
        self._since += size
        self._messages += 1
        self._pictures += picture
        return self._messages >= _LOOK_MESSAGES or self._since >= _LOOK_BYTES

    def look(self, now: float) -> None:
        """Judge what was counted until `now`, in monotonic seconds."""
        self._ahead_s = max(0.0, self._ahead_s + self._media_ms / 1000 - (now - self._looked))
        self._looked = now
        self._messages = self._media_ms = self._since = 0
        bits, allowed = self._bytes * 8, PUBLISH_BITRATE_MAX * PUBLISH_RATE_WINDOW_S
        if bits > _BURST * allowed:
            raise self._refusal("bitrate")
        elapsed = now - self._began
        if elapsed < PUBLISH_RATE_WINDOW_S:
            return
        hasty = self._ahead_s > PUBLISH_AHEAD_S
        heavy = bits > PUBLISH_BITRATE_MAX * elapsed
        dense = self._pictures > _BURST * VIDEO_FPS_MAX * elapsed
        if (hasty or heavy or dense) and self.warned:
            raise self._refusal("media time" if hasty else "bitrate" if heavy else "frame rate")
        self.warned = hasty or heavy or dense
        self._began = now
        self._bytes = self._pictures = 0

    def _refusal(self, what: str) -> PeerError:
        told = {
            "bitrate": f"The bitrate is above {PUBLISH_BITRATE_MAX // 1_000_000} Mbit/s.",
            "media time": "Frames come faster than real time; publish with -re or at live speed.",
            "frame rate": f"The frame rate is above {VIDEO_FPS_MAX} per second.",
        }
        return PeerError("too_fast", f"publisher exceeds the {what}", told[what])

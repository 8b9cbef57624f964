"""How fast a publisher may be (A56): bytes, pictures and media time against the clock, once a second."""

from typing import Final

from madang.base.errors import PeerError
from madang.base.limits import (
    PUBLISH_AHEAD_S,
    PUBLISH_BEHIND_S,
    PUBLISH_BITRATE_MAX,
    PUBLISH_RATE_WINDOW_S,
    VIDEO_FPS_MAX,
)

_JUMP_S: Final = 10.0
"""Media time that gains more on the clock between two looks jumped, which is the timeline's to mend."""
_BURST: Final = 2
"""A network that stalled delivers late what is due: so many times the rate is a burst for one window."""


class Pace:
    """Watches one publisher by its totals. Over a limit it warns for a window of PUBLISH_RATE_WINDOW_S
    (`warned`), and raises PeerError at the end of the next."""

    __slots__ = ("_ahead_s", "_began", "_bytes", "_looked", "_media_ms", "_pictures", "warned")

    def __init__(self, now: float) -> None:
        self.warned = False
        self._began = self._looked = now
        self._ahead_s = 0.0
        """How far media time ran ahead; negative where a publisher who fell behind has to catch up."""
        self._bytes = self._pictures = 0
        self._media_ms: int | None = None

    def look(self, now: float, received_bytes: int, media_ms: int, pictures: int) -> None:
        """Judge the totals so far: bytes of the connection, media time reached, pictures."""
        self._run_ahead(now, media_ms)
        bits, window_bits = (received_bytes - self._bytes) * 8, PUBLISH_BITRATE_MAX * PUBLISH_RATE_WINDOW_S
        if bits > _BURST * window_bits:
            raise self._refusal("bitrate")
        elapsed = now - self._began
        if elapsed < PUBLISH_RATE_WINDOW_S:
            return
        hasty = self._ahead_s > PUBLISH_AHEAD_S
        heavy = bits > PUBLISH_BITRATE_MAX * elapsed
        dense = pictures - self._pictures > _BURST * VIDEO_FPS_MAX * elapsed
        if (hasty or heavy or dense) and self.warned:
            raise self._refusal("media time" if hasty else "bitrate" if heavy else "frame rate")
        self.warned = hasty or heavy or dense
        self._began, self._bytes, self._pictures = now, received_bytes, pictures

    def _run_ahead(self, now: float, media_ms: int) -> None:
        gained_s = 0.0
        if self._media_ms is not None:
            gained_s = (media_ms - self._media_ms) / 1000 - (now - self._looked)
        self._media_ms, self._looked = media_ms, now
        if gained_s <= _JUMP_S:
            self._ahead_s = max(-PUBLISH_BEHIND_S, self._ahead_s + gained_s)

    def _refusal(self, what: str) -> PeerError:
        told = {
            "bitrate": f"The bitrate is above {PUBLISH_BITRATE_MAX // 1_000_000} Mbit/s.",
            "media time": "Frames come faster than real time; publish with -re or at live speed.",
            "frame rate": f"The frame rate is above {VIDEO_FPS_MAX} per second.",
        }
        return PeerError("too_fast", f"publisher exceeds the {what}", told[what])

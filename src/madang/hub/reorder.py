"""Decoding times for a publisher that sends presentation times alone, in decoding order."""

from heapq import heappush, heappushpop

DEPTH = 16
"""H.264 A.3.1: max_num_reorder_frames is at most 16."""
WINDOW_S = 1.0
"""Two steps back within this are reordering; one alone is a clock that was set back."""


class Reorder:
    """Decides whether times that step back are B-frames, and gives those their decoding times.

    The decoding times of a reordered sequence are its presentation times, sorted, `depth` frames late
    (ITU-T H.264 C.4.5.3). The depth is learned: a frame that would be shown before it is decoded shows
    that it was too small. Ticks are the track's.
    """

    __slots__ = ("_heap", "_stepped", "depth")

    def __init__(self) -> None:
        self.depth = 0
        """Frames of reordering; 0 while the publisher's times are decoding times."""
        self._heap: list[int] = []
        self._stepped: float | None = None

    def back(self, pts_s: float) -> bool:
        """A frame whose time fell to `pts_s` seconds; True when this is reordering."""
        if self._stepped is not None and pts_s - self._stepped <= WINDOW_S and not self.depth:
            self.depth = 1
        self._stepped = pts_s
        return self.depth > 0

    def decode_time(self, pts: int, last: int) -> int:
        """The decoding time of the frame shown at `pts`, behind `last`, the one before it."""
        if pts <= last and self.depth < DEPTH and len(self._heap) >= self.depth:
            self.depth += 1
        if len(self._heap) < self.depth:
            heappush(self._heap, pts)
            return last + 1
        return max(heappushpop(self._heap, pts), last + 1)

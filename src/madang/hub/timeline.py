"""Timeline repair: the publisher's times become one monotonic axis that starts at 0."""

from madang.media.frame import Frame
from madang.media.track import Track


class Timeline:
    """Maps a publisher's dts and pts to media time, across wraps, jumps and reconnects."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}
        self._origin_s: float | None = None
        self._anchor_wall = 0.0
        self._anchor_monotonic = 0.0
        self._base_s = 0.0
        self._last: dict[int, int] = {}

    def begin(self, tracks: tuple[Track, ...], monotonic: float, wall: float) -> None:
        """A publisher (again): its next frame continues at the media time of now."""
        if not self._tracks:
            self._anchor_wall, self._anchor_monotonic = wall, monotonic
        self._tracks = {track.id: track for track in tracks}
        self._origin_s = None
        self._base_s = monotonic - self._anchor_monotonic

    def wall_of(self, media_s: float) -> float:
        """The wall time of a media time."""
        return self._anchor_wall + media_s

    def repair(self, raw: Frame) -> Frame | None:
        """`raw` on the stream's axis, or None when the frame has no place on it."""
        track = self._tracks.get(raw.track)
        if track is None:
            return None
        if self._origin_s is None:
            self._origin_s = raw.dts / track.timescale - self._base_s
        shift = round(self._origin_s * track.timescale)
        dts = max(raw.dts - shift, self._last.get(raw.track, -1) + 1)
        self._last[raw.track] = dts
        return Frame(raw.track, dts, max(raw.pts - shift, dts), raw.keyframe, raw.payload)

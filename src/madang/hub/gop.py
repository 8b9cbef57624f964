"""The frames since the last keyframe, so that a joiner starts at once."""

from madang.base.limits import GOP_BYTES
from madang.media.frame import Frame


class GopCache:
    """Frames from the last video keyframe on, bounded in bytes; audio alone keeps nothing back."""

    __slots__ = ("_bytes", "frames")

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._bytes = 0

    def clear(self) -> None:
        self.frames = []
        self._bytes = 0

    def add(self, frame: Frame) -> None:
        """Keep `frame`; a video keyframe starts afresh; over the bound it empties."""
        if frame.track == 1 and frame.keyframe:
            self.clear()
        elif not self.frames:
            return
        self.frames.append(frame)
        self._bytes += len(frame.payload)
        if self._bytes > GOP_BYTES:
            self.clear()

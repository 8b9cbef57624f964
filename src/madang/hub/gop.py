"""The frames since the last keyframe, so that a joiner starts at once."""

from madang.base.limits import GOP_BYTES, GOP_S
from madang.media.frame import Frame
from madang.media.track import Kind, Track

AUDIO_ONLY_S = 2.0
"""What is kept of a stream without a picture: enough to start with, too little to be late by."""


class GopCache:
    """Frames from the last video keyframe on, with their audio; of an audio-only stream the last
    AUDIO_ONLY_S seconds. Bounded in bytes and seconds: over a bound it is empty until the next keyframe.

    `frames` may be read by anybody and begins with a keyframe.
    """

    __slots__ = ("_bytes", "_ticks_max", "_video", "frames")

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._bytes = 0
        self._video = True
        self._ticks_max = 0.0

    def begin(self, tracks: tuple[Track, ...]) -> None:
        """Start empty with these tracks."""
        video = [track for track in tracks if track.kind is Kind.VIDEO]
        self._video = bool(video)
        leading = video or tracks
        span_s = GOP_S if video else 2 * AUDIO_ONLY_S
        self._ticks_max = span_s * leading[0].timescale if leading else 0.0
        self.clear()

    def clear(self) -> None:
        """Forget everything; the next keyframe starts afresh."""
        self.frames = []
        self._bytes = 0

    def add(self, frame: Frame) -> None:
        """Keep `frame`; a video keyframe starts afresh."""
        frames = self.frames
        if not self._video:
            self._add_audio(frame)
            return
        if frame.track == 1:
            if frame.keyframe:
                self.frames = [frame]
                self._bytes = len(frame.payload)
                return
            if frames and frame.dts - frames[0].dts > self._ticks_max:
                self.clear()
                return
        if not frames:
            return
        frames.append(frame)
        self._bytes += len(frame.payload)
        if self._bytes > GOP_BYTES:
            self.clear()

    def _add_audio(self, frame: Frame) -> None:
        """Keep audio alone; at twice the span the older half goes (O(1) on average)."""
        frames = self.frames
        frames.append(frame)
        self._bytes += len(frame.payload)
        if frame.dts - frames[0].dts > self._ticks_max or self._bytes > GOP_BYTES:
            self.frames = frames[len(frames) // 2 :]
            self._bytes = sum(len(kept.payload) for kept in self.frames)

"""Sound and pictures that players of FLV and RTMP do not read, made AAC and H.264: taken from a rendition of
the stream."""

from collections.abc import Callable
from typing import Final

from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track

AUDIBLE: Final = frozenset({Codec.AAC, Codec.MP3})
"""Sound that every player reads. Opus is of Enhanced RTMP: for those who say that they know it."""
VISIBLE: Final = frozenset(codec for codec in Codec if codec.kind is Kind.VIDEO) - {Codec.VP8}
"""Pictures that some player reads. VP8 has a FourCC in Enhanced RTMP, and neither ffmpeg nor mpegts.js knows
it there."""
_MADE: Final = {Kind.AUDIO: Codec.AAC, Kind.VIDEO: Codec.H264}


class Dubbing:
    """Follows a rendition of `stream` for its sound, or its picture, alone, between `begin` and `end`. The
    other one goes its own way: a joiner's start burst is what it always is where the sound is dubbed, some
    0.1 s behind the picture; where the picture is, a joiner waits for its next keyframe."""

    def __init__(
        self,
        stream: Stream,
        kind: Kind,
        readable: frozenset[Codec],
        changed: Callable[[], None],
        show: Callable[[Track, Frame], None],
    ) -> None:
        """`changed` when it becomes another track, `show` for each frame of it."""
        self.track: Track | None = None
        """What is heard or seen; None until the rendition tells."""
        self._kind = kind
        self._source = stream.want(_MADE[kind], readable)
        self._changed = changed
        self._show = show
        self._from_s = stream.media_s if kind is Kind.AUDIO else 0.0
        """Sound that is cached before this media time is not needed."""
        self._begun = False

    def begin(self) -> None:
        """Follow: a track of sound is known at once."""
        self._source.attach(self)
        self._begun = True

    def end(self) -> None:
        """Follow no longer."""
        self._source.detach(self)

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        track = next((track for track in tracks if track.kind is self._kind), None)
        if track is None or track == self.track:
            return
        self.track = track
        if self._begun:
            self._changed()

    def on_frame(self, frame: Frame) -> None:
        track = self.track
        if track is not None and frame.track == track.id and frame.pts >= self._from_s * track.timescale:
            self._show(track, frame)

    def on_state(self, state: StreamState) -> None:
        """The rendering hears of it from the stream."""

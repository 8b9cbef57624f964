"""Sound that players of FLV and RTMP do not read, made AAC: taken from a rendition of the stream."""

from collections.abc import Callable
from typing import Final

from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track

AUDIBLE: Final = frozenset({Codec.AAC, Codec.MP3})
"""Sound that every player reads. Opus is of Enhanced RTMP: for those who say that they know it."""


class Dubbing:
    """Follows a rendition of `stream` for its sound alone, between `begin` and `end`. The picture goes its
    own way, so that a joiner's start burst is what it always is; the sound is some 0.1 s behind it."""

    def __init__(
        self,
        stream: Stream,
        audible: frozenset[Codec],
        changed: Callable[[], None],
        hear: Callable[[Track, Frame], None],
    ) -> None:
        """`changed` when the sound becomes another track, `hear` for each frame of it."""
        self.track: Track | None = None
        """What is heard; None until the rendition tells."""
        self._source = stream.want(Codec.AAC, audible)
        self._changed = changed
        self._hear = hear
        self._from_s = stream.media_s
        """Sound that is cached before this media time is not needed."""
        self._begun = False

    def begin(self) -> None:
        """Follow: the track is known at once."""
        self._source.attach(self)
        self._begun = True

    def end(self) -> None:
        """Follow no longer."""
        self._source.detach(self)

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        track = next((track for track in tracks if track.kind is Kind.AUDIO), None)
        if track is None or track == self.track:
            return
        self.track = track
        if self._begun:
            self._changed()

    def on_frame(self, frame: Frame) -> None:
        track = self.track
        if track is not None and frame.track == track.id and frame.pts >= self._from_s * track.timescale:
            self._hear(track, frame)

    def on_state(self, state: StreamState) -> None:
        """The rendering hears of it from the stream."""

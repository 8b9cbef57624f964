"""A stream whose picture is H.264, for WebRTC without reordering: as it is where it is so already, else made
anew.

B-frames are found in what has come: in the cached GOP at the start, or when the first one shows up.
"""

from madang.base.limits import TRANSCODING_PICTURES
from madang.hub.listener import StreamListener, StreamState
from madang.hub.rendition import Source
from madang.hub.subscription import Tracks
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track
from madang.transcoding.motion import Motion, track_of
from madang.transcoding.rendition import Rendition
from madang.transcoding.workshop import Converter, Work, Workshop

TELL_EVERY = 30
"""Pictures between two words to the broadcaster that they are made anew."""


class PictureRendition(Rendition):
    """A Source that follows `stream` while somebody follows it."""

    kind = Kind.VIDEO

    def __init__(
        self,
        stream: Source,
        codec: Codec,
        playable: frozenset[Codec],
        shop: Workshop,
        in_order: bool = False,
    ) -> None:
        super().__init__(stream, codec, playable, shop)
        self._in_order = in_order
        self._heard = 0
        self._given: tuple[Track, ...] = ()
        """The stream's own tracks."""
        self._reordered = False
        self._shown = -1
        self._skipping = False
        """Pictures are left out until the next keyframe."""
        self._promised: Tracks | None = None
        """What is announced as soon as the encoder has told its configuration."""
        self._first_pts = -1
        """Of what the stream replays, the last picture alone is made: nobody needs those before it."""
        self._replay: list[tuple[tuple[Track, ...], bool] | Frame | StreamState] | None = None

    # --- Source --------------------------------------------------------------------------------------

    def attach(self, listener: StreamListener) -> None:
        """Follow. What the stream replays is looked through for B-frames before it goes on."""
        if self._listeners or self._waiting:
            super().attach(listener)
            return
        self._replay = []
        super().attach(listener)
        replay, self._replay = self._replay, None
        shown = -1
        for item in replay:
            if isinstance(item, Frame) and item.track == 1:
                self._reordered = self._reordered or (self._in_order and item.pts < shown)
                shown = item.pts
        self._first_pts = shown
        for item in replay:
            if isinstance(item, Frame):
                self.on_frame(item)
            elif isinstance(item, StreamState):
                self.on_state(item)
            else:
                self.on_tracks(*item)

    # --- StreamListener ------------------------------------------------------------------------------

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        if self._replay is not None:
            self._replay.append((tracks, discontinuity))
            return
        if discontinuity:
            self._reordered = False
        self._given, self._shown, self._skipping = tracks, -1, False
        super().on_tracks(tracks, discontinuity)

    def on_frame(self, frame: Frame) -> None:
        if self._replay is not None:
            self._replay.append(frame)
            return
        if self._in_order and frame.track == 1 and not self._reordered:
            if frame.pts < self._shown:
                self._reordered = True
                if self._source is None:
                    self._skipping = True
                    super().on_tracks(self._given, False)
            self._shown = frame.pts
        super().on_frame(frame)

    def on_state(self, state: StreamState) -> None:
        if self._replay is not None:
            self._replay.append(state)
        else:
            super().on_state(state)

    def _becomes(self, source: Track) -> Track | None:
        return track_of(source) if self._reordered or source.codec not in self._playable else None

    def _make_converter(self, source: Track, made: Track) -> Converter:
        begin, self._first_pts = self._first_pts, -1
        return Motion(source, begin)

    # --- to the worker and back ----------------------------------------------------------------------

    def _hear(self, frame: Frame) -> None:
        """A picture that is left out leaves out those that need it."""
        if frame.keyframe:
            self._skipping = False
        elif self._errands >= TRANSCODING_PICTURES:
            self._skipping = True
        if self._heard % TELL_EVERY == 0 and self._source is not None:
            self._stream.remade(self._source)
        self._heard += 1
        if self._skipping:
            self._shop.counters.dropped += 1
        else:
            super()._hear(frame)

    def _tell_tracks(self, item: Tracks) -> None:
        """Tracks with a placeholder wait for the encoder."""
        self._promised = item if any(not track.config and track.id == 1 for track in item.tracks) else None
        if self._promised is None:
            super()._tell_tracks(item)

    def _return(self, work: Work, made: list[Frame]) -> None:
        promised, track = self._promised, work.converter.track
        if promised is not None and track is not None:
            tracks = tuple(track if each.id == track.id else each for each in promised.tracks)
            self._tell_tracks(Tracks(tracks, promised.discontinuity))
        super()._return(work, made)

    def _deliver_frame(self, frame: Frame) -> None:
        if self._promised is None:
            super()._deliver_frame(frame)

    def _forsake(self) -> None:
        self._skipping = True
        super()._forsake()

    def _rest(self) -> None:
        super()._rest()
        self._promised, self._first_pts = None, -1
        self._reordered, self._shown, self._skipping = False, -1, False

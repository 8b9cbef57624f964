"""A publisher's hold on a stream."""

from collections.abc import Callable
from typing import Protocol

from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Track


class Streams(Protocol):
    """What a publication asks of the registry."""

    def resume(self, stream: Stream) -> None: ...

    def lose(self, stream: Stream, reason: str) -> None: ...

    def end(self, stream: Stream, reason: str) -> None: ...


class Publication:
    """A publisher's hold on a stream; after `lost`, `end` or a revocation it does nothing."""

    def __init__(
        self, streams: Streams, stream: Stream, revoked: Callable[[str, str], None], now: float
    ) -> None:
        self.stream = stream
        self.epoch = stream.epoch
        self.admitted_at = now
        self.over = False
        self.revoked = revoked
        """Called with (code, sentence) when the publisher must go: `kicked`, `taken_over`, `ended`,
        `silent`, `restarting`, or what `Registry.kick` was given."""
        self._streams = streams
        self._live = False
        self._fresh = True

    @property
    def current(self) -> bool:
        """Whether this publisher still holds the stream."""
        return not self.over

    @property
    def alive_at(self) -> float:
        """When the publisher last gave a sign of life, in monotonic seconds."""
        return max(self.admitted_at, self.stream.last_frame_at)

    def tracks(self, tracks: tuple[Track, ...]) -> None:
        """The tracks of the frames that follow; again when a codec configuration changes."""
        if not self.over:
            goes_on = bool(self.stream.tracks) or self.stream.restored
            self.stream.offer_tracks(tracks, discontinuity=self._fresh and goes_on)
            self._fresh = False

    def frame(self, frame: Frame) -> None:
        """One frame, in decoding order per track, with the publisher's own times."""
        if self.over or self._fresh:
            self.stream.counters.stale_frames += 1
            return
        if not self._live and frame.keyframe:
            self._live = True
            self._streams.resume(self.stream)
        self.stream.offer(frame)

    def lost(self, reason: str) -> None:
        """The socket is gone without goodbye: the reconnect window opens."""
        if not self.over:
            self._streams.lose(self.stream, reason)

    def end(self, reason: str) -> None:
        """The publisher said goodbye (FCUnpublish, deleteStream, DELETE): the broadcast ends at once."""
        if not self.over:
            self._streams.end(self.stream, reason)

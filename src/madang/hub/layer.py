"""Simulcast: the smaller pictures that a publisher sends beside the one that is on the air."""

from collections.abc import Callable

import structlog

from madang.hub.listener import StreamListener, StreamState
from madang.media.frame import Frame
from madang.media.track import Track

log = structlog.get_logger(__name__)


class Layer:
    """A Source of one smaller picture, without sound. It costs nothing while nobody follows it; who follows
    gets frames from the next keyframe on, which is asked for, on the axis of the stream's media time."""

    def __init__(self, name: str, media_of: Callable[[float], float], ask: Callable[[], None]) -> None:
        """`media_of` a time of the publisher's in seconds, `ask` for a keyframe of this layer."""
        self.name = name
        self.track: Track | None = None
        """As its latest keyframe said; None before the first one."""
        self.tracks: tuple[Track, ...] = ()
        """As followers know it."""
        self.state = StreamState.LIVE
        self._media_of = media_of
        self._ask = ask
        self._listeners: tuple[StreamListener, ...] = ()
        self._waiting: tuple[StreamListener, ...] = ()
        """Those who have come since the last keyframe."""
        self._offset: int | None = None
        """From the publisher's ticks to the stream's; None until the next keyframe."""
        self._last = -1

    @property
    def followed(self) -> bool:
        """Whether anybody follows."""
        return bool(self._listeners or self._waiting)

    def attach(self, listener: StreamListener) -> None:
        """Follow from the next keyframe on."""
        if self.state is not StreamState.LIVE:
            listener.on_state(self.state)
            return
        self._waiting = (*self._waiting, listener)
        self._ask()

    def detach(self, listener: StreamListener) -> None:
        """Follow no longer; unknown listeners are ignored."""
        self._listeners = tuple(other for other in self._listeners if other is not listener)
        self._waiting = tuple(other for other in self._waiting if other is not listener)
        if not self._listeners:
            self._offset, self.tracks = None, ()

    def want_keyframe(self) -> None:
        """Somebody cannot go on without a keyframe."""
        self._ask()

    def remade(self, picture: Track) -> None:
        """Nobody makes a layer anew."""

    def freeze(self) -> None:
        """A frame is missing: nothing goes on before the next keyframe."""
        self._offset = None
        self.tracks = ()
        if self.followed:
            self._ask()

    def offer(self, frame: Frame) -> None:
        """One frame of `track`, with the publisher's own times."""
        track = self.track
        if track is None or not self.followed or (self._offset is None and not frame.keyframe):
            return
        if frame.keyframe:
            self._begin(track, frame)
        if self._offset is None:
            return
        at = self._last = max(frame.pts + self._offset, self._last + 1)
        shown = Frame(track.id, at, at, frame.keyframe, frame.payload)
        self._tell(lambda listener: listener.on_frame(shown))

    def _begin(self, track: Track, frame: Frame) -> None:
        """With a keyframe followers learn of a new track, and those who wait for one begin."""
        if self._offset is None:
            self._offset = round(self._media_of(frame.pts / track.timescale) * track.timescale) - frame.pts
        if self.tracks != (track,):
            self.tracks = (track,)
            self._listeners, self._waiting = self._listeners + self._waiting, ()
            self._tell(lambda listener: listener.on_tracks(self.tracks, False))
        for listener in self._waiting:
            self._listeners = (*self._listeners, listener)
            self._say(listener, lambda listener: listener.on_tracks(self.tracks, False))
        self._waiting = ()

    def end(self) -> None:
        """The publisher is gone."""
        self.state = StreamState.ENDED
        self._listeners, self._waiting = self._listeners + self._waiting, ()
        self._tell(lambda listener: listener.on_state(StreamState.ENDED))
        self._listeners = ()

    def _tell(self, say: Callable[[StreamListener], None]) -> None:
        for listener in self._listeners:
            self._say(listener, say)

    def _say(self, listener: StreamListener, say: Callable[[StreamListener], None]) -> None:
        try:
            say(listener)
        except Exception:
            log.exception("a follower of a layer failed", follower=repr(listener))
            self.detach(listener)

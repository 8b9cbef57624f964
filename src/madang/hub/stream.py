"""A stream: one broadcast of one channel, from its first frame to its end, across reconnects."""

import contextlib

from madang.base.clock import Clock
from madang.base.ids import BroadcastId
from madang.hub.gate import Lease
from madang.hub.gop import GopCache
from madang.hub.health import Health
from madang.hub.listener import StreamListener, StreamState
from madang.hub.timeline import Timeline
from madang.media.frame import Frame
from madang.media.track import Track


class Stream:
    """State of one broadcast and those who follow it. Made by the registry alone.

    Media time starts at 0 with the broadcast and is the same axis for all tracks; `wall_of` maps it to
    the wall clock (program date-time), the one axis on which DVR, captions and chat meet.
    """

    def __init__(self, broadcast: BroadcastId, lease: Lease, clock: Clock) -> None:
        self.broadcast = broadcast
        self.lease = lease
        self.state = StreamState.RECONNECTING
        self.tracks: tuple[Track, ...] = ()
        self.gop = GopCache()
        self.health = Health()
        self.started_wall = clock.wall()
        self.epoch = 0
        self.bytes_in = 0
        self.last_frame_at = clock.monotonic()
        self._clock = clock
        self._timeline = Timeline()
        self._listeners: list[StreamListener] = []

    @property
    def channel(self) -> str:
        return self.lease.channel

    def wall_of(self, media_s: float) -> float:
        """Wall time, in seconds since 1970, at which the frame with this media time arrived live."""
        return self._timeline.wall_of(media_s)

    def attach(self, listener: StreamListener) -> None:
        """Follow the stream: its tracks and its cached GOP are replayed at once."""
        self._listeners = [*self._listeners, listener]
        if self.tracks:
            listener.on_tracks(self.tracks, False)
            for frame in self.gop.frames:
                listener.on_frame(frame)
        if self.state is not StreamState.LIVE:
            listener.on_state(self.state)

    def detach(self, listener: StreamListener) -> None:
        """Follow no longer; unknown listeners are ignored."""
        with contextlib.suppress(ValueError):
            listeners = list(self._listeners)
            listeners.remove(listener)
            self._listeners = listeners

    def offer_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        """New tracks from the publisher: listeners get them before the next frame."""
        if tracks == self.tracks and not discontinuity:
            return
        self.tracks = tracks
        self.gop.clear()
        self._timeline.begin(tracks, self._clock.monotonic(), self._clock.wall())
        self.health.begin(tracks)
        for listener in self._listeners:
            listener.on_tracks(tracks, discontinuity)

    def offer(self, raw: Frame) -> None:
        """One frame from the publisher, with the publisher's times."""
        now = self._clock.monotonic()
        frame = self._timeline.repair(raw)
        if frame is None:
            return
        self.last_frame_at = now
        self.bytes_in += len(frame.payload)
        self.gop.add(frame)
        self.health.add(frame, now)
        for listener in self._listeners:
            listener.on_frame(frame)

    def enter(self, state: StreamState) -> None:
        """Change state and tell the listeners."""
        if state is self.state:
            return
        self.state = state
        for listener in self._listeners:
            listener.on_state(state)

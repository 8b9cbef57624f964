"""A stream: one broadcast of one channel, from its first frame to its end, across reconnects."""

from collections.abc import Callable
from typing import ParamSpec

import structlog

from madang.base.clock import Clock
from madang.base.ids import BroadcastId
from madang.hub.counters import HubCounters
from madang.hub.gate import Lease
from madang.hub.gop import GopCache
from madang.hub.health import Health
from madang.hub.layer import Layer
from madang.hub.listener import StreamListener, StreamState
from madang.hub.rendition import Source, Transcoder
from madang.hub.timeline import Timeline
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track

log = structlog.get_logger(__name__)
P = ParamSpec("P")
FAILED = "a follower of the stream failed"

PENDING_TRACKS_S = 5.0
"""New audio waits this long for a keyframe to begin with; then the picture waits for the next one."""
LEAP_WEIGHT = 3
"""A leap of the publisher's clock weighs as much as so many frames that step back."""


class Stream:
    """State of one broadcast and those who follow it. Made by the registry alone.

    Media time starts at 0 with the broadcast and is the same axis for all tracks; `wall_of` maps it to
    the wall clock (program date-time), the one axis on which DVR, captions and chat meet.
    """

    def __init__(
        self, broadcast: BroadcastId, lease: Lease, clock: Clock, counters: HubCounters | None = None
    ) -> None:
        self.broadcast = broadcast
        self.lease = lease
        self.state = StreamState.RECONNECTING
        self.tracks: tuple[Track, ...] = ()
        self.gop = GopCache()
        self.health = Health()
        self.counters = counters or HubCounters()
        self.started_wall = clock.wall()
        self.epoch = 0
        """Publishers so far: the first is 1."""
        self.restored = False
        """The broadcast began in another run of the server; its playlists go on."""
        self.bytes_in = 0
        self.frames_in = 0
        self.last_frame_at = clock.monotonic()
        self._monotonic = clock.monotonic
        self._wall = clock.wall
        self._timeline = Timeline()
        self._repairs = 0
        self._video = False
        self._leading_scale = 1
        self._need_keyframe = False
        self._began_at: float | None = None
        """Arrival of the publisher's first frame while its first keyframe is awaited."""
        self._pending: tuple[tuple[Track, ...], float] | None = None
        """Tracks that wait for the next keyframe, and since when."""
        self._listeners: list[StreamListener] = []
        self.on_keyframe_wanted: Callable[[], None] | None = None
        """Asks the publisher for a keyframe; set by ways in whose publishers can be asked (WebRTC)."""
        self.layers: dict[str, Layer] = {}
        """Smaller pictures that the publisher sends beside (simulcast), by their names, the best first."""
        self.transcoder: Transcoder | None = None
        self._renditions: dict[tuple[Codec, frozenset[Codec], bool], Source] = {}
        self._whole: dict[frozenset[Codec], Source] = {}
        self._waiting: list[StreamListener] = []
        """Those who joined without a cached keyframe and get no picture before the next one."""

    @property
    def channel(self) -> str:
        return self.lease.channel

    @property
    def media_s(self) -> float:
        """Media time reached, in seconds."""
        return self._timeline.head_s

    @property
    def reordered(self) -> bool:
        """Whether pictures are shown in another order than they come (B-frames), by the cached GOP."""
        shown = -1
        for frame in self.gop.frames:
            if frame.track == 1:
                if frame.pts < shown:
                    return True
                shown = frame.pts
        return False

    @property
    def followed(self) -> bool:
        """Whether anybody follows."""
        return bool(self._listeners or self._waiting)

    def wall_of(self, media_s: float) -> float:
        """Wall time, in seconds since 1970, at which the frame with this media time arrived live."""
        return self._timeline.wall_of(media_s)

    def media_of(self, at_s: float) -> float:
        """Media time of a picture that the publisher stamps `at_s`."""
        return self._timeline.media_of(1, at_s)

    def restore(self, media_s: float, media_wall: float) -> None:
        """Go on where another run of the server had come to `media_s` at wall time `media_wall`."""
        self.restored = True
        self._timeline.restore(media_s, media_wall, self._monotonic(), self._wall())

    def attach(self, listener: StreamListener) -> None:
        """Follow the stream: its tracks and its cached GOP are replayed at once."""
        if self.tracks and not self._call(listener, self._replay, listener):
            return
        if self._video and not self.gop.frames and not self._need_keyframe:
            self._waiting = [*self._waiting, listener]
        else:
            self._listeners = [*self._listeners, listener]
        if self.state is not StreamState.LIVE:
            self._call(listener, listener.on_state, self.state)

    def detach(self, listener: StreamListener) -> None:
        """Follow no longer; unknown listeners are ignored."""
        self._listeners = [other for other in self._listeners if other is not listener]
        self._waiting = [other for other in self._waiting if other is not listener]

    def want_keyframe(self) -> None:
        """Somebody cannot go on without a keyframe. Publishers that cannot be asked send one when they do."""
        if self.on_keyframe_wanted is not None:
            self.on_keyframe_wanted()

    def want(self, codec: Codec, playable: frozenset[Codec] = frozenset(), in_order: bool = False) -> Source:
        """The stream with its sound, or its picture, in `codec`, as `Transcoder.rendition` says; shared by
        all who want the same, and made while one of them follows it. The stream itself where nobody
        transcodes."""
        if self.transcoder is None:
            return self
        wish = (codec, playable, in_order)
        if wish not in self._renditions:
            self._renditions[wish] = self.transcoder.rendition(self, codec, playable, in_order)
        return self._renditions[wish]

    def want_playable(self, playable: frozenset[Codec]) -> Source:
        """The stream with its picture in H.264 and its sound in AAC, each wherever it is in none of
        `playable`; shared like `want`."""
        if self.transcoder is None:
            return self
        if playable not in self._whole:
            picture = self.want(Codec.H264, playable)
            self._whole[playable] = self.transcoder.rendition(picture, Codec.AAC, playable)
        return self._whole[playable]

    def remade(self, picture: Track) -> None:
        """Somebody transcodes the picture: the studio says so."""
        self.health.remade(picture.codec, self._monotonic())

    def offer_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        """New tracks from the publisher: listeners get them before the next frame.

        While the picture goes on as it was, other tracks wait for its next keyframe."""
        if discontinuity or not self.tracks:
            self._timeline.begin(tracks, self._monotonic(), self._wall())
            self.health.begin(tracks)
            self._began_at = None
            self._announce(tracks, discontinuity)
        elif tracks == self.tracks:
            self._pending = None
        elif self._video and not self._need_keyframe and _picture(tracks) == _picture(self.tracks):
            self._pending = (tracks, self._monotonic())
        else:
            self._change(tracks)

    def _change(self, tracks: tuple[Track, ...]) -> None:
        """The same publisher goes on with other tracks."""
        self._timeline.change(tracks)
        self.health.begin(tracks)
        self._began_at = None
        self._announce(tracks, False)

    def _announce(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        """Tell everybody; what follows starts with a keyframe."""
        self.tracks = tracks
        self._pending = None
        picture = _picture(tracks)
        self._video = picture is not None
        self._leading_scale = (picture or tracks[0]).timescale if tracks else 1
        self._need_keyframe = self._video
        self.gop.begin(tracks)
        self._listeners, self._waiting = self._listeners + self._waiting, []
        self._tell_tracks(discontinuity)

    def offer(self, raw: Frame) -> None:
        """One frame from the publisher, with the publisher's times."""
        now = self._monotonic()
        self.last_frame_at = now
        self.bytes_in += len(raw.payload)
        self.frames_in += 1
        leads = raw.keyframe and (raw.track == 1 or not self._video)
        if self._pending is not None and not self._settled(raw, leads, now):
            return
        if self._need_keyframe and raw.track == 1 and not self._begins(leads, now):
            return
        timeline = self._timeline
        frame = timeline.repair(raw, now)
        if timeline.clamped + LEAP_WEIGHT * timeline.rebased != self._repairs:
            self._count_repairs(now)
        if frame is None:
            return
        if leads:
            self._lead(frame, now)
        self.gop.add(frame)
        self.health.add(frame, now)
        for listener in self._listeners:
            try:
                listener.on_frame(frame)
            except Exception:
                log.exception(FAILED, channel=self.lease.channel, follower=repr(listener))
                self._expel(listener)
        if self._waiting and raw.track != 1:
            for listener in self._waiting:
                self._call(listener, listener.on_frame, frame)

    def _settled(self, raw: Frame, leads: bool, now: float) -> bool:
        """Pending tracks take effect with a keyframe, or when none came for long; until then the picture,
        which stays as it was, goes on alone. Whether `raw` has a place."""
        if self._pending is not None and (leads or now - self._pending[1] > PENDING_TRACKS_S):
            self._change(self._pending[0])
            return True
        return raw.track == 1

    def _begins(self, leads: bool, now: float) -> bool:
        """Whether this picture is the keyframe that is awaited; those before it are dropped."""
        if self._began_at is None:
            self._began_at = now
        if leads:
            self._need_keyframe = False
            self.health.waited(now - self._began_at, now)
        return leads

    def _count_repairs(self, now: float) -> None:
        timeline = self._timeline
        weight = timeline.clamped + LEAP_WEIGHT * timeline.rebased
        self.health.repaired(weight - self._repairs, now)
        self._repairs = weight

    def _lead(self, frame: Frame, now: float) -> None:
        """A frame with which players may begin: the place for a discontinuity, and to join."""
        if self._timeline.check(frame.dts / self._leading_scale, now, self._wall()):
            self.gop.clear()
            self._tell_tracks(True)
        if self._waiting:
            self._listeners, self._waiting = self._listeners + self._waiting, []

    def enter(self, state: StreamState) -> None:
        """Change state and tell the listeners."""
        if state is self.state:
            return
        self.state = state
        for listener in (*self._listeners, *self._waiting):
            self._call(listener, listener.on_state, state)
        if state is StreamState.ENDED:
            self._listeners, self._waiting = [], []
            self._renditions.clear()
            self._whole.clear()
            self.gop.clear()

    def _replay(self, listener: StreamListener) -> None:
        listener.on_tracks(self.tracks, False)
        for frame in self.gop.frames:
            listener.on_frame(frame)

    def _tell_tracks(self, discontinuity: bool) -> None:
        for listener in (*self._listeners, *self._waiting):
            self._call(listener, listener.on_tracks, self.tracks, discontinuity)

    def _call(
        self, listener: StreamListener, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs
    ) -> bool:
        """A follower that raises is no longer one: it must not hurt the others."""
        try:
            call(*args, **kwargs)
        except Exception:
            log.exception(FAILED, channel=self.lease.channel, follower=repr(listener))
            self._expel(listener)
            return False
        return True

    def _expel(self, listener: StreamListener) -> None:
        self.detach(listener)
        self.counters.listener_failures += 1


def _picture(tracks: tuple[Track, ...]) -> Track | None:
    """The video track."""
    return next((track for track in tracks if track.kind is Kind.VIDEO), None)

"""A stream of which one track is in another codec: everything else passes through, in the order it came.

The track, mostly the sound, goes to a worker thread. What came behind it waits until it is back, a few
milliseconds, so that followers are told what they would be if transcoding took no time: no state and no
picture overtakes the sound before it. When the worker is too slow the sound is dropped, and the picture
goes on.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import ParamSpec

import structlog

from madang.base.limits import TRANSCODING_FRAMES, TRANSCODING_PATIENCE_S
from madang.hub.listener import StreamListener, StreamState
from madang.hub.rendition import Source
from madang.hub.subscription import Tracks
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track
from madang.transcoding.sound import Sound, track_of
from madang.transcoding.workshop import Converter, Work, Workshop

log = structlog.get_logger(__name__)
P = ParamSpec("P")
FAILED = "a follower of the rendition failed"


class Rendition:
    """A Source that follows `stream` while somebody follows it. Who comes while others are there begins
    with the next keyframe. Here it is the sound that is transcoded."""

    kind = Kind.AUDIO

    def __init__(self, stream: Source, codec: Codec, playable: frozenset[Codec], shop: Workshop) -> None:
        self.tracks: tuple[Track, ...] = ()
        self.state = StreamState.LIVE
        self._stream = stream
        self._codec = codec
        self._playable = playable | {codec}
        self._shop = shop
        self._listeners: tuple[StreamListener, ...] = ()
        self._waiting: tuple[StreamListener, ...] = ()
        self._leading = 0
        """The track whose keyframes begin."""
        self._source: Track | None = None
        """The track that is to be transcoded."""
        self._made: Track | None = None
        self._converter: Converter | None = None
        self._pending: deque[Frame | Tracks | StreamState | Work] = deque()
        self._errands = 0
        """Works among the pending."""
        self._job: asyncio.Future[list[list[Frame]]] | None = None
        self._since = 0.0
        """When the job began."""

    # --- Source --------------------------------------------------------------------------------------

    def attach(self, listener: StreamListener) -> None:
        """Follow; the first one gets the stream's cached GOP."""
        if not self._listeners and not self._waiting:
            self._listeners = (listener,)
            self._stream.attach(self)
            if not self._listeners and not self._waiting:
                self._stream.detach(self)  # it left while it was told what is cached
            return
        self._waiting += (listener,)
        if self.tracks:
            self._call(listener, listener.on_tracks, self.tracks, False)
        if self.state is not StreamState.LIVE:
            self._call(listener, listener.on_state, self.state)

    def detach(self, listener: StreamListener) -> None:
        """Follow no longer; with the last one everything under way is forgotten."""
        self._listeners = tuple(other for other in self._listeners if other is not listener)
        self._waiting = tuple(other for other in self._waiting if other is not listener)
        if not self._listeners and not self._waiting:
            self._stream.detach(self)
            self._rest()

    def remade(self, picture: Track) -> None:
        """A rendition of this one makes its picture anew."""
        self._stream.remade(picture)

    # --- StreamListener ------------------------------------------------------------------------------

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        """Other tracks: the sound of those before them is finished first."""
        self._finish()
        source = next((track for track in tracks if track.kind is self.kind), None)
        self._source = self._made = None
        if source is not None:
            self._made = self._becomes(source)
        if source is not None and self._made is not None:
            self._source, made = source, self._made
            tracks = tuple(made if track is source else track for track in tracks)
            self._shop.counters.begun += 1
        self._put(Tracks(tracks, discontinuity))

    def _becomes(self, source: Track) -> Track | None:
        """What this track is made into; None where it may stay as it is, or has to."""
        return None if source.codec in self._playable else track_of(source, self._codec)

    def _make_converter(self, source: Track, made: Track) -> Converter:
        return Sound(source, made)

    def on_frame(self, frame: Frame) -> None:
        """The track to the worker, everything else behind it."""
        if self._source is not None and frame.track == self._source.id:
            self._hear(frame)
        elif self._pending:
            self._put(frame)
        else:
            self._deliver_frame(frame)

    def on_state(self, state: StreamState) -> None:
        """When nothing more comes for now, what there is of the sound is finished first."""
        if state is not StreamState.LIVE:
            self._finish()
        self._put(state)

    # --- to the worker -------------------------------------------------------------------------------

    def _hear(self, frame: Frame) -> None:
        counters = self._shop.counters
        counters.heard += 1
        if self._errands >= TRANSCODING_FRAMES:
            counters.dropped += 1
            return
        if self._converter is None:
            assert self._source is not None and self._made is not None
            self._converter = self._make_converter(self._source, self._made)
        self._put(Work(self._converter, frame))

    def _finish(self) -> None:
        """The track ends here; what follows is of another one."""
        converter, self._converter = self._converter, None
        if converter is not None:
            self._put(Work(converter, None))

    def _put(self, item: Frame | Tracks | StreamState | Work) -> None:
        if isinstance(item, Work):
            self._errands += 1
        elif not self._pending:
            self._deliver(item)
            return
        self._pending.append(item)
        if self._job is None:
            self._begin()
        elif self._shop.now() - self._since > TRANSCODING_PATIENCE_S:
            self._overtake()

    def _begin(self) -> None:
        """Everything that waits goes in one job; what comes meanwhile, in the next."""
        batch = [item for item in self._pending if isinstance(item, Work)]
        self._since = self._shop.now()
        self._job = self._shop.send(batch)
        self._job.add_done_callback(self._done)

    def _done(self, job: asyncio.Future[list[list[Frame]]]) -> None:
        """Hand on what the worker made, and everything that came behind it."""
        if job is not self._job:
            if not job.cancelled():
                job.exception()
            return
        self._job = None
        error = None if job.cancelled() else job.exception()
        if job.cancelled() or error is not None:
            log.warning("not_transcoded", kind=self.kind.value, reason=str(error)[:200])
            self._forsake()
            return
        results = deque(job.result())
        while self._pending:
            item = self._pending[0]
            if isinstance(item, Work) and not results:
                self._begin()
                return
            self._pending.popleft()
            if isinstance(item, Work):
                self._return(item, results.popleft())
            else:
                self._deliver(item)

    def _return(self, work: Work, made: list[Frame]) -> None:
        self._errands -= 1
        counters = self._shop.counters
        counters.made += len(made)
        counters.failed += work.converter.failures
        work.converter.failures = 0
        for frame in made:
            self._deliver_frame(frame)

    def _overtake(self) -> None:
        """The worker does not come back in time: its sound is lost."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self._forsake()

    def _forsake(self) -> None:
        """Drop the sound that waits, deliver the rest; the thread may still hold the sound: the next one is
        another."""
        self._converter = None
        self._shop.counters.dropped += self._errands
        self._errands = 0
        pending, self._pending = self._pending, deque()
        for item in pending:
            if not isinstance(item, Work):
                self._deliver(item)

    def _rest(self) -> None:
        """Forget what is under way."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self._pending.clear()
        self._errands = 0
        self._converter = self._source = self._made = None
        self.tracks, self.state = (), StreamState.LIVE

    # --- to the followers ----------------------------------------------------------------------------

    def _deliver(self, item: Frame | Tracks | StreamState) -> None:
        if isinstance(item, Frame):
            self._deliver_frame(item)
            return
        if isinstance(item, Tracks):
            self._tell_tracks(item)
            return
        self.state = item
        for listener in (*self._listeners, *self._waiting):
            self._call(listener, listener.on_state, item)
        if item is StreamState.ENDED:
            self._listeners = self._waiting = ()
            self._rest()

    def _tell_tracks(self, item: Tracks) -> None:
        """What follows begins with a keyframe: those who wait for one wait no longer."""
        self.tracks = item.tracks
        video = any(track.kind is Kind.VIDEO for track in item.tracks)
        self._leading = 1 if video or not item.tracks else item.tracks[0].id
        self._admit()
        for listener in self._listeners:
            self._call(listener, listener.on_tracks, item.tracks, item.discontinuity)

    def _deliver_frame(self, frame: Frame) -> None:
        if self._waiting and frame.keyframe and frame.track == self._leading:
            self._admit()
        for listener in self._listeners:
            try:
                listener.on_frame(frame)
            except Exception:
                log.exception(FAILED, follower=repr(listener))
                self._expel(listener)

    def _admit(self) -> None:
        self._listeners, self._waiting = self._listeners + self._waiting, ()

    def _call(
        self, listener: StreamListener, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        try:
            call(*args, **kwargs)
        except Exception:
            log.exception(FAILED, follower=repr(listener))
            self._expel(listener)

    def _expel(self, listener: StreamListener) -> None:
        """A follower that raises is no longer one: it must not hurt the others."""
        self._shop.counters.listener_failures += 1
        self.detach(listener)

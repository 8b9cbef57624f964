"""A bounded queue between a stream and somebody who has to wait: recording, workers, relays."""

import asyncio
from collections import deque

import msgspec

from madang.base.limits import VIEWER_QUEUE_BYTES, VIEWER_QUEUE_S
from madang.hub.listener import StreamState
from madang.media.frame import Frame
from madang.media.track import Kind, Track


class Tracks(msgspec.Struct, frozen=True):
    """The frames that follow belong to these tracks and start with a keyframe."""

    tracks: tuple[Track, ...]
    discontinuity: bool


OTHERS_MAX = 64
"""Tracks and states in a queue: a publisher that changes its configuration with each frame."""

Item = Tracks | Frame | StreamState


class Subscription:
    """Follows a stream for one asynchronous reader: `async for item in subscription`.

    Items are `Tracks`, frames, and states but ENDED, which ends the iteration behind what is queued. The
    queue is bounded in bytes and in seconds of media. A reader that falls behind loses frames from the
    oldest on, up to a queued keyframe or else to the next one that comes; of Tracks and states it keeps
    the latest. At any time `offered == delivered + dropped + queued` (frames).
    """

    def __init__(self, bytes_max: int = VIEWER_QUEUE_BYTES, seconds_max: float = VIEWER_QUEUE_S) -> None:
        self.offered = 0
        self.delivered = 0
        self.dropped = 0
        self.dropped_bytes = 0
        self.overflows = 0
        """How often the reader fell behind."""
        self.queued_bytes = 0
        self.ended = False
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max
        self._queue: deque[Item] = deque()
        self._marks: deque[tuple[float, bool]] = deque()
        """Of each queued frame its media time in seconds, and whether a reader can go on from it."""
        self._scales: dict[int, int] = {}
        self._video = False
        self._skipping = False
        self._wake: asyncio.Future[None] | None = None

    @property
    def queued(self) -> int:
        """Frames in the queue."""
        return len(self._marks)

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self._scales = {track.id: track.timescale for track in tracks}
        self._video = any(track.kind is Kind.VIDEO for track in tracks)
        self._skipping = False
        self._put(Tracks(tracks, discontinuity))

    def on_frame(self, frame: Frame) -> None:
        self.offered += 1
        leads = frame.keyframe and (frame.track == 1 or not self._video)
        if self._skipping and not leads:
            self._drop(frame)
            return
        self._skipping = False
        at_s = frame.dts / self._scales[frame.track]
        self._marks.append((at_s, leads))
        self.queued_bytes += len(frame.payload)
        self._put(frame)
        if self.queued_bytes > self._bytes_max or at_s - self._marks[0][0] > self._seconds_max:
            self._fall_behind(at_s)

    def on_state(self, state: StreamState) -> None:
        if state is StreamState.ENDED:
            self.ended = True
            self._wake_reader()
        else:
            self._put(state)

    async def get(self) -> Item | None:
        """The next item; None when the stream has ended and everything was delivered."""
        while not self._queue:
            if self.ended:
                return None
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        item = self._queue.popleft()
        if isinstance(item, Frame):
            self._forget(item)
            self.delivered += 1
        return item

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Item:
        item = await self.get()
        if item is None:
            raise StopAsyncIteration
        return item

    def _put(self, item: Item) -> None:
        self._queue.append(item)
        if len(self._queue) - len(self._marks) > OTHERS_MAX:
            self._fall_behind(self._marks[-1][0] if self._marks else 0.0)
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _forget(self, frame: Frame) -> None:
        """A frame leaves the head of the queue."""
        self._marks.popleft()
        self.queued_bytes -= len(frame.payload)

    def _drop(self, frame: Frame) -> None:
        self.dropped += 1
        self.dropped_bytes += len(frame.payload)

    def _fall_behind(self, newest_s: float) -> None:
        """Drop from the oldest on, to the first place to go on from that is within the bounds."""
        self.overflows += 1
        tracks: Tracks | None = None
        state: StreamState | None = None
        while self._queue:
            item = self._queue[0]
            if isinstance(item, Frame):
                at_s, leads = self._marks[0]
                within = self.queued_bytes <= self._bytes_max and newest_s - at_s <= self._seconds_max
                if leads and within:
                    break
                self._forget(item)
                self._drop(item)
            elif isinstance(item, Tracks):
                lost = tracks is not None and tracks.discontinuity
                tracks = Tracks(item.tracks, item.discontinuity or lost)
            else:
                state = item
            self._queue.popleft()
        self._skipping = not self._marks
        self._queue.extendleft(item for item in (state, tracks) if item is not None)

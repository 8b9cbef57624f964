"""Moving posters: a JPEG of each live picture, made only when somebody asks and no more often than needed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import structlog

from madang.base.clock import Clock
from madang.base.ids import ChannelId
from madang.base.limits import POSTER_FORGET_S, POSTERS_WAITING
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Track
from madang.transcoding.counters import PosterCounters
from madang.transcoding.settings import PosterSettings
from madang.transcoding.still import encode_still

log = structlog.get_logger(__name__)

Still = Callable[[Track, bytes | memoryview, int], bytes]


class Poster:
    """One picture of a stream. Immutable."""

    __slots__ = ("etag", "jpeg", "made_at")

    def __init__(self, jpeg: bytes, made_at: float) -> None:
        self.jpeg = jpeg
        self.made_at = made_at
        """Monotonic seconds."""
        self.etag = b'"' + blake2b(jpeg, digest_size=9).hexdigest().encode() + b'"'


class _Easel:
    """The picture of one broadcast, and the one that is being made."""

    __slots__ = ("asked_at", "due_at", "keyframe", "making", "poster", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.poster: Poster | None = None
        self.keyframe: Frame | None = None
        """What the poster shows, or what could not be shown."""
        self.making: asyncio.Future[bytes] | None = None
        self.asked_at = 0.0
        self.due_at = float("-inf")


class Posters:
    """Posters by channel. Asking makes them: the first who asks waits for the worker thread, the next are
    shown what is there, and while they look a fresh one is made. A channel that nobody asked about for
    POSTER_FORGET_S is forgotten; `sweep` is to be called about once a second.
    """

    def __init__(
        self, registry: Registry, clock: Clock, settings: PosterSettings, still: Still = encode_still
    ) -> None:
        self.counters = PosterCounters()
        self.settings = settings
        self._registry = registry
        self._now = clock.monotonic
        self._still = still
        self._easels: dict[ChannelId, _Easel] = {}
        self._making = 0
        self._closed = False
        self._worker: ThreadPoolExecutor | None = None

    async def get(self, channel: ChannelId) -> bytes | None:
        """The JPEG of a live channel; None when there is no picture."""
        poster = await self.poster(channel)
        return poster.jpeg if poster is not None else None

    async def poster(self, channel: ChannelId) -> Poster | None:
        """The poster of a live channel, waiting for the first one."""
        poster = self.peek(channel)
        easel = self._easels.get(channel)
        if poster is not None or easel is None or easel.making is None:
            return poster
        # A waiter that is cancelled must not take the picture from the others.
        await asyncio.wait((easel.making,))
        return easel.poster

    def peek(self, channel: ChannelId) -> Poster | None:
        """The poster if it can be shown without waiting; a fresh one is begun when it is due."""
        easel = self._easel(channel)
        if easel is None:
            return None
        now = easel.asked_at = self._now()
        if now >= easel.due_at and easel.making is None:
            self._make(easel, now)
        poster = easel.poster
        stale = poster is not None and now - poster.made_at > 2 * self.settings.every_s
        return None if stale and easel.making is not None else poster

    def sweep(self) -> None:
        """Forget what nobody asks about."""
        oldest = self._now() - POSTER_FORGET_S
        for channel, easel in list(self._easels.items()):
            if easel.asked_at < oldest or self._registry.get(channel) is not easel.stream:
                del self._easels[channel]

    async def close(self) -> None:
        """Wait for the picture that is being made, begin no other."""
        worker, self._worker = self._worker, None
        self._closed = True
        if worker is not None:
            await asyncio.to_thread(worker.shutdown, wait=True, cancel_futures=True)

    def _easel(self, channel: ChannelId) -> _Easel | None:
        stream = self._registry.get(channel)
        if stream is None or not self.settings.enabled:
            return None
        easel = self._easels.get(channel)
        if easel is None or easel.stream is not stream:
            easel = self._easels[channel] = _Easel(stream)
        return easel

    def _make(self, easel: _Easel, now: float) -> None:
        """Begin a picture of the newest keyframe, unless it is the one that is shown."""
        frames = easel.stream.gop.frames
        if not frames or frames[0].track != 1 or frames[0] is easel.keyframe:
            return
        track = next((track for track in easel.stream.tracks if track.id == 1), None)
        if track is None:
            return
        if self._closed or self._making >= POSTERS_WAITING:
            self.counters.put_off += 1
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "poster")
        easel.keyframe, easel.due_at = frames[0], now + self.settings.every_s
        self._making += 1
        easel.making = asyncio.get_running_loop().run_in_executor(
            self._worker, self._still, track, frames[0].payload, self.settings.width
        )
        easel.making.add_done_callback(lambda made: self._made(easel, made))

    def _made(self, easel: _Easel, made: asyncio.Future[bytes]) -> None:
        self._making -= 1
        easel.making = None
        if made.cancelled():
            return
        error = made.exception()
        if error is None:
            easel.poster = Poster(made.result(), self._now())
            self.counters.made += 1
        else:
            self.counters.failed += 1
            log.warning("no poster", channel=easel.stream.lease.channel, reason=str(error)[:200])

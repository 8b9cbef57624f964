"""The threads on which sound or pictures are transcoded, shared by all streams, and the errands they run."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from madang.base.clock import Clock
from madang.base.limits import TRANSCODING_PATIENCE_S, TRANSCODING_THREADS
from madang.media.frame import Frame
from madang.media.track import Track
from madang.transcoding.counters import RenditionCounters


class Converter(Protocol):
    """One track on its way into another codec; `sound.Sound`, `motion.Motion`. Not for two threads."""

    failures: int
    """Frames that could not be decoded."""
    track: Track | None
    """What comes out, once that is known in full."""

    def convert(self, frame: Frame) -> list[Frame]: ...

    def flush(self) -> list[Frame]: ...


class Work:
    """One errand of the worker: convert a frame, or with None give back what is under way."""

    __slots__ = ("converter", "frame")

    def __init__(self, converter: Converter, frame: Frame | None) -> None:
        self.converter = converter
        self.frame = frame


Worker = Callable[[Sequence[Work]], list[list[Frame]]]


def convert(batch: Sequence[Work]) -> list[list[Frame]]:
    """On the worker thread: what each errand gives."""
    return [
        work.converter.flush() if work.frame is None else work.converter.convert(work.frame) for work in batch
    ]


class Workshop:
    """What renditions share: threads, a clock, and what is counted."""

    def __init__(
        self,
        clock: Clock,
        worker: Worker = convert,
        threads: int = TRANSCODING_THREADS,
    ) -> None:
        self.counters = RenditionCounters()
        self.now = clock.monotonic
        self._size = threads
        self._worker = worker
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False
        self._jobs: set[asyncio.Future[list[list[Frame]]]] = set()

    def send(self, batch: Sequence[Work]) -> asyncio.Future[list[list[Frame]]]:
        """Begin a job on a thread; a cancelled one when it is closed."""
        loop = asyncio.get_running_loop()
        if self._closed:
            job: asyncio.Future[list[list[Frame]]] = loop.create_future()
            job.cancel()
            return job
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._size, "transcoding")
        job = loop.run_in_executor(self._threads, self._worker, batch)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    async def settle(self) -> None:
        """Wait, as long as followers do, until everything under way has been handed on."""
        until = self.now() + TRANSCODING_PATIENCE_S
        while self._jobs and self.now() < until:
            await asyncio.wait(self._jobs, timeout=TRANSCODING_PATIENCE_S)

    async def close(self) -> None:
        """Begin no other job, and wait for those that run."""
        self._closed = True
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)

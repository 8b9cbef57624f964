"""Where the bodies of a window's closed segments are: the newest in memory, all of them in the spool."""

from collections import deque
from concurrent.futures import Future
from pathlib import Path

from madang.base.limits import PACKAGER_MEMORY_S
from madang.packaging.cmaf.segment import Segment
from madang.packaging.cmaf.spool import Spool
from madang.packaging.cmaf.window import Window


class Shelf:
    """Takes what a window closes to disk, and lets it leave memory after PACKAGER_MEMORY_S."""

    def __init__(self, window: Window, spool: Spool, folder: Path) -> None:
        self._window = window
        self._spool = spool
        self._folder = folder
        self._memory: deque[tuple[Segment, Future[bool]]] = deque()
        self._memory_s = 0.0
        window.on_closed = self._closed
        window.on_evicted = self._evicted

    async def read(self, msn: int) -> bytes:
        """The whole body of a segment, which may have left memory; empty when it is lost."""
        segment = self._window.segment(msn)
        if segment is None or segment.gap:
            return b""
        return segment.body or await self._spool.read(self._folder, msn)

    def _closed(self, segment: Segment) -> None:
        """To disk; the oldest in memory leaves it when it is there, and is a gap when it could not."""
        if segment.gap or segment.body is None:
            return
        self._memory.append((segment, self._spool.put(self._folder, segment.msn, segment.body)))
        self._memory_s += segment.duration
        while self._memory_s > PACKAGER_MEMORY_S and len(self._memory) > 2 and self._memory[0][1].done():
            oldest, written = self._memory.popleft()
            self._memory_s -= oldest.duration
            oldest.body = None
            oldest.gap = not written.result()

    def _evicted(self, segment: Segment) -> None:
        written = None
        if self._memory and self._memory[0][0] is segment:
            _, written = self._memory.popleft()
            self._memory_s -= segment.duration
        if segment.size and not segment.gap:
            self._spool.remove(self._folder, segment.msn, segment.size, written)

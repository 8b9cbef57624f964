"""One broadcast's packager: its stream, its window, the segmenter between them, and what memory keeps."""

from collections import deque
from concurrent.futures import Future
from pathlib import Path

from madang.base.limits import PACKAGER_MEMORY_S
from madang.hub.stream import Stream
from madang.media.track import Codec, Kind
from madang.packaging.cmaf.kept import keep, restore
from madang.packaging.cmaf.segment import Segment
from madang.packaging.cmaf.segmenter import Segmenter
from madang.packaging.cmaf.spool import Spool
from madang.packaging.cmaf.targets import PROBE_S
from madang.packaging.cmaf.window import Window

PLAYABLE = frozenset({Codec.AAC, Codec.OPUS, Codec.H264, Codec.H265, Codec.AV1, Codec.VP9})
"""What browsers play out of MP4, each in one of them at least: Media Source Extensions refuse MP3 and VP8
there."""


class Packager:
    """Packages a stream while attached. Closed segments go to the spool, and leave memory after a while."""

    def __init__(self, stream: Stream, spool: Spool, last_target: int = 0) -> None:
        self.stream = stream
        self.channel = stream.lease.channel
        self.broadcast = stream.broadcast
        self.window = Window(stream.lease.profile.dvr_window_s)
        self.attached = False
        self.asked_at = 0.0
        """Monotonic time of the last request, for packagers that run on demand."""
        self.ended_at = 0.0
        """Monotonic time at which the end was first seen, 0 before."""
        self._source = stream.want_playable(PLAYABLE)
        self._spool = spool
        self._folder: Path = spool.folder(self.channel, self.broadcast)
        self._segmenter = Segmenter(stream, self.window, last_target)
        self._memory: deque[tuple[Segment, Future[bool]]] = deque()
        self._memory_s = 0.0
        if stream.restored:
            self._restore()
        self.window.on_closed = self._closed
        self.window.on_evicted = self._evicted

    @property
    def ready(self) -> bool:
        """Whether a playlist can be shown: targets are fixed, and a segment is whole, since a playlist of
        parts alone is empty to players that read none, or has been waited for as long as it may be."""
        window = self.window
        if window.targets is None or window.last is None:
            return False
        return self.whole or window.last.duration + window.targets.part_target > PROBE_S

    @property
    def whole(self) -> bool:
        """Whether a segment is whole."""
        segments = self.window.segments
        return bool(segments) and segments[0].closed

    @property
    def costly(self) -> bool:
        """Whether the picture has to be made anew: that is done for viewers alone."""
        tracks = self.stream.tracks
        return any(track.kind is Kind.VIDEO and track.codec not in PLAYABLE for track in tracks)

    @property
    def folder(self) -> Path:
        """Where the spool keeps this broadcast."""
        return self._folder

    def attach(self) -> None:
        """Follow the stream; its cached GOP comes at once."""
        self.attached = True
        self._source.attach(self._segmenter)

    def detach(self) -> None:
        """Follow no longer; what there was is forgotten, its numbers are not used again."""
        self.attached = False
        self._source.detach(self._segmenter)
        self._segmenter.stop()
        self.window.forget()

    def drop(self) -> None:
        """The broadcast is over for everybody: its files go."""
        self.detach()
        self._spool.drop(self._folder)

    def save(self) -> None:
        """Keep what a restarted server needs to continue this broadcast."""
        state = keep(self.window)
        if state:
            self._spool.save(self._folder, state)

    async def read(self, msn: int) -> bytes:
        """The whole body of a segment that is no longer in memory; empty when it is lost."""
        segment = self.window.segment(msn)
        if segment is None or segment.gap:
            return b""
        return segment.body or await self._spool.read(self._folder, msn)

    def _restore(self) -> None:
        restore(self.window, self._spool.load(self._folder))
        for segment in self.window.segments:
            segment.gap = segment.gap or not self._spool.has(self._folder, segment.msn, segment.size)

    def _closed(self, segment: Segment) -> None:
        """To disk; the oldest in memory leaves it when it is there, and is a gap when it could not."""
        assert segment.body is not None
        self._memory.append((segment, self._spool.put(self._folder, segment.msn, segment.body)))
        self._memory_s += segment.duration
        while self._memory_s > PACKAGER_MEMORY_S and len(self._memory) > 2 and self._memory[0][1].done():
            oldest, written = self._memory.popleft()
            self._memory_s -= oldest.duration
            oldest.body = None
            oldest.gap = not written.result()

    def _evicted(self, segment: Segment) -> None:
        if self._memory and self._memory[0][0] is segment:
            self._memory.popleft()
            self._memory_s -= segment.duration
        self._spool.remove(self._folder, segment.msn, segment.size)

"""One broadcast's packager: its stream, its window, the segmenter between them, and what memory keeps."""

import re
from pathlib import Path

from madang.hub.layer import Layer
from madang.hub.stream import Stream
from madang.media.track import Codec, Kind
from madang.packaging.cmaf.kept import keep, restore
from madang.packaging.cmaf.rung import Rung
from madang.packaging.cmaf.segmenter import Segmenter
from madang.packaging.cmaf.shelf import Shelf
from madang.packaging.cmaf.spool import Spool
from madang.packaging.cmaf.targets import PROBE_S
from madang.packaging.cmaf.window import Window

PLAYABLE = frozenset({Codec.AAC, Codec.OPUS, Codec.H264, Codec.H265, Codec.AV1, Codec.VP9})
"""What browsers play out of MP4, each in one of them at least: Media Source Extensions refuse MP3 and VP8
there."""
_RID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
"""Names of layers that can stand in a URL (RFC 8851 section 10)."""


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
        self.rungs: dict[str, Rung] = {}
        """Smaller pictures that are packaged along, by the names of their directories."""
        if stream.restored:
            self._restore()
        self._shelf = Shelf(self.window, spool, self._folder)
        self.window.changed.append(self._changed)

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
        for rung in self.rungs.values():
            rung.stop()
        self.rungs.clear()

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
        return await self._shelf.read(msn)

    def look(self) -> None:
        """Package the publisher's smaller pictures (simulcast) along, where browsers play their codec."""
        if self.attached:
            for name, layer in self.stream.layers.items():
                if _playable(layer) and _RID.fullmatch(name):
                    self._rung(f"video-{name}").follow(layer)

    def _rung(self, name: str) -> Rung:
        if name not in self.rungs:
            folder = self._folder / name
            self._spool.drop(folder)  # what a run before this one left
            self.rungs[name] = Rung(self.stream, self.window, self._spool, folder)
        return self.rungs[name]

    def _changed(self) -> None:
        self.look()
        for rung in self.rungs.values():
            rung.sync()

    def _restore(self) -> None:
        restore(self.window, self._spool.load(self._folder))
        for segment in self.window.segments:
            segment.gap = segment.gap or not self._spool.has(self._folder, segment.msn, segment.size)


def _playable(layer: Layer) -> bool:
    return layer.track is not None and layer.track.codec in PLAYABLE

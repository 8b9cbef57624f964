"""A smaller picture beside a broadcast's own (simulcast), packaged with the same cuts.

Its segments and parts have the numbers, times and breaks of the main window's, so that a player changes from
one to the other at any of them (rfc8216bis section 6.2.4). A keyframe near a cut is moved to it; publishers
send keyframes of all their pictures together, and are asked to.
"""

from collections import deque
from itertools import islice
from pathlib import Path
from typing import Final

from madang.base.ids import BroadcastId, ChannelId
from madang.base.limits import LAYER_PENDING_BYTES
from madang.hub.layer import Layer
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Kind, Track
from madang.packaging.cmaf.rendering import Run, render
from madang.packaging.cmaf.segment import Part, Segment, Span
from madang.packaging.cmaf.shelf import Shelf
from madang.packaging.cmaf.spool import Spool
from madang.packaging.cmaf.window import Window

NEAR_S: Final = 0.1
"""A keyframe so near to the main picture's begins a segment with it."""
SAME_S: Final = 0.025
"""Times so near to each other are one: reports of two sources tell the publisher's clock that well."""
_RECENT: Final = 4


class Rung:
    """A StreamListener that follows a Layer; `sync` makes what the main window has made. Seconds are the
    stream's media time."""

    def __init__(self, stream: Stream, main: Window, spool: Spool, folder: Path) -> None:
        self.stream = stream
        self.window = Window(main.dvr_s)
        self._main = main
        self._shelf = Shelf(self.window, spool, folder)
        self._layer: Layer | None = None
        self._track: Track | None = None
        self._pending: deque[tuple[Track, Frame]] = deque()
        self._bytes = 0
        self._broken = False
        """Pictures were dropped: the next one is a keyframe."""
        self._next = -1
        """Media sequence number to go on with; -1 before the first picture."""
        self._last = -1

    @property
    def channel(self) -> ChannelId:
        """Of the stream."""
        return self.stream.lease.channel

    @property
    def broadcast(self) -> BroadcastId:
        """Of the stream."""
        return self.stream.broadcast

    @property
    def ready(self) -> bool:
        """Whether a playlist can be shown."""
        return self.window.targets is not None and bool(self.window.segments)

    @property
    def whole(self) -> bool:
        """Whether a segment is whole."""
        return self.ready and self.window.segments[0].closed

    @property
    def offered(self) -> bool:
        """Whether there have been pictures of late: publishers stop their layers as they like."""
        recent = islice(reversed(self.window.segments), _RECENT)
        return any(segment.closed and not segment.gap for segment in recent)

    def follow(self, layer: Layer) -> None:
        """Package this layer; the same one of a publisher who has come back continues what there is."""
        if layer is not self._layer:
            if self._layer is not None:
                self._layer.detach(self)
            self._layer = layer
            layer.attach(self)

    def stop(self) -> None:
        """Follow no longer, and forget what there was."""
        if self._layer is not None:
            self._layer.detach(self)
            self._layer = None
        self._drop_pending()
        self.window.forget()

    async def read(self, msn: int) -> bytes:
        """The whole body of a segment that is no longer in memory; empty when it is lost."""
        return await self._shelf.read(msn)

    # --- StreamListener ---

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        """Frames of this track follow, the first a keyframe."""
        self._track = tracks[0]
        self._broken = False

    def on_frame(self, frame: Frame) -> None:
        """One picture, kept until the main window has come to it."""
        if self._track is None or (self._broken and not frame.keyframe):
            return
        self._broken = False
        if self._next < 0:
            self._next = self._main.next_msn
        self._pending.append((self._track, frame))
        self._bytes += len(frame.payload)
        if self._bytes > LAYER_PENDING_BYTES:
            self._drop_pending()
            self._broken = True

    def on_state(self, state: StreamState) -> None:
        """The publisher is gone; the main window says what becomes of the broadcast."""

    def _drop_pending(self) -> None:
        self._pending.clear()
        self._bytes = 0

    # --- the main window's cuts ---

    def sync(self) -> None:
        """Make the segments and parts that the main window has and this one has not."""
        main, window = self._main, self.window
        window.targets, window.frame_rate = main.targets, main.frame_rate
        if self._next >= 0 and main.segments:
            self._next = max(self._next, main.segments[0].msn)
            while (segment := main.segment(self._next)) is not None:
                self._mirror(segment)
                if not segment.closed:
                    break
                self._next = segment.msn + 1
        window.ended = main.ended
        window.touch()

    def _mirror(self, segment: Segment) -> None:
        own = self.window.open
        if own is not None and own.msn != segment.msn:
            self._close(own)
            own = None
        own = own or self._open(segment)
        for part in segment.parts[len(own.parts) :]:
            self._add(own, part)
        if segment.closed:
            own.duration = segment.duration
            self._close(own)

    def _open(self, segment: Segment) -> Segment:
        window, main = self.window, self._main
        first = not window.segments
        if first:
            before = (each.discontinuity for each in main.segments if each.msn <= segment.msn)
            window.discontinuity_sequence = main.discontinuity_sequence + sum(before)
        init = window.begin_tracks((self._begin(segment.start, first),))
        own = Segment(segment.msn, init, segment.start, segment.wall, segment.discontinuity and not first)
        window.begin(own)
        return own

    def _close(self, own: Segment) -> None:
        """A segment without a picture is a gap (EXT-X-GAP)."""
        own.gap = not any(part.spans for part in own.parts)
        self.window.close()

    def _begin(self, start: float, first: bool) -> Track:
        """Let a segment begin with the keyframe near its start, where there is one. What stands before that
        is the tail of a picture that the main one has ended; the very first segment has no tail."""
        near = int(NEAR_S * self._scale)
        at = round(start * self._scale)
        for index, (each, frame) in enumerate(self._pending):
            if frame.dts > at + near:
                break
            if frame.keyframe and frame.dts >= at - near:
                self._skip(index)
                if abs(frame.dts - at) <= SAME_S * self._scale:
                    self._pending[0] = (each, Frame(frame.track, at, at, True, frame.payload))
                break
        while first and self._pending and self._pending[0][1].dts < at - near:
            self._skip(1)
        track = self._pending[0][0] if self._pending else self._track
        assert track is not None
        return track

    @property
    def _scale(self) -> int:
        return self._track.timescale if self._track is not None else 1

    def _skip(self, count: int) -> None:
        for _ in range(count):
            self._bytes -= len(self._pending.popleft()[1].payload)

    def _add(self, own: Segment, part: Part) -> None:
        """This picture's share of a part."""
        window = self.window
        track = window.inits[own.init].tracks[0]
        begin, end = (round(at * self._scale) for at in (part.start, part.start + part.duration))
        frames = self._take(track, begin, end)
        body: bytes = b""
        spans: dict[Kind, Span] = {}
        if frames:
            run = Run(track, frames, max(self._due(end), frames[-1].dts + 1))
            body, spans = render(window.next_fragment, [run])
            window.next_fragment += 1
        independent = bool(frames) and frames[0].keyframe
        own.add(Part(part.number, part.index, part.start, part.duration, independent, body, spans))
        window.next_part = part.number + 1

    def _take(self, track: Track, begin: int, end: int) -> list[Frame]:
        """The pictures of one track up to `end`, but no keyframe that is to begin what follows."""
        keys_until = end - min(int(NEAR_S * self._scale), (end - begin) // 2)
        frames: list[Frame] = []
        while self._pending:
            each, frame = self._pending[0]
            if each != track or frame.dts >= (keys_until if frame.keyframe else end):
                break
            self._skip(1)
            if frame.dts <= self._last:
                at = self._last + 1
                frame = Frame(frame.track, at, at, frame.keyframe, frame.payload)
            self._last = frame.dts
            frames.append(frame)
        return frames

    def _due(self, end: int) -> int:
        """When the picture behind a part's last one is shown."""
        following = self._pending[0][1].dts if self._pending else end
        return end if abs(following - end) <= SAME_S * self._scale else following

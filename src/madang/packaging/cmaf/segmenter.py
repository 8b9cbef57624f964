"""Frames into parts and segments: where to cut, and the rendering of each part.

Called for each frame of each stream: it only appends to a list until a part is due, then a part is
rendered by one join.
"""

from madang.containers.fmp4.fragment import append_fragment
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Kind, Track
from madang.packaging.cmaf.segment import Part, Segment, Span
from madang.packaging.cmaf.targets import probe
from madang.packaging.cmaf.window import Window


class Segmenter:
    """A StreamListener that fills a Window. The primary track (video, or audio alone) decides the cuts;
    the other track's frames go with the part whose time they fall into."""

    def __init__(self, stream: Stream, window: Window, last_target: int = 0, resumed: bool = False) -> None:
        self._stream = stream
        self._window = window
        self._last_target = last_target
        self._sequence = 0
        self._init = 0
        self._tracks: tuple[Track, ...] = ()
        self._primary: Track | None = None
        self._secondary: Track | None = None
        self._primary_id = self._secondary_id = -1
        self._frames: list[Frame] = []
        self._others: list[Frame] = []
        self._probe: list[Frame] = []
        self._interval = 0
        self._segment_start = 0
        self._part_limit = self._segment_limit = self._longest_limit = 0
        self._discontinuity = resumed

    # --- StreamListener ---

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        """Frames of these tracks follow, the first of the video track a keyframe."""
        if self._tracks and (discontinuity or tracks != self._tracks):
            self._finish_segment()
            self._discontinuity = True
        self._tracks = tracks
        by_kind = {track.kind: track for track in reversed(tracks)}
        video, audio = by_kind.get(Kind.VIDEO), by_kind.get(Kind.AUDIO)
        self._primary, self._secondary = (video, audio) if video else (audio, None)
        self._primary_id = self._primary.id if self._primary else -1
        self._secondary_id = self._secondary.id if self._secondary else -1
        self._frames, self._others, self._probe = [], [], []
        self._init = self._window.begin_tracks(tracks)
        self._interval = 0
        self._set_limits()

    def on_frame(self, frame: Frame) -> None:
        """One frame; a part or a segment may end before it."""
        if frame.track == self._primary_id:
            frames = self._frames
            if not frames:
                self._begin(frame)
                return
            if self._part_limit:
                dts = frame.dts
                self._interval = dts - frames[-1].dts
                length = dts - self._segment_start
                if (
                    frame.keyframe and length >= self._segment_limit
                ) or length + self._interval > self._longest_limit:
                    self._end_part(dts)
                    self._end_segment()
                elif dts - frames[0].dts + self._interval > self._part_limit:
                    self._end_part(dts)
                    self._window.touch()
                if not self._frames:
                    self._begin(frame)
                    return
                frames.append(frame)
            else:
                self._learn(frame)
        elif frame.track == self._secondary_id:
            self._others.append(frame)

    def on_state(self, state: StreamState) -> None:
        """Nothing more for now, or for ever: what is there is published."""
        if state is not StreamState.LIVE:
            self._finish_segment()
        if state is StreamState.ENDED:
            self._window.ended = True
        self._window.touch()

    # --- cutting ---

    def _begin(self, frame: Frame) -> None:
        """The first frame of a part, and of a segment when none is open."""
        if self._window.open is None:
            if self._primary is None or (self._primary.kind is Kind.VIDEO and self._waits(frame)):
                return
            self._segment_start = frame.dts
        self._frames.append(frame)

    def _waits(self, frame: Frame) -> bool:
        """A segment must not begin here: the first, and one behind a discontinuity, need a keyframe."""
        return not frame.keyframe and (self._discontinuity or self._window.last is None)

    def _learn(self, frame: Frame) -> None:
        """Before the first playlist: keep frames until the targets can be fixed, then cut them."""
        self._frames.append(frame)
        assert self._primary is not None
        self._window.targets = probe(
            self._primary, self._frames, self._stream.lease.profile, self._last_target
        )
        if self._window.targets is None:
            return
        self._set_limits()
        if self._primary.kind is Kind.VIDEO:
            self._window.frame_rate = round(1 / self._window.targets.frame, 3)
        held, self._frames = self._frames, []
        for each in held:
            self.on_frame(each)

    def _set_limits(self) -> None:
        targets, primary = self._window.targets, self._primary
        if targets is None or primary is None:
            self._part_limit = 0
            return
        self._part_limit = round(targets.part * primary.timescale)
        self._segment_limit = round(targets.segment * primary.timescale) if primary.kind is Kind.VIDEO else 0
        if primary.kind is Kind.AUDIO:
            self._segment_limit = round(targets.segment * primary.timescale)
        self._longest_limit = round(targets.longest_segment * primary.timescale)

    def _finish_segment(self) -> None:
        """Publish what is pending and close the segment, without knowing the next frame."""
        if self._frames and not self._part_limit:
            self._settle()
        if self._frames:
            self._end_part(self._frames[-1].dts + self._last_duration())
        if self._window.open is not None:
            self._end_segment()
        self._others = []

    def _settle(self) -> None:
        """The publisher left before the targets were known: fix them from what there is."""
        assert self._primary is not None
        frames = self._frames
        while len(frames) < 3:
            step = self._primary.timescale // 30
            frames = [*frames, Frame(self._primary_id, frames[-1].dts + step, 0, False, b"")]
        far = Frame(self._primary_id, frames[0].dts + 3 * self._primary.timescale, 0, False, b"")
        self._window.targets = probe(
            self._primary, [*frames, far], self._stream.lease.profile, self._last_target
        )
        self._set_limits()

    def _last_duration(self) -> int:
        if self._primary is not None and self._primary.frame_samples:
            return self._primary.frame_samples
        return self._interval or (self._primary.timescale // 30 if self._primary else 1)

    # --- rendering ---

    def _end_part(self, end: int) -> None:
        """Render the pending frames as a part that ends at `end`, in ticks of the primary track."""
        primary, frames = self._primary, self._frames
        assert primary is not None
        window = self._window
        segment = window.open
        start = frames[0].dts / primary.timescale
        if segment is None:
            segment = self._begin_segment(start)
        pieces: list[bytes | memoryview] = []
        spans: dict[Kind, Span] = {}
        self._sequence += 1
        duration = (end - frames[0].dts) / primary.timescale
        fixed = primary.frame_samples
        size = append_fragment(pieces, self._sequence, frames, end, fixed)
        spans[primary.kind] = Span(0, size, frames[0].dts, duration)
        if self._secondary is not None:
            self._append_others(
                pieces, spans, self._secondary, end * self._secondary.timescale // primary.timescale
            )
        part = Part(
            window.next_part, len(segment.parts), start, duration,
            frames[0].keyframe, b"".join(pieces), spans,
        )  # fmt: skip
        window.next_part += 1
        segment.add(part)
        self._frames = []

    def _append_others(
        self, pieces: list[bytes | memoryview], spans: dict[Kind, Span], track: Track, limit: int
    ) -> None:
        """Those frames of the other track that begin before `limit`, in its own ticks."""
        others = self._others
        count = len(others)
        while count and others[count - 1].dts >= limit:
            count -= 1
        if not count:
            return
        taken, self._others = others[:count], others[count:]
        last = taken[-1].dts
        end = last + track.frame_samples
        if not track.frame_samples:
            end = self._others[0].dts if self._others else last + (last - taken[0].dts) // max(1, count - 1)
            end = max(end, last + 1)
        self._sequence += 1
        begin = next(iter(spans.values())).end
        size = append_fragment(pieces, self._sequence, taken, end, track.frame_samples)
        spans[track.kind] = Span(begin, begin + size, taken[0].dts, (end - taken[0].dts) / track.timescale)

    def _begin_segment(self, start: float) -> Segment:
        segment = Segment(
            self._window.next_msn, self._init, start, self._stream.wall_of(start),
            discontinuity=self._discontinuity and self._window.last is not None,
        )  # fmt: skip
        self._discontinuity = False
        self._window.begin(segment)
        return segment

    def _end_segment(self) -> None:
        self._window.close()
        self._window.touch()

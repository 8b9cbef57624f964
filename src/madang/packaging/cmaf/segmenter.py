"""Frames into parts and segments: where to cut.

Called for each frame of each stream: it appends to a list until a part is due. A part of steady video
is published with its last frame, whose end is foreseen, and not one frame later.
"""

from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Kind, Track
from madang.packaging.cmaf.rendering import Run, render, run_of_sound
from madang.packaging.cmaf.segment import Part, Segment
from madang.packaging.cmaf.targets import JITTER_S, Targets, probe, settle, usual_rate
from madang.packaging.cmaf.window import Window

# Sound that runs on without picture is published after this; twice as long when the picture was only late.
STARVED_S = 1.0
_STARVED_S_MAX = 8.0
# Sound from before the first picture: kept so long while that is awaited, and played before it.
_AWAITED_S = 4.0
_EARLY_SOUND_S = 0.2
_NEVER = 1 << 62


class Segmenter:
    """A StreamListener that fills a Window. The primary track (video, or audio alone) decides the cuts;
    frames of the other track go with the part whose time they fall into. Ticks are the primary track's."""

    def __init__(self, stream: Stream, window: Window, last_target: int = 0) -> None:
        self._stream = stream
        self._window = window
        self._last_target = last_target
        self._tracks: tuple[Track, ...] = ()
        self._primary: Track | None = None
        self._secondary: Track | None = None
        self._primary_id = self._secondary_id = -1
        self._video = False
        self._init = 0
        self._frames: list[Frame] = []
        self._others: list[Frame] = []
        self._last_dts = 0
        self._end = 0
        """Where the last part ended."""
        self._segment_start = 0
        self._discontinuity = window.last is not None
        self._patience_s = STARVED_S
        self._starved_at = _NEVER
        """Sound beyond this, in its own ticks, is no longer kept back."""
        self._part_limit = self._segment_limit = self._longest_limit = 0
        self._slack = self._step = 0
        self._ticks = 1

    # --- StreamListener ---

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        """Frames of these tracks follow, the first of the video track a keyframe."""
        if self._part_limit:
            self._finish()
        self._discontinuity = self._window.last is not None
        self._tracks = tracks
        by_kind = {track.kind: track for track in reversed(tracks)}
        video, audio = by_kind.get(Kind.VIDEO), by_kind.get(Kind.AUDIO)
        self._primary, self._secondary = (video, audio) if video else (audio, None)
        self._video = video is not None
        self._primary_id = self._primary.id if self._primary else -1
        self._secondary_id = self._secondary.id if self._secondary else -1
        self._frames, self._others = [], []
        self._starved_at = _NEVER
        self._init = self._window.begin_tracks(tracks)
        self._set_limits()

    def on_frame(self, frame: Frame) -> None:
        """One frame; a part or a segment may end before it, or with it."""
        if frame.track == self._primary_id:
            if not self._part_limit:
                self._learn(frame)
            elif self._window.open is None and not self._frames:
                self._begin(frame)
            else:
                self._add(frame)
        elif frame.track == self._secondary_id:
            self._others.append(frame)
            if frame.dts > self._starved_at:
                self._starve(frame)
            elif not self._frames and self._window.open is None:
                self._forget_sound(frame.dts, _AWAITED_S)

    def on_state(self, state: StreamState) -> None:
        """Nothing more for now, or for ever: what is there is published."""
        if state is not StreamState.LIVE:
            self._finish()
            self._discontinuity = True
        if state is StreamState.ENDED:
            self._window.ended = True
        self._window.touch()

    def stop(self) -> None:
        """Forget what is pending; frames that follow begin a new segment."""
        self._frames, self._others = [], []
        self._tracks = ()

    # --- before the first playlist ---

    def _learn(self, frame: Frame) -> None:
        """Keep frames until the targets can be fixed, then cut them."""
        if self._primary is None or (not self._frames and not frame.keyframe):
            return
        self._frames.append(frame)
        targets = probe(self._primary, self._frames, self._stream.lease.profile, self._last_target)
        if targets is not None:
            self._fix(targets)

    def _fix(self, targets: Targets) -> None:
        self._window.targets = targets
        if self._video:
            self._window.frame_rate = usual_rate(1 / targets.frame)
        self._set_limits()
        held, self._frames = self._frames, []
        for each in held:
            self.on_frame(each)

    def _set_limits(self) -> None:
        targets, primary = self._window.targets, self._primary
        if targets is None or primary is None:
            self._part_limit = 0
            return
        ticks = self._ticks = primary.timescale
        self._part_limit = int(targets.part_target * ticks)
        self._segment_limit = int(targets.segment * ticks)
        self._longest_limit = int(targets.longest_segment * ticks)
        self._slack = int(JITTER_S * ticks)
        self._step = round(targets.frame * ticks)

    # --- cutting ---

    def _begin(self, frame: Frame) -> None:
        """The first frame of a segment; the first one ever, and one behind a break, is a keyframe."""
        broken = self._discontinuity or self._window.last is None
        if frame.keyframe or not broken:
            if not broken:
                frame = self._placed(frame)
            elif self._primary is not None and self._secondary is not None:
                at = frame.dts * self._secondary.timescale // self._primary.timescale
                self._forget_sound(at, _EARLY_SOUND_S)
            self._segment_start = self._end = self._last_dts = frame.dts
            self._frames.append(frame)
            self._wait_for(frame.dts)

    def _add(self, frame: Frame) -> None:
        frame = self._placed(frame)
        dts = frame.dts
        step = dts - self._last_dts
        length = dts - self._segment_start
        if length > self._longest_limit:
            if self._secondary is None:
                self._leave_gap(dts)
                self._begin(frame)
                return
            self._advance(dts)
            step = dts - self._end
            length = dts - self._segment_start
        if (frame.keyframe and length >= self._segment_limit) or length + step > self._longest_limit:
            self._cut(self._promised(dts))
            self._begin(frame)
            return
        if self._frames and dts - self._frames[0].dts + step > self._part_limit:
            self._publish(dts)
        self._frames.append(frame)
        self._last_dts = dts
        full = dts - self._frames[0].dts + 2 * step > self._part_limit
        if full and self._video and abs(step - self._step) <= self._slack:
            self._publish(dts + self._step)

    def _promised(self, end: int) -> int:
        """No later than a segment may end, when there is sound to play meanwhile."""
        longest = self._segment_start + self._longest_limit
        if self._secondary is None:
            return end
        return min(end, max(longest, self._last_dts + 1 if self._frames else self._end))

    def _placed(self, frame: Frame) -> Frame:
        """A frame behind the one before it. The first of a part begins where the part before was foreseen
        to end, give or take jitter; a late one has lost its place to sound alone."""
        floor = self._last_dts + 1 if self._frames else self._end
        late = floor - frame.dts
        if late > self._slack:
            self._patience_s = min(2 * self._patience_s, _STARVED_S_MAX)
        elif late <= 0 and (self._frames or late < -self._slack or not late):
            return frame
        return Frame(frame.track, floor, max(frame.pts, floor), frame.keyframe, frame.payload)

    def _cut(self, end: int) -> None:
        """End the part and the segment."""
        if self._frames:
            self._publish(end, quiet=True)
        self._window.close()
        self._window.touch()

    def _leave_gap(self, now: int) -> None:
        """A picture without sound stood still for longer than a segment may last: the last frame is shown to
        the segment's end, and up to the next frame, at `now`, nothing is there (EXT-X-GAP)."""
        self._cut(max(self._segment_start + self._longest_limit, self._end))
        while now - self._end > self._slack:
            begin, self._end = self._end, min(now, self._end + self._longest_limit)
            self._window.leave_gap(self._new_segment(begin / self._ticks, (self._end - begin) / self._ticks))

    def _starve(self, frame: Frame) -> None:
        """The picture stands still: sound goes on in parts of its own, after some patience."""
        primary, secondary = self._primary, self._secondary
        if primary is None or secondary is None or self._window.last is None:
            return
        now = frame.dts * primary.timescale // secondary.timescale
        if not self._frames:
            first = self._others[0].dts * primary.timescale // secondary.timescale
            self._end = max(self._end, first)
        self._advance(now)

    def _advance(self, now: int) -> None:
        """Publish up to the last part before `now` that is as long as parts may be: what frames there are,
        then sound alone, in segments no longer than promised."""
        while now - (start := self._frames[0].dts if self._frames else self._end) > self._part_limit:
            self._publish(start + self._part_limit)
            self._last_dts = self._end
            if self._end - self._segment_start + self._part_limit > self._longest_limit:
                self._window.close()
                self._window.touch()
                self._segment_start = self._end

    def _forget_sound(self, now: int, keep_s: float) -> None:
        """Sound from long before `now`, in its own ticks, has no picture to go with."""
        others, track = self._others, self._secondary
        if track is not None and others and now - others[0].dts > keep_s * track.timescale:
            oldest = now - int(keep_s * track.timescale)
            self._others = [other for other in others if other.dts >= oldest]

    def _wait_for(self, dts: int) -> None:
        """From here on, sound is kept back for the picture for a while."""
        if self._primary is not None and self._secondary is not None:
            until = dts / self._primary.timescale + self._window_part_s + self._patience_s
            self._starved_at = int(until * self._secondary.timescale)

    @property
    def _window_part_s(self) -> float:
        return self._window.targets.part_target if self._window.targets else 0.0

    def _finish(self) -> None:
        """Publish what is pending and close the segment, without knowing the next frame."""
        if not self._part_limit and self._frames and self._primary is not None:
            self._fix(settle(self._primary, self._frames, self._stream.lease.profile, self._last_target))
        if self._frames or (self._others and self._window.open is not None):
            end = self._last_end()
            if self._secondary is not None:
                self._advance(end)
            self._publish(self._promised(max(end, self._end)), quiet=True)
            if self._others:  # the last of the sound would make the segment too long
                self._window.close()
                self._segment_start = self._end
                self._publish(max(end, self._end), quiet=True)
        if self._window.open is not None:
            self._window.close()
            self._window.touch()
        self._frames, self._others = [], []

    def _last_end(self) -> int:
        """Where the pending frames end, the sound's included."""
        end = self._end
        if self._frames:
            end = self._frames[-1].dts + max(1, self._step)
        if self._others and self._secondary is not None and self._primary is not None:
            heard = self._others[-1].dts + self._secondary.frame_samples
            end = max(end, -(-(heard + 1) * self._primary.timescale // self._secondary.timescale))
        return end

    def _publish(self, end: int, quiet: bool = False) -> None:
        """Render the pending frames as a part that ends at `end`; `quiet` when more news follow at once."""
        frames, self._frames = self._frames, []
        start, self._end = (frames[0].dts if frames else self._end), end
        runs = self._runs(frames, end)
        if runs and self._primary is not None:
            self._append(runs, start / self._primary.timescale, end / self._primary.timescale)
        self._wait_for(end)
        if not quiet:
            self._window.touch()

    def _runs(self, frames: list[Frame], end: int) -> list[Run]:
        """What goes into a part that ends at `end`: these frames, and the sound up to there."""
        runs = []
        primary, secondary = self._primary, self._secondary
        if frames and primary is not None:
            runs.append(Run(primary, frames, end))
        if secondary is not None and primary is not None:
            others = self._others
            limit = end * secondary.timescale // primary.timescale
            count = len(others)
            while count and others[count - 1].dts >= limit:
                count -= 1
            if count:
                following = others[count] if count < len(others) else None
                runs.append(run_of_sound(secondary, others[:count], following))
                self._others = others[count:]
        return runs

    def _append(self, runs: list[Run], start: float, end: float) -> None:
        window = self._window
        segment = window.open or self._open_segment(start)
        body, spans = render(window.next_fragment, runs)
        first = runs[0]
        independent = first.track is self._primary and first.frames[0].keyframe
        segment.add(Part(window.next_part, len(segment.parts), start, end - start, independent, body, spans))
        window.next_part += 1
        window.next_fragment += len(runs)

    def _open_segment(self, start: float) -> Segment:
        segment = self._new_segment(start)
        self._window.begin(segment)
        return segment

    def _new_segment(self, start: float, duration: float = 0.0) -> Segment:
        """The next segment, not listed yet; one with a duration is whole."""
        segment = Segment(
            self._window.next_msn, self._init, start, self._stream.wall_of(start),
            discontinuity=self._discontinuity and self._window.last is not None,
            duration=duration, closed=duration > 0, gap=duration > 0,
        )  # fmt: skip
        self._discontinuity = False
        return segment

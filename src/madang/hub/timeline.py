"""Timeline repair: the publisher's times become one monotonic axis that starts at 0.

Every track has a lane. A lane adds its shift to the publisher's times; lanes share one shift, so that
sound stays with the picture. What does not fit the lane is tried, in this order, as a gap that the clock
confirms, as a wrap of the counter, as a leap that another lane has already made; else the axis is
based anew (fault F19). Audio is laid on a grid of whole frames, because a publisher's milliseconds are
rounded and samples are not.
"""

from madang.hub.reorder import Reorder
from madang.hub.wallclock import RESETTLE_S, SETTLE_S, WallClock
from madang.media.frame import Frame
from madang.media.timebase import MILLISECONDS, VIDEO_TIMESCALE, rescale
from madang.media.track import Kind, Track

LEAP_S = 1.0
"""F19: a step forward beyond this needs a reason, a step back beyond it is a new clock."""
START_S = 5.0
"""How far behind the other track a track may start; further off it has a clock of its own."""
RESUME_S = 0.05
"""Distance kept from what was there before a reconnect, when the clock gives none."""
COMPOSITION_S = 10.0
"""A frame shown later than this after its decoding has a broken composition time."""
AUDIO_BACK_S = 0.1
"""Audio without a grid that steps back further than this repeats what was heard, and is left out."""
GRID_FRAMES = 2
"""Audio this many frames off the grid has a gap; less is jitter."""
GRID_PULL = 1 / 16
"""Weight of a frame in the mean distance from the grid."""
_NEVER = -(1 << 62)


class _Lane:
    """One track's state; ticks of its timescale."""

    __slots__ = (
        "at",
        "begun",
        "bias",
        "delay",
        "fresh",
        "generation",
        "jitter",
        "last",
        "least",
        "reorder",
        "shift",
        "step",
        "ticks_per_s",
        "video",
    )

    def __init__(self, track: Track) -> None:
        self.ticks_per_s = track.timescale
        self.video = track.kind is Kind.VIDEO
        self.step = track.frame_samples if track.timescale == track.sample_rate else 0
        """Ticks of an audio frame where all are equal, else 0."""
        self.jitter = GRID_FRAMES * self.step
        self.least = max(1, track.timescale // MILLISECONDS)
        """Between two frames: times rise in the milliseconds of FLV and RTMP too."""
        self.last = -self.least
        """The last dts that went out."""
        self.shift = 0
        self.generation = 0
        """Of the shared shift that the lane follows."""
        self.at = _NEVER
        """The last frame by the publisher's own clock, shifted."""
        self.begun = False
        self.fresh = True
        """No frame of this publisher and configuration came yet: the grid begins with the next one."""
        self.bias = 0.0
        """Mean distance of the publisher's times from the grid."""
        self.delay = 0
        """Ticks by which dts is early, so that pts >= dts where composition times are negative."""
        self.reorder = Reorder()

    def follow(self, old: "_Lane") -> None:
        """Go on behind `old`, on the same axis in perhaps another timescale."""
        self.last = -(-old.last * self.ticks_per_s // old.ticks_per_s)
        self.shift = rescale(old.shift, old.ticks_per_s, self.ticks_per_s)
        if old.begun:
            self.at = rescale(old.at, old.ticks_per_s, self.ticks_per_s)
            self.begun = True


class Timeline:
    """Maps a publisher's dts and pts to media time, across wraps, jumps and reconnects.

    `now` is monotonic seconds.
    """

    def __init__(self) -> None:
        self.clamped = 0
        """Frames whose time stepped back and that were moved or left out."""
        self.rebased = 0
        """Leaps of the publisher's clock."""
        self.head_s = 0.0
        """Media time reached."""
        self.broken = False
        """The axis was based anew since this was last set to False: a discontinuity is due."""
        self._wallclock = WallClock()
        self._lanes: dict[int, _Lane] = {}
        self._head_at = 0.0
        self._generation = 0
        """Leaps so far: a lane of an older one has not made the last leap yet."""
        self._shift: int | None = None
        """Added to the publisher's times, in ticks of 90 kHz; None until the first frame."""
        self._running = False
        self._settling = False
        """The publisher's first frames may have been late."""
        self._wall_offset = 0.0
        """Wall minus monotonic clock when the publisher began."""

    def restore(self, media_s: float, media_wall: float, monotonic: float, wall: float) -> None:
        """Go on with an axis of another run of the server, which had come to `media_s` at `media_wall`."""
        gap_s = max(0.0, wall - media_wall)
        self.head_s = media_s
        self._running = True
        self._wallclock.anchor(media_s, monotonic - gap_s, wall - gap_s)

    def begin(self, tracks: tuple[Track, ...], monotonic: float, wall: float) -> None:
        """A publisher (again): its first frame goes where the clock is."""
        self._wall_offset = wall - monotonic
        if not self._running:
            self._wallclock.anchor(self.head_s, monotonic, wall)
        self._lanes = self._follow(tracks)
        self._shift = None
        for lane in self._lanes.values():
            lane.begun, lane.at = False, _NEVER

    def change(self, tracks: tuple[Track, ...]) -> None:
        """The same publisher changes its tracks: the axis stays."""
        self._lanes = self._follow(tracks)

    def _follow(self, tracks: tuple[Track, ...]) -> dict[int, _Lane]:
        lanes = {track.id: _Lane(track) for track in tracks}
        for track, lane in lanes.items():
            if track in self._lanes:
                lane.follow(self._lanes[track])
        return lanes

    def wall_of(self, media_s: float) -> float:
        """The wall time of a media time."""
        return self._wallclock.wall_of(media_s)

    def media_of(self, track: int, at_s: float) -> float:
        """The media time of what the publisher stamps `at_s`, by a track of his; the time reached while that
        track has none."""
        lane = self._lanes.get(track)
        return at_s + lane.shift / lane.ticks_per_s if lane is not None and lane.begun else self.head_s

    def check(self, media_s: float, monotonic: float, wall: float) -> bool:
        """Whether a discontinuity is due before the frame at `media_s`, which arrives now (F18, F19)."""
        drifted = self._wallclock.check(media_s, monotonic, wall)
        due = self.broken or drifted
        self.broken = False
        return due

    def repair(self, raw: Frame, now: float) -> Frame | None:
        """`raw` on the stream's axis, or None when the frame has no place on it."""
        lane = self._lanes.get(raw.track)
        if lane is None:
            return None
        at = raw.dts + lane.shift
        if not 0 < at - lane.at <= lane.ticks_per_s:
            at = self._place(lane, raw, now)
        lane.at = at
        at_s = at / lane.ticks_per_s
        if at_s > self.head_s:
            self.head_s = at_s
            self._head_at = now
            if self._settling:
                self._settling = not self._wallclock.settle(at_s, now)
        if lane.video:
            return self._picture(lane, raw, at)
        dts = lane.last + lane.step
        if lane.fresh or not lane.step or not -lane.jitter <= at - dts <= lane.jitter:
            return self._sound(lane, raw, at)
        # Nearly all sound is on its grid; it is laid there without another call.
        lane.bias += (at - dts - lane.bias) * GRID_PULL
        if not -lane.step <= 2 * lane.bias <= lane.step:
            dts += round(lane.bias)
            lane.bias = 0.0
        lane.last = dts
        return Frame(raw.track, dts, dts, True, raw.payload)

    def _picture(self, lane: _Lane, raw: Frame, at: int) -> Frame:
        """A video frame is never left out: others are decoded from it."""
        last = lane.last
        if lane.reorder.depth:
            dts = lane.last = max(lane.reorder.decode_time(at, last), last + lane.least)
            return Frame(raw.track, dts, max(at, dts), raw.keyframe, raw.payload)
        composition = raw.pts - raw.dts
        bound = lane.ticks_per_s * COMPOSITION_S
        if composition + lane.delay < 0 and composition > -bound:
            lane.delay = -composition
        elif composition > bound:
            composition = 0
        dts = at - lane.delay
        if dts < last + lane.least:
            dts = last + lane.least
        lane.last = dts
        pts = at + composition
        return Frame(raw.track, dts, pts if pts > dts else dts, raw.keyframe, raw.payload)

    def _sound(self, lane: _Lane, raw: Frame, at: int) -> Frame | None:
        """An audio frame that is off the grid has a gap before it, or repeats what was heard and is left
        out; the first one makes the grid, and some tracks have none."""
        dts = lane.last + (lane.step or 1)
        if lane.fresh or not lane.step:
            back = lane.ticks_per_s * AUDIO_BACK_S if lane.last >= 0 else 0
            if at <= lane.last - back:
                self.clamped += lane.last >= 0  # sound from before the axis began is no fault
                return None
            dts, lane.fresh = max(at, lane.last + lane.least), False
        elif at > dts:
            dts, lane.bias = at, 0.0
        else:
            self.clamped += 1
            return None
        lane.last = dts
        return Frame(raw.track, dts, dts, True, raw.payload)

    def _place(self, lane: _Lane, raw: Frame, now: float) -> int:
        """The axis time of a frame that is not just a little later than the one before it."""
        if self._shift is None:
            return self._start(lane, raw.dts, now)
        if not lane.begun or self._leaps_along(lane, raw.dts, now):
            lane.shift = rescale(self._shift, VIDEO_TIMESCALE, lane.ticks_per_s)
            lane.generation = self._generation
        at = raw.dts + lane.shift
        if self._fits(lane, at, now):
            if at <= lane.at:
                self._back(lane, raw, at)
            lane.begun = True
            return at
        for shift in self._wrapped_shifts(lane):
            at = raw.dts + shift
            if self._fits(lane, at, now):
                if at <= lane.at:
                    self._back(lane, raw, at)
                lane.shift, lane.begun = shift, True
                return at
        return self._rebase(lane, raw.dts, now)

    def _leaps_along(self, lane: _Lane, raw_dts: int, now: float) -> bool:
        """Whether a lane makes a leap that another one has made: where the shared shift puts the frame
        nearer to where it ought to be. Frames that were under way stay with the old one."""
        if lane.generation == self._generation or self._shift is None:
            return False
        due = (self.head_s + max(0.0, now - self._head_at)) * lane.ticks_per_s
        shared = raw_dts + rescale(self._shift, VIDEO_TIMESCALE, lane.ticks_per_s)
        nearer = abs(shared - due) < abs(raw_dts + lane.shift - due)
        return nearer and self._fits(lane, shared, now)

    def _fits(self, lane: _Lane, at: int, now: float) -> bool:
        """Whether a time is at most a little back, and not ahead of what the clocks allow: a screen that
        is shared at one frame a second leaps each time, and the clock leaps with it."""
        at_s = at / lane.ticks_per_s
        reached_s = lane.last / lane.ticks_per_s if lane.begun else self.head_s - START_S
        elapsed_s = max(0.0, now - self._head_at)
        ahead_s = max(self.head_s + elapsed_s, self._wallclock.media_at(now))
        return reached_s - LEAP_S <= at_s <= ahead_s + LEAP_S

    def _back(self, lane: _Lane, raw: Frame, at: int) -> None:
        """A step back of at most LEAP_S: B-frames without composition times, or a clock set back."""
        if not lane.video or raw.pts != raw.dts or not lane.reorder.back(at / lane.ticks_per_s):
            self.clamped += 1

    def _wrapped_shifts(self, lane: _Lane) -> tuple[int, ...]:
        """Shifts that explain a leap: wraps of RTMP's milliseconds and of RTP's and
        MPEG-TS's 32 and 33 bits, in both directions (a step back across 0 reads as one forward)."""
        periods = (
            rescale(1 << 32, 1000, lane.ticks_per_s),
            1 << 32,
            rescale(1 << 33, VIDEO_TIMESCALE, lane.ticks_per_s),
        )
        return tuple(lane.shift + sign * period for period in periods for sign in (1, -1))

    def _start(self, lane: _Lane, raw_dts: int, now: float) -> int:
        """The first frame of a publisher: at the origin, or behind the gap that it left."""
        position_s, settle_s = self.head_s, SETTLE_S
        if self._running:
            settle_s = RESETTLE_S
            position_s = max(self.head_s + RESUME_S, self._wallclock.media_at(now))
        self._running = self._settling = True
        # Not when tracks were announced: a publisher may begin in the middle of a long GOP.
        self._wallclock.anchor(position_s, now, now + self._wall_offset, settle_s)
        return self._adopt(lane, raw_dts, position_s, now)

    def _rebase(self, lane: _Lane, raw_dts: int, now: float) -> int:
        """The publisher's clock leapt: this frame goes where real time has come to since the last one."""
        if lane.begun:
            self.rebased += 1
            self.broken = True
            self._generation += 1
            for other in self._lanes.values():
                other.at = _NEVER
        lane.reorder = Reorder()
        return self._adopt(lane, raw_dts, self.head_s + max(0.0, now - self._head_at), now)

    def _adopt(self, lane: _Lane, raw_dts: int, position_s: float, now: float) -> int:
        """Share a shift that puts `raw_dts` of `lane` at `position_s`."""
        raw = rescale(raw_dts, lane.ticks_per_s, VIDEO_TIMESCALE)
        self._shift = round(position_s * VIDEO_TIMESCALE) - raw
        lane.shift = max(
            rescale(self._shift, VIDEO_TIMESCALE, lane.ticks_per_s), lane.last + lane.least - raw_dts
        )
        lane.generation = self._generation
        lane.begun = True
        self._head_at = now
        return raw_dts + lane.shift

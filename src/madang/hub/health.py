"""What is wrong with a broadcast, measured from its frames: findings with a code and a number.

Each frame costs a few additions; judgement is passed once a second, on whole seconds. A finding stays
for HOLD_S after its cause was last seen, so that the studio's sentences do not flicker.
"""

from collections import deque
from statistics import median

import msgspec

from madang.hub.meter import Meter, Meters
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track

HOLD_S = 10.0
"""A finding is told this long after its cause was last seen."""
KEYFRAME_INTERVAL_S = 4.05
"""A longer interval makes joiners wait and segments long; 4 s itself, rounded, does not."""
MISSING_S = 4
"""Whole seconds without sound, or without a picture, before that is told."""
WINDOW_S = 6
"""Seconds over which beat and pace are judged."""
IRREGULAR_SHARE = 0.1
"""Pictures off the beat, of all in the window, beyond which the frame rate is variable."""
IRREGULAR_SECONDS = 3
"""In so many seconds at least: one hiccup is none."""
BEAT_TOLERANCE = 0.3
"""A picture is on the beat within this share of the mean distance, and BEAT_SLACK_S."""
BEAT_SLACK_S = 0.006
BEAT_PULL = 1 / 16
COLLAPSED = 0.3
"""Of its own median, below which the bitrate has collapsed."""
USUAL_S = 60
"""Seconds whose median is the usual bitrate; judged when there are USUAL_MIN_S."""
USUAL_MIN_S = 6
RECENT_S = 3
PACE = 0.85
"""Media seconds per second, below which frames come slower than real time."""
REPAIRS = 3
"""Repairs in REPAIRS_S from which on the publisher's timestamps are at fault."""
REPAIRS_S = 10.0
NAMES = {Codec.H265: "HEVC", Codec.AV1: "AV1", Codec.VP8: "VP8", Codec.VP9: "VP9"}
"""Pictures other than H.264, as broadcasters know them."""
SLOW_START_S = 3.0
"""From the first frame to the first keyframe."""


class Finding(msgspec.Struct, frozen=True):
    """One thing to tell the broadcaster; the page turns `code` and `value` into a sentence.

    | code | value |
    |---|---|
    | `keyframe_interval` | seconds between keyframes |
    | `no_audio`, `no_video` | seconds without |
    | `variable_frame_rate` | percent of pictures off the beat |
    | `bitrate_starving` | percent of the usual bitrate, or of real time |
    | `b_frames` | reordered pictures per second |
    | `picture_remade` | 0; `detail` is the codec that is made H.264 for those who cannot play it |
    | `unsupported_codec` | 0; `detail` is its name |
    | `timestamps` | repairs in the last ten seconds |
    | `slow_start` | seconds from the first frame to the first keyframe |
    """

    code: str
    value: float
    detail: str = ""


class Health:
    """Measures one broadcast. Fed frame by frame with repaired frames; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.tracks: tuple[Track, ...] = ()
        self._meter = Meter()
        self._found: dict[str, tuple[Finding, float]] = {}
        self._unsupported: dict[str, Finding] = {}
        self._repairs: deque[tuple[float, int]] = deque(maxlen=100)
        self._reset()

    def _reset(self) -> None:
        """Forget what was measured of the publisher before; the graphs go on."""
        self._found.clear()
        self._repairs.clear()
        self._seconds = -1
        """Whole seconds measured; the first, which began before this publisher, does not count."""
        self._ticks_per_s = 90_000
        self._sound_ticks_per_s = 90_000
        self._sound_dts = 0
        self._picture_dts = -1
        self._shown = -1
        self._beat = 0.0
        """Mean distance of pictures, in ticks."""
        self._slack = 0.0
        self._keyframe_dts = -1
        self._keyframe_interval_s = 0.0
        self._pace: deque[tuple[float, float]] = deque(maxlen=WINDOW_S)
        """Moment and media time at the end of each second."""

    def admit(self) -> None:
        """Another publisher connected, whose codecs are not known yet."""
        self._unsupported.clear()

    def begin(self, tracks: tuple[Track, ...]) -> None:
        """A publisher with these tracks (again): measuring starts over."""
        self.tracks = tracks
        self._reset()
        for track in tracks:
            if track.kind is Kind.VIDEO:
                self._ticks_per_s = track.timescale
                self._slack = track.timescale * BEAT_SLACK_S
            else:
                self._sound_ticks_per_s = track.timescale

    def unsupported(self, name: str) -> None:
        """The publisher sends a codec that nobody here can pass on; told until the next `admit`."""
        if len(self._unsupported) < 8:
            self._unsupported.setdefault(name, Finding("unsupported_codec", 0, name[:32]))

    def repaired(self, count: int, now: float) -> None:
        """The timestamps of `count` frames had to be mended."""
        self._repairs.append((now, count))

    def remade(self, codec: Codec, now: float) -> None:
        """The picture, in `codec`, is made H.264 for somebody. H.264 itself is so for its B-frames, which
        are told of anyway."""
        if codec is not Codec.H264:
            self._found["picture_remade"] = (Finding("picture_remade", 0, NAMES[codec]), now)

    def waited(self, seconds: float, now: float) -> None:
        """The first keyframe came this long after the first frame."""
        if seconds > SLOW_START_S:
            self._tell("slow_start", seconds, now)

    def add(self, frame: Frame, now: float) -> None:
        """One repaired frame; about a microsecond."""
        meter = self._meter
        if now >= meter.until:
            self._roll(now)
        second, dts = meter.current, frame.dts
        second.bits += len(frame.payload) << 3
        if frame.track != 1:
            second.sounds += 1
            self._sound_dts = dts
            return
        second.pictures += 1
        if self._picture_dts >= 0:
            distance = dts - self._picture_dts
            off = distance - self._beat
            slack = self._slack + BEAT_TOLERANCE * self._beat
            if off > slack or off < -slack:
                second.irregular += 1
            self._beat += off * BEAT_PULL if self._beat else distance
        self._picture_dts = dts
        if frame.pts < self._shown:
            second.reordered += 1
        else:
            self._shown = frame.pts
        if frame.keyframe:
            if self._keyframe_dts >= 0:
                self._keyframe_interval_s = (dts - self._keyframe_dts) / self._ticks_per_s
            self._keyframe_dts = dts

    def findings(self, now: float) -> tuple[Finding, ...]:
        """What to tell now; empty for a clean stream."""
        self._roll(now)
        told = (finding for finding, seen in self._found.values() if now - seen <= HOLD_S)
        return (*told, *self._unsupported.values())

    def meters(self, now: float) -> Meters:
        """Rates now and the last five minutes of them."""
        self._roll(now)
        return self._meter.read(self._keyframe_interval_s)

    def rates(self, now: float) -> tuple[int, float]:
        """Bits and pictures per second now: what `meters` begins with, without the history."""
        self._roll(now)
        return self._meter.rates()

    def _tell(self, code: str, value: float, now: float) -> None:
        self._found[code] = (Finding(code, round(value, 2)), now)

    def _roll(self, now: float) -> None:
        """Close the seconds that have passed, and judge."""
        passed = self._meter.roll(now)
        if not passed:
            return
        self._seconds += passed
        media_s = max(self._picture_dts / self._ticks_per_s, self._sound_dts / self._sound_ticks_per_s)
        self._pace.append((now, media_s))
        if self._seconds > 0:
            self._judge_tracks(now)
            self._judge_order(now)
            self._judge_rate(now)

    def _judge_tracks(self, now: float) -> None:
        """Sound and picture are there, and keyframes come often enough."""
        latest = self._meter.seconds[-1]
        for code, count in (("no_audio", "sounds"), ("no_video", "pictures")):
            if getattr(latest, count):
                continue
            seconds = 0
            for second in reversed(self._meter.last(min(self._seconds, USUAL_S))):
                if getattr(second, count):
                    break
                seconds += 1
            if seconds >= MISSING_S:
                self._tell(code, seconds, now)
        since_s = (self._picture_dts - self._keyframe_dts) / self._ticks_per_s
        interval_s = max(self._keyframe_interval_s, since_s)
        if self._keyframe_dts >= 0 and interval_s > KEYFRAME_INTERVAL_S:
            self._tell("keyframe_interval", interval_s, now)

    def _judge_order(self, now: float) -> None:
        """Pictures come in order and on the beat, with timestamps that rise."""
        window = self._meter.last(min(self._seconds, WINDOW_S))
        pictures = sum(second.pictures for second in window)
        reordered = sum(second.reordered for second in window)
        if reordered:
            self._tell("b_frames", reordered / len(window), now)
        irregular = sum(second.irregular for second in window)
        unsteady = sum(1 for second in window if second.irregular)
        if irregular > IRREGULAR_SHARE * pictures and unsteady >= IRREGULAR_SECONDS:
            self._tell("variable_frame_rate", 100 * irregular / pictures, now)
        repairs = sum(count for at, count in self._repairs if now - at <= REPAIRS_S)
        if repairs >= REPAIRS:
            self._tell("timestamps", repairs, now)

    def _judge_rate(self, now: float) -> None:
        """As many bits as usual, and media as fast as time."""
        seconds = [second.bits for second in self._meter.last(min(self._seconds, USUAL_S))]
        if len(seconds) >= RECENT_S + USUAL_MIN_S:
            usual = median(seconds[:-RECENT_S])
            recent = sum(seconds[-RECENT_S:]) / RECENT_S
            if recent < COLLAPSED * usual:
                self._tell("bitrate_starving", 100 * recent / usual, now)
        if len(self._pace) == WINDOW_S:
            (began, began_s), (ended, ended_s) = self._pace[0], self._pace[-1]
            distance_s = self._beat / self._ticks_per_s
            if ended_s - began_s + distance_s < PACE * (ended - began):
                self._tell("bitrate_starving", 100 * (ended_s - began_s) / (ended - began), now)

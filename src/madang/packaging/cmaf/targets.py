"""What never changes within a broadcast: TARGETDURATION, PART-TARGET, and the hold-backs made of them.

rfc8216bis sections 4.4.3.1 and 4.4.3.7; players stop (iOS: -12642) when one of these changes.
"""

import math
from collections.abc import Sequence
from statistics import median_low

import msgspec

from madang.hub.gate import Profile
from madang.media.frame import Frame
from madang.media.timebase import seconds
from madang.media.track import Kind, Track

# Where no keyframe interval was seen in time and no broadcast went before: above OBS's 250 frames at 30 fps.
UNKNOWN_TARGET_S = 9
# How long the first playlist waits for the second keyframe.
PROBE_S = 2.5
# Publishers' milliseconds: a part of N frames may measure so much more than N times the frame interval.
JITTER_S = 0.002
# EXTINF may exceed TARGETDURATION by less than this, as it is compared rounded (section 4.4.3.1).
_ROUNDING_S = 0.49
# A keyframe that comes early by so much of a segment still ends it.
_EARLY = 0.1
_RATES = (
    24000 / 1001,
    24.0,
    25.0,
    30000 / 1001,
    30.0,
    48.0,
    50.0,
    60000 / 1001,
    60.0,
    15.0,
    20.0,
    10.0,
    120.0,
)
# Half the distance between 30 and 30000/1001.
_RATE_ERROR = 0.0005
# Where a broadcast ended before its rate could be measured.
_UNKNOWN_INTERVAL_S = 1 / 30


class Targets(msgspec.Struct, frozen=True):
    """Fixed with the first playlist; durations in seconds."""

    target_duration: int
    part_target: float
    segment: float
    """A keyframe cuts once the segment is so long."""
    frame: float
    """Between frames of the primary track."""

    @property
    def longest_segment(self) -> float:
        """A segment is cut inside its GOP before it is longer."""
        return self.target_duration + _ROUNDING_S

    @property
    def hold_back(self) -> int:
        return 3 * self.target_duration

    @property
    def skip_until(self) -> int:
        """CAN-SKIP-UNTIL, the least that is allowed."""
        return 6 * self.target_duration


def probe(track: Track, frames: Sequence[Frame], profile: Profile, last_target: int = 0) -> Targets | None:
    """Targets from a broadcast's first frames of its primary track, or None while more are needed.

    Video waits for its second keyframe or for PROBE_S of media, audio alone for three frames.
    `last_target` is the TARGETDURATION of the channel's broadcast before this one, 0 for none.
    """
    if len(frames) < 3:
        return None
    if track.kind is Kind.AUDIO:
        return settle(track, frames, profile, math.ceil(profile.segment_s))
    if frames[-1].keyframe:
        distance = seconds(frames[-1].dts - frames[0].dts, track.timescale)
        return settle(track, frames, profile, _target_of(profile.segment_s, distance))
    if seconds(frames[-1].dts - frames[0].dts, track.timescale) < PROBE_S:
        return None
    return settle(track, frames, profile, last_target)


def settle(track: Track, frames: Sequence[Frame], profile: Profile, target: int = 0) -> Targets:
    """Targets from whatever frames there are; `target` 0 for a TARGETDURATION that fits any usual GOP."""
    interval = _interval(track, frames)
    interval = max(interval, 0.001)
    part = max(1, round(profile.part_s / interval)) * interval + JITTER_S
    return Targets(
        target_duration=target or UNKNOWN_TARGET_S,
        part_target=math.ceil(part * 1000) / 1000,
        segment=profile.segment_s * (1 - _EARLY),
        frame=interval,
    )


def _interval(track: Track, frames: Sequence[Frame]) -> float:
    """Seconds between frames: the mean, as times may be whole milliseconds, but without the gaps."""
    if track.frame_samples:
        return seconds(track.frame_samples, track.timescale)
    steps = [after.dts - before.dts for before, after in zip(frames, frames[1:], strict=False)]
    if not steps:
        return _UNKNOWN_INTERVAL_S
    usual = median_low(steps)  # one of them: there is always a usual one
    steps = [step for step in steps if 0.5 * usual <= step <= 1.5 * usual]
    return sum(steps) / len(steps) / track.timescale


def usual_rate(rate: float) -> float:
    """Frames per second as an encoder was told them, where a measurement through milliseconds allows it."""
    nearest = min(_RATES, key=lambda usual: abs(usual - rate))
    return nearest if abs(nearest - rate) < nearest * _RATE_ERROR else round(rate, 3)


def _target_of(wanted: float, interval: float) -> int:
    """TARGETDURATION for segments of whole GOPs of `interval` seconds that are at least `wanted` long."""
    longest = max(1, math.ceil(wanted * (1 - _EARLY) / interval)) * interval
    return max(1, math.ceil(longest - 0.05))

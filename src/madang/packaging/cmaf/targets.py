"""What never changes within a broadcast: TARGETDURATION, PART-TARGET, and the hold-backs made of them.

rfc8216bis section 4.4.3.1 and 4.4.3.7; players stop (iOS: -12642) when one of these changes.
"""

import math
from collections.abc import Sequence

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
_JITTER_S = 0.004
# EXTINF may exceed TARGETDURATION by less than this, as it is compared rounded (section 4.4.3.1).
_ROUNDING_S = 0.49


class Targets(msgspec.Struct, frozen=True):
    """Fixed with the first playlist; durations in seconds."""

    target_duration: int
    part_target: float
    part: float
    """A part is closed when one more frame would make it longer than this."""
    segment: float
    """A keyframe cuts once the segment is so long."""
    frame: float
    """Between frames of the primary track, on average."""

    @property
    def longest_segment(self) -> float:
        """A segment is cut inside its GOP before it is longer."""
        return self.target_duration + _ROUNDING_S

    @property
    def part_hold_back(self) -> float:
        """Three part targets, as Apple's authoring specification demands."""
        return round(3 * self.part_target, 3)

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
    elapsed = seconds(frames[-1].dts - frames[0].dts, track.timescale)
    interval = elapsed / (len(frames) - 1)
    if track.kind is Kind.AUDIO:
        return _targets(interval, _multiple(profile.segment_s, interval), profile)
    second = next((frame for frame in frames[1:] if frame.keyframe), None)
    if second is not None:
        distance = seconds(second.dts - frames[0].dts, track.timescale)
        return _targets(interval, _multiple(profile.segment_s, distance), profile)
    if elapsed < PROBE_S:
        return None
    return _targets(interval, float(last_target or UNKNOWN_TARGET_S), profile)


def _multiple(wanted: float, unit: float) -> float:
    """The least multiple of `unit` that is not below `wanted`, give or take the jitter of times."""
    return max(1, math.ceil((wanted - 0.05) / unit)) * unit


def _targets(interval: float, longest: float, profile: Profile) -> Targets:
    """`interval` between frames, `longest` segment expected."""
    frames = max(1, round(profile.part_s / interval))
    part = max(frames * interval, 0.001)
    return Targets(
        target_duration=max(1, math.ceil(longest - 0.05)),
        part_target=math.ceil((part + _JITTER_S) * 1000) / 1000,
        part=part + _JITTER_S,
        segment=profile.segment_s - 0.05,
        frame=interval,
    )

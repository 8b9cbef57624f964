"""What is wrong with a broadcast, measured from its frames: findings with a code and a number."""

import msgspec

from madang.media.frame import Frame
from madang.media.track import Track


class Finding(msgspec.Struct, frozen=True):
    """One thing to tell the broadcaster; the page turns `code` and `value` into a sentence."""

    code: str
    """`keyframe_interval`, `no_audio`, `no_video`, `variable_frame_rate`, `bitrate_starving`, `b_frames`,
    `unsupported_codec`, `timestamps`, `slow_start`."""
    value: float


class Health:
    """Measures one publication: rates, keyframe distance, frame order. Fed frame by frame, O(1)."""

    def __init__(self) -> None:
        self.tracks: tuple[Track, ...] = ()

    def begin(self, tracks: tuple[Track, ...]) -> None:
        self.tracks = tracks

    def add(self, frame: Frame, now: float) -> None: ...

    def findings(self, now: float) -> tuple[Finding, ...]:
        """What to tell now; empty for a clean stream."""
        return ()

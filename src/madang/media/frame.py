"""A frame: one access unit of one track, with its times."""

import msgspec


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One access unit. The payload is never copied again after ingest.

    H.264 and H.265: NAL units, each behind its length in four bytes (ISO/IEC 14496-15). AV1: the OBUs of
    a temporal unit without delimiters. AAC, Opus, MP3: one raw frame. `dts` and `pts` are ticks of the
    track's timescale; out of the hub `dts` is strictly monotonic per track and `pts >= dts`.
    """

    track: int
    dts: int
    pts: int
    keyframe: bool
    """Decoding can start here; true of every audio frame."""
    payload: bytes | memoryview

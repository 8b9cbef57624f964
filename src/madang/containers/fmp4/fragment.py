"""A fragment: `moof` and `mdat` of one track (ISO/IEC 14496-12 section 8.8).

The hot path of packaging: fixed boxes are packed by one struct, samples by another, payloads are joined
once by the caller.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache

from madang.media.frame import Frame

# Sample flags (section 8.8.3.1): depends on no other sample; depends on others and is no sync sample.
SYNC = 0x02000000
NON_SYNC = 0x01010000

_DEFAULT_BASE_IS_MOOF = 0x020000
_DATA_OFFSET, _FIRST_FLAGS, _DURATION, _SIZE, _FLAGS, _OFFSET = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800

# moof, mfhd, traf, tfhd with default duration and flags, tfdt version 1, trun up to its data offset.
_HEAD = struct.Struct(">I4sI4sIII4sI4sIIIII4sIQI4sIII")
_MDAT = struct.Struct(">I4s")


@lru_cache(maxsize=1024)
def _words(count: int) -> struct.Struct:
    return struct.Struct(f">{count}I")


def append_fragment(
    pieces: list[bytes | memoryview], sequence: int, frames: Sequence[Frame], end: int, duration: int
) -> int:
    """Append `moof` and `mdat` of `frames` (one track, at least one frame) to `pieces`; returns their size.

    `end` is the decode time at which the frame after the last one is due, in the track's timescale.
    `duration` is the length of every frame where that is fixed and known, else 0. Times must fit 64 bits,
    sizes and durations 32.
    """
    payloads = [frame.payload for frame in frames]
    sizes = list(map(len, payloads))
    first = frames[0]
    count = len(frames)
    steady = duration and end - first.dts == duration * count
    default_flags = SYNC
    flags, words = _DATA_OFFSET | _SIZE, sizes
    if not steady or first.track == 1:
        flags, default_flags, words = _describe(frames, sizes, end)
    first_flags = b"" if not flags & _FIRST_FLAGS else SYNC.to_bytes(4, "big")
    entries = _words(len(words)).pack(*words)
    trun = 20 + len(first_flags) + len(entries)
    traf = 8 + 24 + 20 + trun
    total = sum(sizes)
    pieces.append(
        _HEAD.pack(
            24 + traf, b"moof", 16, b"mfhd", 0, sequence & 0xFFFFFFFF, traf, b"traf",
            24, b"tfhd", _DEFAULT_BASE_IS_MOOF | 0x28, first.track, duration, default_flags,
            20, b"tfdt", 0x01000000, first.dts, trun, b"trun", flags, count, 32 + traf,
        )
    )  # fmt: skip
    pieces.append(first_flags + entries + _MDAT.pack(8 + total, b"mdat"))
    pieces += payloads
    return 32 + traf + total


def _describe(frames: Sequence[Frame], sizes: list[int], end: int) -> tuple[int, int, list[int]]:
    """trun flags, default sample flags and the words of each sample, as few of them as can be told."""
    times = [frame.dts for frame in frames]
    durations = [after - before for before, after in zip(times, [*times[1:], end], strict=True)]
    columns = [durations, sizes]
    flags = _DATA_OFFSET | _DURATION | _SIZE
    keys = [frame.keyframe for frame in frames]
    default = SYNC if all(keys) else NON_SYNC
    if default == NON_SYNC and True in keys:
        if True in keys[1:]:
            flags |= _FLAGS
            columns.append([SYNC if key else NON_SYNC for key in keys])
        else:
            flags |= _FIRST_FLAGS
    offsets = [frame.pts - frame.dts for frame in frames]
    if any(offsets):
        flags |= _OFFSET
        columns.append(offsets)
    return flags, default, [word for sample in zip(*columns, strict=True) for word in sample]


def fragment(sequence: int, frames: Sequence[Frame], end: int, duration: int = 0) -> bytes:
    """`moof` and `mdat` of one track as bytes; see `append_fragment`."""
    pieces: list[bytes | memoryview] = []
    append_fragment(pieces, sequence, frames, end, duration)
    return b"".join(pieces)

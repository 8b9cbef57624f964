"""The initialisation segment: `ftyp` and a `moov` without samples (ISO/IEC 14496-12 sections 8.2, 8.8)."""

import struct
from collections.abc import Sequence

from madang.containers.fmp4.boxes import box, full_box
from madang.containers.fmp4.entries import sample_entry
from madang.media.track import Kind, Track

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_FTYP = box(b"ftyp", b"iso6\0\0\0\0", b"iso6cmfcmp41")
_SELF_CONTAINED = full_box(b"url ", 0, 1)
_EMPTY_TABLES = (
    full_box(b"stts", 0, 0, b"\0\0\0\0")
    + full_box(b"stsc", 0, 0, b"\0\0\0\0")
    + full_box(b"stsz", 0, 0, b"\0\0\0\0\0\0\0\0")
    + full_box(b"stco", 0, 0, b"\0\0\0\0")
)


def init_segment(tracks: Sequence[Track]) -> bytes:
    """`ftyp` and `moov` for these tracks; fragments of any of them may follow."""
    header = full_box(
        b"mvhd", 0, 0, struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100), _MATRIX, bytes(24),
        (max(track.id for track in tracks) + 1).to_bytes(4, "big"),
    )  # fmt: skip
    extends = [full_box(b"trex", 0, 0, struct.pack(">IIIII", track.id, 1, 0, 0, 0)) for track in tracks]
    return _FTYP + box(b"moov", header, *map(_trak, tracks), box(b"mvex", *extends))


def _trak(track: Track) -> bytes:
    video = track.kind is Kind.VIDEO
    size = struct.pack(">II", track.width << 16, track.height << 16)
    header = full_box(
        b"tkhd", 0, 3,  # enabled, in the movie
        struct.pack(">IIIII8xHHHH", 0, 0, track.id, 0, 0, 0, 0, 0 if video else 0x100, 0), _MATRIX, size,
    )  # fmt: skip
    handler = b"vide" if video else b"soun"
    media = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, track.timescale, 0, 0x55C4, 0)),  # "und"
        full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"\0"),
        box(
            b"minf",
            full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4)),
            box(b"dinf", full_box(b"dref", 0, 0, b"\0\0\0\1", _SELF_CONTAINED)),
            box(b"stbl", full_box(b"stsd", 0, 0, b"\0\0\0\1", sample_entry(track)), _EMPTY_TABLES),
        ),
    )
    return box(b"trak", header, media)

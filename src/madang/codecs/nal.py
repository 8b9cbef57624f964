"""NAL units as H.264 and H.265 share them: behind a length (ISO/IEC 14496-15) or a start code (Annex B)."""

from collections.abc import Iterable, Iterator

from madang.base.errors import PeerError


def split(payload: bytes | memoryview, length_size: int = 4) -> Iterator[memoryview]:
    """The non-empty NAL units of an access unit, each behind `length_size` bytes of length.

    Views of `payload`, nothing is copied. A length beyond the end raises PeerError.
    """
    view = memoryview(payload)
    position, end = 0, len(view)
    while position < end:
        start = position + length_size
        position = start + int.from_bytes(view[position:start], "big")
        if start > end or position > end:
            raise PeerError("malformed", "a NAL unit reaches beyond its access unit")
        if position > start:
            yield view[start:position]


def join(units: Iterable[bytes | memoryview]) -> bytes:
    """NAL units as one access unit, each behind its length in four bytes."""
    pieces: list[bytes | memoryview] = []
    for unit in units:
        pieces.append(len(unit).to_bytes(4, "big"))
        pieces.append(unit)
    return b"".join(pieces)


def widen(payload: bytes | memoryview, length_size: int) -> bytes | memoryview:
    """The access unit with lengths of four bytes; `payload` itself when they are so already."""
    return payload if length_size == 4 else join(split(payload, length_size))


def split_annex_b(data: bytes) -> list[bytes]:
    """The NAL units between start codes (H.264 Annex B), without trailing zero bytes."""
    units = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        end = data.find(b"\x00\x00\x01", start + 3)
        unit = data[start + 3 : end if end >= 0 else len(data)].rstrip(b"\x00")
        if unit:
            units.append(unit)
        start = end
    return units


def parameter_sets(record: bytes, position: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """`count` units of a configuration record (avcC, hvcC) from `position` on, each behind two bytes of
    length, and where they end. PeerError when they reach beyond the record."""
    sets = []
    for _ in range(count):
        start = position + 2
        position = start + int.from_bytes(record[start - 2 : start], "big")
        if start > len(record) or position > len(record):
            raise PeerError("malformed", "a parameter set reaches beyond its configuration record")
        sets.append(record[start:position])
    return tuple(sets), position


def unescape(unit: bytes | memoryview) -> bytes:
    """The RBSP of a NAL unit: without emulation prevention bytes (H.264 section 7.4.1)."""
    data = bytes(unit)
    if b"\x00\x00\x03" not in data:
        return data
    out = bytearray()
    zeros = 0
    for byte in data:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return bytes(out)

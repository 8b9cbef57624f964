"""H.264 in RTP (RFC 6184): single NAL units, STAP-A and FU-A, which is packetization-mode 1."""

from collections.abc import Iterable

from madang.base.errors import PeerError
from madang.codecs import h264, nal
from madang.protocols.rtp.assembly import fragments, gather

STAP_A = 24
FU_A = 28
_HEAD = 1
_FILLER = 12
_LEFT_OUT = frozenset((h264.AUD, h264.SEI, _FILLER))
"""What no browser's decoder needs: a few bytes that would cost a packet of their own in each frame."""
_START, _END = 0x80, 0x40


def packetise(payload: bytes | memoryview, budget: int, sets: tuple[bytes, ...] = ()) -> list[bytes]:
    """The payloads of one access unit of four-byte lengths, each of at most `budget` bytes.

    `sets` are parameter sets that go before it, where it has none of its own: browsers want them in-band.
    Small units travel together; a large one goes in fragments of one length."""
    units = [unit for unit in nal.split(payload) if unit[0] & 31 not in _LEFT_OUT]
    if sets and not any(unit[0] & 31 == h264.SPS for unit in units):
        units = [*(memoryview(unit) for unit in sets), *units]
    return gather(units, budget, _HEAD, _head, _fragment)


def _head(units: list[memoryview]) -> bytes:
    """Of a STAP-A (section 5.7.1): its NRI is the greatest of its units."""
    return bytes((max(unit[0] & 0x60 for unit in units) | STAP_A,))


def _fragment(unit: memoryview, budget: int) -> list[bytes]:
    """FU-A (section 5.8): indicator, header, and a piece of the unit without its own header."""
    indicator, kind = unit[0] & 0xE0 | FU_A, unit[0] & 31
    pieces = fragments(unit[1:], budget - 2)
    last = len(pieces) - 1
    return [
        bytes((indicator, kind | (_START if i == 0 else 0) | (_END if i == last else 0))) + piece
        for i, piece in enumerate(pieces)
    ]


class Units:
    """An `assembly.Format` for H.264; gives NAL units behind lengths of four bytes."""

    def __init__(self) -> None:
        self._units: list[bytes | memoryview] = []
        self._fragments: list[memoryview] = []
        self._fragment_head = b""

    def add(self, payload: memoryview) -> int:
        if not len(payload):
            raise PeerError("malformed", "an empty H.264 payload")
        kind = payload[0] & 31
        if kind == FU_A:
            self._add_fragment(payload)
        elif self._fragment_head:
            raise PeerError("malformed", "a fragmented NAL unit has no end")
        elif 0 < kind < STAP_A:
            self._units.append(payload)
        elif kind == STAP_A:
            self._units += separate(payload[1:])
        else:
            raise PeerError("malformed", f"H.264 payload of type {kind}")
        return len(payload)

    def _add_fragment(self, payload: memoryview) -> None:
        if len(payload) < 3:
            raise PeerError("malformed", "FU-A without a payload")
        flags = payload[1]
        if flags & _START:
            if self._fragment_head:
                raise PeerError("malformed", "a fragmented NAL unit begins within another")
            self._fragment_head = bytes((payload[0] & 0xE0 | flags & 31,))
        elif not self._fragment_head:
            raise PeerError("malformed", "a fragmented NAL unit has no beginning")
        self._fragments.append(payload[2:])
        if flags & _END:
            self._units.append(b"".join((self._fragment_head, *self._fragments)))
            self._fragments, self._fragment_head = [], b""

    def take(self) -> tuple[bytes, bool] | None:
        if self._fragment_head:
            return None
        payload, pictures, keyframe = join(self._units)
        return (payload, keyframe) if pictures else None

    def clear(self) -> None:
        self._units, self._fragments, self._fragment_head = [], [], b""


def separate(body: memoryview) -> list[memoryview]:
    """The units of an aggregation, each behind its length in two bytes."""
    units = []
    position = 0
    while position < len(body):
        start = position + 2
        position = start + int.from_bytes(body[position:start], "big")
        if start >= len(body) or position > len(body) or position == start:
            raise PeerError("malformed", "a unit reaches beyond its aggregation")
        units.append(body[start:position])
    return units


def join(units: Iterable[bytes | memoryview]) -> tuple[bytes, bool, bool]:
    """The access unit, whether it holds slices, and whether they are IDR."""
    kept = [unit for unit in units if unit[0] & 31 not in _LEFT_OUT]
    kinds = {unit[0] & 31 for unit in kept}
    return nal.join(kept), bool(kinds & {1, 2, 3, 4, 5}), h264.IDR in kinds

"""H.265 in RTP (RFC 7798): single NAL units, aggregation packets (AP) and fragmentation units (FU), without
decoding order numbers."""

from madang.base.errors import PeerError
from madang.codecs import h265, nal
from madang.protocols.rtp.assembly import fragments, gather
from madang.protocols.rtp.h264 import separate

AP = 48
FU = 49
_HEAD = 2
_AUD, _EOS, _EOB, _FILLER = 35, 36, 37, 38
_DROPPED = frozenset((_AUD, _EOS, _EOB, _FILLER))
_START, _END = 0x80, 0x40


def kind_of(unit: bytes | memoryview) -> int:
    """nal_unit_type (section 1.1.4)."""
    return unit[0] >> 1 & 63


def packetise(payload: bytes | memoryview, budget: int, sets: tuple[bytes, ...] = ()) -> list[bytes]:
    """The payloads of one access unit of four-byte lengths, each of at most `budget` bytes; `sets` (VPS, SPS,
    PPS) go before it where it has none of its own."""
    units = [unit for unit in nal.split(payload) if len(unit) > 2 and kind_of(unit) not in _DROPPED]
    if sets and not any(kind_of(unit) == h265.SPS for unit in units):
        units = [*(memoryview(unit) for unit in sets), *units]
    return gather(units, budget, _HEAD, _head, _fragment)


def _head(units: list[memoryview]) -> bytes:
    """Of an AP (section 4.4.2): layer and temporal id are the lowest of its units."""
    layer = min((unit[0] & 1) << 5 | unit[1] >> 3 for unit in units)
    temporal = min(unit[1] & 7 for unit in units)
    return bytes((AP << 1 | layer >> 5, (layer & 31) << 3 | temporal))


def _fragment(unit: memoryview, budget: int) -> list[bytes]:
    """FU (section 4.4.3)."""
    head, kind = bytes((unit[0] & 0x81 | FU << 1, unit[1])), kind_of(unit)
    pieces = fragments(unit[2:], budget - 3)
    last = len(pieces) - 1
    return [
        head + bytes((kind | (_START if i == 0 else 0) | (_END if i == last else 0),)) + piece
        for i, piece in enumerate(pieces)
    ]


class Units:
    """An `assembly.Format` for H.265; gives NAL units behind lengths of four bytes."""

    def __init__(self) -> None:
        self._units: list[bytes | memoryview] = []
        self._fragments: list[memoryview] = []
        self._fragment_head = b""

    def add(self, payload: memoryview) -> int:
        if len(payload) < 3:
            raise PeerError("malformed", "an H.265 payload without a NAL unit")
        kind = kind_of(payload)
        if kind == FU:
            self._add_fragment(payload)
        elif self._fragment_head:
            raise PeerError("malformed", "a fragmented NAL unit has no end")
        elif kind == AP:
            self._units += (unit for unit in separate(payload[2:]) if len(unit) > 2)
        elif kind < AP:
            self._units.append(payload)
        else:
            raise PeerError("malformed", f"H.265 payload of type {kind}")
        return len(payload)

    def _add_fragment(self, payload: memoryview) -> None:
        if len(payload) < 4:
            raise PeerError("malformed", "FU without a payload")
        flags = payload[2]
        if flags & _START:
            if self._fragment_head:
                raise PeerError("malformed", "a fragmented NAL unit begins within another")
            self._fragment_head = bytes((payload[0] & 0x81 | (flags & 63) << 1, payload[1]))
        elif not self._fragment_head:
            raise PeerError("malformed", "a fragmented NAL unit has no beginning")
        self._fragments.append(payload[3:])
        if flags & _END:
            self._units.append(b"".join((self._fragment_head, *self._fragments)))
            self._fragments, self._fragment_head = [], b""

    def take(self) -> tuple[bytes, bool] | None:
        kept = [unit for unit in self._units if kind_of(unit) not in _DROPPED]
        kinds = {kind_of(unit) for unit in kept}
        if self._fragment_head or not any(kind < 32 for kind in kinds):
            return None
        return nal.join(kept), any(16 <= kind < 24 for kind in kinds)

    def clear(self) -> None:
        self._units, self._fragments, self._fragment_head = [], [], b""

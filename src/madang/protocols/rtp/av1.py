"""AV1 in RTP (AOMedia's RTP Payload Format for AV1, version 1.0)."""

from collections.abc import Iterator

from madang.base.errors import PeerError
from madang.codecs import av1

_CONTINUES, _CONTINUED, _NEW_SEQUENCE = 0x80, 0x40, 0x08
_HAS_EXTENSION, _HAS_SIZE = 0x04, 0x02
_TILE_LIST, _PADDING = 8, 15


def packetise(payload: bytes | memoryview, budget: int, keyframe: bool = False) -> list[bytes]:
    """The payloads of one temporal unit: OBUs without their size fields, each behind its length in the packet
    (W is 0), cut where a packet is full. `keyframe` starts a new coded video sequence."""
    made: list[bytes] = []
    pieces: list[bytes | memoryview] = []
    room, head = budget - 1, _NEW_SEQUENCE if keyframe else 0

    def close(continued: bool) -> None:
        nonlocal pieces, room, head
        made.append(b"".join((bytes((head | (_CONTINUED if continued else 0),)), *pieces)))
        pieces, room, head = [], budget - 1, _CONTINUES if continued else 0

    for unit in _elements(payload):
        left = memoryview(unit)
        while len(left):
            fits = room - (1 if room < 130 else 2)
            if fits < min(len(left), 8):
                close(False)
                continue
            piece, left = left[:fits], left[fits:]
            pieces += (leb128(len(piece)), piece)
            room -= len(piece) + (1 if len(piece) < 128 else 2)
            if len(left):
                close(True)
    if pieces:
        close(False)
    return made


def _elements(payload: bytes | memoryview) -> Iterator[bytes]:
    """OBUs as OBU elements: has_size_field is 0 (section 4.4), no delimiters, tile lists or padding."""
    for kind, whole, body in av1.units(payload):
        if kind not in (av1.TEMPORAL_DELIMITER, _TILE_LIST, _PADDING):
            head = whole[: 2 if whole[0] & _HAS_EXTENSION else 1]
            yield b"".join((bytes((head[0] & ~_HAS_SIZE & 0xFF,)), head[1:], body))


def leb128(value: int) -> bytes:
    """The number in groups of 7 bits, least significant first (AV1 specification section 4.10.5)."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class Units:
    """An `assembly.Format` for AV1; gives OBUs with size fields, without temporal delimiters."""

    def __init__(self) -> None:
        self._units: list[bytes] = []
        self._open: list[memoryview] | None = None
        """Pieces of the OBU that goes on in the next packet."""

    def add(self, payload: memoryview) -> int:
        if len(payload) < 2:
            raise PeerError("malformed", "an AV1 payload without an OBU")
        head = payload[0]
        if bool(head & _CONTINUES) is (self._open is None):
            raise PeerError("malformed", "an OBU goes on that never began, or the other way round")
        elements = list(_split(payload[1:], head >> 4 & 3))
        last = len(elements) - 1
        for index, element in enumerate(elements):
            pieces = [*(self._open or ()), element]
            self._open = None
            if index == last and head & _CONTINUED:
                self._open = pieces
            else:
                self._close(b"".join(pieces))
        return len(payload)

    def _close(self, unit: bytes) -> None:
        if not unit or unit[0] & 0x80:
            raise PeerError("malformed", "an OBU is empty or forbidden")
        kind, size = unit[0] >> 3 & 15, 2 if unit[0] & _HAS_EXTENSION else 1
        if len(unit) < size:
            raise PeerError("malformed", "an OBU is cut")
        if kind in (av1.TEMPORAL_DELIMITER, _TILE_LIST, _PADDING):
            return
        if not unit[0] & _HAS_SIZE:
            head = bytes((unit[0] | _HAS_SIZE,)) + unit[1:size]
            unit = head + leb128(len(unit) - size) + unit[size:]
        self._units.append(unit)

    def take(self) -> tuple[bytes, bool] | None:
        if self._open is not None or not self._units:
            return None
        kinds = [unit[0] >> 3 & 15 for unit in self._units]
        return b"".join(self._units), av1.SEQUENCE_HEADER in kinds

    def clear(self) -> None:
        self._units, self._open = [], None


def _split(body: memoryview, count: int) -> Iterator[memoryview]:
    """OBU elements: each behind its length, but the last of a counted row (section 4.4, W)."""
    position, index = 0, 0
    while position < len(body):
        index += 1
        if count and index == count:
            yield body[position:]
            return
        size, shift = 0, 0
        while True:
            if position >= len(body) or shift > 28:
                raise PeerError("malformed", "the length of an OBU element is cut")
            byte = body[position]
            position += 1
            size |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        if position + size > len(body):
            raise PeerError("malformed", "an OBU element reaches beyond its packet")
        if size:
            yield body[position : position + size]
        position += size
    if count and index < count:
        raise PeerError("malformed", "OBU elements are missing")

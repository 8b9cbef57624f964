"""VP9 in RTP (RFC 9628)."""

from madang.base.errors import PeerError
from madang.codecs import vp9
from madang.protocols.rtp.assembly import fragments

_ID, _INTER, _LAYER, _FLEXIBLE, _BEGIN, _END, _STRUCTURE = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02


def packetise(payload: bytes | memoryview, budget: int) -> list[bytes]:
    """The payloads of one frame of a single layer: a descriptor of one byte, and pieces of equal length."""
    inter = 0 if vp9.is_keyframe(payload) else _INTER
    pieces = fragments(memoryview(payload), budget - 1)
    last = len(pieces) - 1
    return [
        bytes((inter | (_BEGIN if index == 0 else 0) | (_END if index == last else 0),)) + piece
        for index, piece in enumerate(pieces)
    ]


def descriptor_bytes(payload: memoryview) -> int:
    """Length of the payload descriptor (section 4.2); PeerError when it is cut."""
    flags, size = payload[0], 1
    try:
        if flags & _ID:
            size += 2 if payload[size] & 0x80 else 1
        if flags & _LAYER:
            size += 1 if flags & _FLEXIBLE else 2
        if flags & _FLEXIBLE and flags & _INTER:
            for _ in range(3):
                size += 1
                if not payload[size - 1] & 1:
                    break
        if flags & _STRUCTURE:
            size = _structure_end(payload, size)
    except IndexError:
        raise PeerError("malformed", "a VP9 payload descriptor is cut") from None
    if size >= len(payload):
        raise PeerError("malformed", "a VP9 payload without a frame")
    return size


def _structure_end(payload: memoryview, position: int) -> int:
    """Behind the scalability structure (section 4.2.1)."""
    head = payload[position]
    position += 1
    if head & 0x10:
        position += 4 * ((head >> 5) + 1)
    if head & 0x08:
        pictures = payload[position]
        position += 1
        for _ in range(pictures):
            position += 1 + (payload[position] >> 2 & 3)
    return position


class Pieces:
    """An `assembly.Format` for VP9; spatial layers of one picture become one superframe's frames in a row."""

    def __init__(self) -> None:
        self._pieces: list[memoryview] = []
        self._whole = True

    def add(self, payload: memoryview) -> int:
        if not len(payload):
            raise PeerError("malformed", "an empty VP9 payload")
        body = payload[descriptor_bytes(payload) :]
        if bool(payload[0] & _BEGIN) is not self._whole:
            raise PeerError("malformed", "a VP9 frame begins twice, or never")
        self._whole = bool(payload[0] & _END)
        self._pieces.append(body)
        return len(body)

    def take(self) -> tuple[bytes, bool] | None:
        frame = b"".join(self._pieces)
        return (frame, vp9.is_keyframe(frame)) if frame and self._whole else None

    def clear(self) -> None:
        self._pieces, self._whole = [], True

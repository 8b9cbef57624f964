"""VP8 in RTP (RFC 7741)."""

from madang.base.errors import PeerError
from madang.codecs import vp8
from madang.protocols.rtp.assembly import fragments

_EXTENDED, _START = 0x80, 0x10


def packetise(payload: bytes | memoryview, budget: int) -> list[bytes]:
    """The payloads of one frame: a descriptor of one byte, and pieces of equal length."""
    pieces = fragments(memoryview(payload), budget - 1)
    return [(b"\x00" if index else b"\x10") + piece for index, piece in enumerate(pieces)]


def descriptor_bytes(payload: memoryview) -> int:
    """Length of the payload descriptor (section 4.2); PeerError when it is cut."""
    size = 1
    if payload[0] & _EXTENDED:
        flags = payload[1] if len(payload) > 1 else 0
        size = 2
        if flags & 0x80:  # picture id of 7 or 15 bits
            size += 2 if len(payload) > 2 and payload[2] & 0x80 else 1
        size += bool(flags & 0x40) + bool(flags & 0x30)
    if size >= len(payload):
        raise PeerError("malformed", "a VP8 payload without a frame")
    return size


class Pieces:
    """An `assembly.Format` for VP8."""

    def __init__(self) -> None:
        self._pieces: list[memoryview] = []

    def add(self, payload: memoryview) -> int:
        if not len(payload):
            raise PeerError("malformed", "an empty VP8 payload")
        body = payload[descriptor_bytes(payload) :]
        begins = bool(payload[0] & _START) and not payload[0] & 7
        if begins == bool(self._pieces):
            raise PeerError("malformed", "a VP8 frame begins twice, or never")
        self._pieces.append(body)
        return len(body)

    def take(self) -> tuple[bytes, bool] | None:
        frame = b"".join(self._pieces)
        return (frame, vp8.is_keyframe(frame)) if frame else None

    def clear(self) -> None:
        self._pieces = []

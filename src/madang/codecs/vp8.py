"""VP8: what kind of picture a frame is, and its size (RFC 6386 section 9.1); the vpcC record of its track."""

from madang.base.errors import PeerError
from madang.codecs.picture import Picture, check_size

_START_CODE = b"\x9d\x01\x2a"
# vpcC of every VP8 track: profile 0, 8 bits, 4:2:0, colours unspecified.
CONFIG = bytes((1, 0, 0, 0, 0, 10, 0x82, 2, 2, 2, 0, 0))


def is_keyframe(frame: bytes | memoryview) -> bool:
    """Whether decoding can start here."""
    return len(frame) >= 10 and not frame[0] & 1


def parse_keyframe(frame: bytes | memoryview) -> Picture:
    """The picture of a keyframe; PeerError `malformed`, or `unsupported` beyond A52's bounds."""
    if not is_keyframe(frame) or bytes(frame[3:6]) != _START_CODE:
        raise PeerError("malformed", "not a VP8 keyframe")
    width = int.from_bytes(frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(frame[8:10], "little") & 0x3FFF
    check_size(width, height)
    return Picture(width, height)

"""What a decoder configuration tells of the picture, in words that all video codecs share."""

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import VIDEO_HEIGHT_MAX, VIDEO_WIDTH_MAX


class Colour(msgspec.Struct, frozen=True):
    """Colour description, code points of ISO/IEC 23091-2 (H.273)."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool


class Picture(msgspec.Struct, frozen=True):
    """Size in luma samples after cropping, sample aspect ratio, colour where the stream names it."""

    width: int
    height: int
    aspect: tuple[int, int] = (1, 1)
    colour: Colour | None = None


def check_size(width: int, height: int) -> None:
    """Refuse pictures that no admitted encoder makes (A52): PeerError `unsupported`.

    The bound holds for landscape and for portrait."""
    if width <= 0 or height <= 0:
        raise PeerError("malformed", f"picture of {width}x{height}")
    if max(width, height) > VIDEO_WIDTH_MAX or min(width, height) > VIDEO_HEIGHT_MAX:
        raise PeerError(
            "unsupported",
            f"picture of {width}x{height}",
            f"The picture is {width}x{height}; at most {VIDEO_WIDTH_MAX}x{VIDEO_HEIGHT_MAX} is accepted.",
        )

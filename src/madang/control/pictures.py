"""Uploaded pictures: measured before they are decoded, cut square, and encoded anew (A61)."""

import io
import warnings

from madang.base.limits import AVATAR_PIXELS, AVATAR_PIXELS_MAX
from madang.control.errors import Invalid

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def encode_avatar(picture: bytes) -> bytes:
    """The first frame of a picture as WebP, square, at most 512 pixels wide; raises Invalid. Blocks."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    bad = Invalid("bad_picture", "This is not a picture that can be read.", "picture")
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(picture), formats=_FORMATS) as opened:
            warnings.simplefilter("ignore")
            if max(opened.size) > AVATAR_PIXELS_MAX:
                raise Invalid(
                    "picture_large", f"At most {AVATAR_PIXELS_MAX} pixels in each direction.", "picture"
                )
            opened.draft("RGB", (AVATAR_PIXELS * 2, AVATAR_PIXELS * 2))
            upright = ImageOps.exif_transpose(opened)
            square = ImageOps.fit(upright.convert("RGBA"), (min(AVATAR_PIXELS, *upright.size),) * 2)
            out = io.BytesIO()
            square.save(out, "WEBP", quality=85, method=4)
            return out.getvalue()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise bad from error

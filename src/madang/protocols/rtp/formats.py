"""The payload format of each codec."""

from collections.abc import Callable
from typing import Final

from madang.media.track import Codec
from madang.protocols.rtp import av1, h264, h265, opus, vp8, vp9
from madang.protocols.rtp.assembly import Depacketiser, Format

_FORMATS: Final[dict[Codec, Callable[[], Format]]] = {
    Codec.H264: h264.Units,
    Codec.H265: h265.Units,
    Codec.AV1: av1.Units,
    Codec.VP8: vp8.Pieces,
    Codec.VP9: vp9.Pieces,
    Codec.OPUS: opus.Packets,
}


def depacketiser(codec: Codec) -> Depacketiser:
    """Takes packets of `codec` apart; KeyError for codecs that have no payload format here."""
    return Depacketiser(_FORMATS[codec](), independent=codec is Codec.OPUS)

"""How pictures of each codec are decoded, for posters and renditions; PyAV is loaded with the first."""

from typing import TYPE_CHECKING, Final

from madang.media.track import Codec, Track

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

_NAMES: Final = {
    Codec.H264: "h264",
    Codec.H265: "hevc",
    Codec.AV1: "libdav1d",
    Codec.VP8: "vp8",
    Codec.VP9: "vp9",
}


def decodes(codec: Codec) -> bool:
    """Whether `open_decoder` takes tracks of this codec."""
    return codec in _NAMES


def open_decoder(track: Track) -> "VideoCodecContext":
    """A decoder of `track`, on the calling thread alone; KeyError for a codec that it does not decode."""
    from av.video.codeccontext import VideoCodecContext

    decoder = VideoCodecContext.create(_NAMES[track.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = track.config or None
    decoder.thread_count = 1
    return decoder

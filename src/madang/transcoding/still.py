"""One keyframe to one JPEG. Runs on a worker thread; the media libraries are loaded with the first one."""

from fractions import Fraction

from madang.media.track import Track
from madang.transcoding.decoder import open_decoder

QUANTISER = 4
"""MJPEG's scale of 2 to 31: 640 pixels wide are 15 to 60 KB."""


def encode_still(track: Track, payload: bytes | memoryview, width: int) -> bytes:
    """The picture of `payload`, a keyframe of `track`, as a JPEG at most `width` pixels wide.

    Pixels become square; about 10 ms of a core for 1280x720. Raises ValueError when nothing comes out.
    """
    import av  # 60 MB: a server whose posters nobody looks at does without

    decoder = open_decoder(track)
    try:
        frames = [*decoder.decode(av.Packet(bytes(payload))), *decoder.decode(None)]
    except av.FFmpegError as error:
        raise ValueError(f"{track.codec} keyframe: {error}") from error
    if not frames:
        raise ValueError(f"{track.codec} keyframe: no picture came out")
    picture = frames[0]
    shown = fit(picture.width, picture.height, _aspect(decoder.sample_aspect_ratio), width)
    small = picture.reformat(width=shown[0], height=shown[1], format="yuvj420p")
    small.pts = 0
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = shown
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.qmin = encoder.qmax = QUANTISER
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))


def fit(width: int, height: int, aspect: Fraction, width_max: int) -> tuple[int, int]:
    """The size, in even numbers of square pixels, of a picture whose pixels are `aspect` wide for 1 high."""
    shown = width * aspect
    scale = min(Fraction(1), Fraction(width_max) / shown)
    return max(2, int(shown * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _aspect(ratio: Fraction | None) -> Fraction:
    """Pixels that claim to be absurdly wide or high are taken for square."""
    return ratio if ratio is not None and Fraction(1, 4) <= ratio <= 4 else Fraction(1)

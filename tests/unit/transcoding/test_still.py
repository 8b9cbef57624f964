"""A keyframe that ffmpeg made becomes a JPEG that shows it."""

import io
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
from PIL import Image

from madang.media.track import Codec, Track
from madang.transcoding.still import encode_still, fit

CODECS = {
    Codec.H264: "-c:v libx264 -preset ultrafast",
    Codec.H265: "-c:v libx265 -preset ultrafast -x265-params log-level=none",
    Codec.AV1: "-c:v libsvtav1 -preset 12 -svtav1-params lp=1",
}


def keyframe(path: Path, codec: Codec, source: str) -> tuple[Track, bytes]:
    """The first keyframe of a picture that ffmpeg encoded, with its track, as ingest would give them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", source]
    command += ["-frames:v", "5", "-pix_fmt", "yuv420p", *CODECS[codec].split(), str(path)]
    subprocess.run(command, check=True, timeout=60, stderr=subprocess.DEVNULL)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packet = next(packet for packet in container.demux(stream) if packet.is_keyframe)
        config = bytes(stream.codec_context.extradata or b"")
        return Track(id=1, codec=codec, timescale=90_000, config=config), bytes(packet)


@pytest.mark.parametrize("codec", list(CODECS))
def test_a_keyframe_of_each_codec_becomes_a_picture(tmp_path: Path, codec: Codec) -> None:
    track, payload = keyframe(tmp_path / "one.mp4", codec, "color=c=0x2060c0:s=854x480:r=30")
    jpeg = encode_still(track, memoryview(payload), 640)
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.format, image.size) == ("JPEG", (640, 358))
        red, green, blue = image.convert("RGB").getpixel((320, 180))
    assert (red, green, blue) == pytest.approx((0x20, 0x60, 0xC0), abs=12)


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    track, payload = keyframe(tmp_path / "one.mp4", Codec.H264, "testsrc2=s=320x180:r=30")
    with Image.open(io.BytesIO(encode_still(track, payload, 640))) as image:
        assert image.size == (320, 180)


def test_black_is_black_and_white_is_white(tmp_path: Path) -> None:
    for colour, level in (("black", 0), ("white", 255)):
        track, payload = keyframe(tmp_path / f"{colour}.mp4", Codec.H264, f"color=c={colour}:s=320x180:r=30")
        with Image.open(io.BytesIO(encode_still(track, payload, 640))) as image:
            assert image.convert("L").getpixel((160, 90)) == pytest.approx(level, abs=3)


@pytest.mark.parametrize("payload", [b"", b"\x00\x00\x00\x04junk", bytes(1000)])
def test_what_is_no_picture_is_a_value_error(tmp_path: Path, payload: bytes) -> None:
    track, _ = keyframe(tmp_path / "one.mp4", Codec.H264, "testsrc2=s=320x180:r=30")
    with pytest.raises(ValueError, match="keyframe"):
        encode_still(track, payload, 640)


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((1920, 1080), Fraction(1), (640, 360)),
        ((1080, 1920), Fraction(1), (640, 1136)),
        ((720, 576), Fraction(64, 45), (640, 360)),
        ((320, 180), Fraction(1), (320, 180)),
        ((4000, 2), Fraction(1), (640, 2)),
    ],
)
def test_pictures_fit_with_square_pixels(
    size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]
) -> None:
    assert fit(*size, aspect, 640) == shown

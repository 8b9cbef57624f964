"""The stream of every benchmark: 1280x720, 30 fps, H.264 baseline 0.9 Mbit/s CBR, 2 s GOP, AAC 96 kbit/s."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

SECONDS = 20
FPS = 30
_CODING = (
    "-c:v libx264 -profile:v baseline -preset veryfast -tune zerolatency"
    " -b:v 900k -minrate 900k -maxrate 900k -bufsize 450k"
    " -x264-params nal-hrd=cbr:force-cfr=1:keyint=60:min-keyint=60:scenecut=0"
    " -c:a aac -b:a 96k -ac 2 -f flv"
)


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of the clip: a message body as RTMP carries it."""

    type: int
    at_ms: int
    body: bytes


def path() -> Path:
    """The clip, made by ffmpeg when it is not there yet."""
    target = Path(tempfile.gettempdir()) / "madang-bench-720p30.flv"
    if not target.exists():
        part = target.with_suffix(".part")
        sources = (
            "-f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000"
        )
        command = f"-v error -y {sources} -t {SECONDS} {_CODING} {part}".split()
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *command], check=True)
        part.rename(target)
    return target


def tags(source: Path) -> list[Tag]:
    """All tags of an FLV file."""
    data = source.read_bytes()
    found, offset = [], 13
    while offset + 11 <= len(data):
        size = int.from_bytes(data[offset + 1 : offset + 4], "big")
        at = int.from_bytes(data[offset + 4 : offset + 7], "big") | data[offset + 7] << 24
        found.append(Tag(data[offset], at, data[offset + 11 : offset + 11 + size]))
        offset += 11 + size + 4
    return found


def duration_ms(clip: list[Tag]) -> int:
    """Milliseconds after which the clip begins again."""
    return clip[-1].at_ms + 1000 // FPS

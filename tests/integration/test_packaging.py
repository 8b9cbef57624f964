"""Every codec through the real hub and packager, and out again: FFmpeg decodes what went in."""

import io
import re
import subprocess
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import Broadcast
from tests.harness.publisher import FFMPEG

from madang.codecs import registry
from madang.containers.fmp4.read import read_fragments
from madang.hub.gate import Profile
from madang.media.frame import Frame
from madang.media.track import Codec, Track

SECONDS = 7
PICTURE = ["-f", "lavfi", "-i", f"testsrc2=s=320x180:r=30:d={SECONDS}"]
ENCODERS = {
    Codec.H264: ["libx264", "-preset", "ultrafast", "-bf", "2"],
    Codec.H265: ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:scenecut=0"],
    Codec.AV1: ["libsvtav1", "-preset", "13"],
    Codec.AAC: ["aac", "-ar", "44100"],
    Codec.OPUS: ["libopus"],
    Codec.MP3: ["libmp3lame", "-ar", "44100"],
}
PAIRS = [(Codec.H264, Codec.AAC), (Codec.H265, Codec.OPUS), (Codec.AV1, Codec.MP3)]


def encode(path: Path, video: Codec | None, audio: Codec | None) -> None:
    arguments: list[str] = []
    if video:
        arguments += PICTURE
    if audio:
        arguments += ["-f", "lavfi", "-i", f"sine=f=440:r=48000:d={SECONDS}"]
    if video:
        arguments += ["-c:v", *ENCODERS[video], "-g", "60", "-pix_fmt", "yuv420p"]
    if audio:
        arguments += ["-c:a", *ENCODERS[audio]]
    subprocess.run([FFMPEG, "-v", "error", *arguments, "-y", str(path)], check=True, stderr=subprocess.PIPE)


def demux(path: Path) -> tuple[tuple[Track, ...], list[tuple[float, Frame]]]:
    """Tracks and frames of a file, with the times as RTMP would carry them."""
    names = {"hevc": "h265", "libdav1d": "av1", "mp3float": "mp3", "libopus": "opus"}
    tracks: dict[int, Track] = {}
    frames: list[tuple[float, Frame]] = []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            number = 1 if packet.stream.type == "video" else 2
            if number not in tracks:
                context = packet.stream.codec_context
                codec = Codec(names.get(context.name, context.name))
                config = bytes(packet) if codec is Codec.MP3 else bytes(context.extradata or b"")
                tracks[number] = registry.track(codec, number, config)
            scale = tracks[number].timescale
            dts, pts = (round((time * packet.time_base + 1) * 1000) for time in (packet.dts, packet.pts))
            frame = Frame(number, dts * scale // 1000, pts * scale // 1000, packet.is_keyframe, bytes(packet))
            frames.append((float(packet.dts * packet.time_base) + 1, frame))
    return tuple(tracks[number] for number in sorted(tracks)), sorted(frames, key=lambda pair: pair[0])


def complaints(data: bytes) -> tuple[str, int]:
    """What FFmpeg warns of while it decodes, and how many frames came out."""
    done = subprocess.run(
        [FFMPEG, "-v", "warning", "-i", "pipe:0", "-map", "0", "-f", "framehash", "-"],
        input=data, capture_output=True, timeout=60,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith(b"#")]
    said = [line for line in done.stderr.decode().splitlines() if "deprecated pixel" not in line]
    return "\n".join(said), len(lines)


@pytest.fixture
async def air(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Broadcast]:
    broadcast = Broadcast(clock, tmp_path / "spool")
    yield broadcast
    await broadcast.close()


async def download(air: Broadcast, url: str) -> tuple[bytes, list[bytes]]:
    """The initialisation segment and all segments of a media playlist."""
    body = (await air.get(url)).body.decode()
    base = url.rpartition("/")[0]
    init = re.findall(r'MAP:URI="([^"]+)"', body)
    assert len(set(init)) == 1
    names = re.findall(r"^s\d+\.m4s", body, re.M)
    bodies = [(await air.get(f"{base}/{name}")).body for name in names]
    return (await air.get(f"{base}/{init[0]}")).body, bodies


@pytest.mark.parametrize(
    ("video", "audio"),
    [*PAIRS, (Codec.H264, None), (None, Codec.AAC), (None, Codec.OPUS)],
    ids=lambda codec: codec.value if codec else "none",
)
async def test_every_codec_comes_out_as_it_went_in(
    air: Broadcast, tmp_path: Path, video: Codec | None, audio: Codec | None
) -> None:
    source = tmp_path / ("source.mp4" if video else "source.mkv")
    encode(source, video, audio)
    tracks, frames = demux(source)
    await air.publish(tracks)
    air.feed(iter(frames))
    url = await air.enter()
    assert air.publication is not None
    air.publication.end("bye")
    init, bodies = await download(air, url)
    whole = init + b"".join(bodies)
    said, decoded = complaints(whole)
    assert said == ""
    assert decoded >= len(frames) - 2
    for track in tracks:
        found = [part for body in bodies for part in read_fragments(body) if part.track == track.id]
        sent = [bytes(frame.payload) for _, frame in frames if frame.track == track.id]
        came = [sample.payload for part in found for sample in part.samples]
        assert came == sent[len(sent) - len(came) :]
        assert len(came) >= len(sent) - 4
        for before, after in zip(found, found[1:], strict=False):
            assert after.base == before.end
    with av.open(io.BytesIO(whole), format="mp4") as container:
        strings = sorted(stream.codec_context.name for stream in container.streams)
        assert len(strings) == len(tracks)


@pytest.mark.parametrize("name", ["video", "audio"])
async def test_tracks_apart_are_whole_files_too(clock: FakeClock, tmp_path: Path, name: str) -> None:
    air = Broadcast(clock, tmp_path / "spool", Profile(separate_audio=True))
    source = tmp_path / "source.mp4"
    encode(source, Codec.H264, Codec.AAC)
    tracks, frames = demux(source)
    await air.publish(tracks)
    air.feed(iter(frames))
    text = (await air.get("/live/yard/index.m3u8")).body.decode()
    assert 'AUDIO="audio"' in text
    found = re.findall(rf'[^"\n]+/{name}/index\.m3u8\?s=\w+', text)
    init, bodies = await download(air, f"/live/yard/{found[0]}")
    said, decoded = complaints(init + b"".join(bodies))
    assert said == ""
    assert decoded > 150
    with av.open(io.BytesIO(init + bodies[0]), format="mp4") as container:
        assert [stream.type for stream in container.streams] == [name]
    await air.close()


async def test_the_picture_is_shown_with_its_sound(air: Broadcast, tmp_path: Path) -> None:
    """Presentation times of both tracks keep their distance through all layers."""
    source = tmp_path / "source.mp4"
    encode(source, Codec.H264, Codec.AAC)
    tracks, frames = demux(source)
    await air.publish(tracks)
    air.feed(iter(frames))
    init, bodies = await download(air, await air.enter())
    starts: dict[str, Fraction] = {}
    with av.open(io.BytesIO(init + b"".join(bodies)), format="mp4") as container:
        for packet in container.demux():
            if packet.pts is not None and packet.time_base is not None:
                at = packet.pts * packet.time_base
                starts[packet.stream.type] = min(starts.get(packet.stream.type, at), at)
    first = {frame.track: frame for _, frame in reversed(frames)}
    wanted = Fraction(first[1].pts, 90_000) - Fraction(first[2].pts, tracks[1].timescale)
    assert abs((starts["video"] - starts["audio"]) - wanted) < Fraction(30, 1000)

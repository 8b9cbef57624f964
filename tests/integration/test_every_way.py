"""Each codec in by RTMP, and out by LL-HLS, DASH, HTTP-FLV and RTMP, from the real server: no error line."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from tests.harness.player import Played, complaints, play
from tests.harness.publisher import publishing
from tests.harness.server import Server, running

HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=60:bframes=0")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-g", "60", "-svtav1-params", "lookahead=0:pred-struct=1")
CASES = {
    "h264-aac": (("-c:v", "libx264"), "h264", "aac"),
    "h264-opus": (("-c:a", "libopus"), "h264", "opus"),
    "h264-mp3": (("-c:a", "libmp3lame"), "h264", "mp3float"),
    "h264-mp3-441": (("-c:a", "libmp3lame", "-ar", "44100"), "h264", "mp3float"),
    "hevc-aac": (HEVC, "hevc", "aac"),
    "av1-aac": (AV1, "libdav1d", "aac"),
    "bframes": (("-tune", "animation", "-bf", "3"), "h264", "aac"),
    "aac441": (("-ar", "44100"), "h264", "aac"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("ways") / "data") as server:
        yield server


@contextmanager
def on_air(server: Server, name: str, extra: tuple[str, ...], audio: bool = True) -> Iterator[None]:
    """The channel is live."""
    key = server.channel(name)
    with publishing(f"{server.rtmp}/{key}", extra=extra, audio=audio, fps=25):
        server.wait_for(name, "live")
        yield


def ways(server: Server, name: str) -> dict[str, str]:
    return {
        "flv": f"{server.http}/live/{name}.flv",
        "rtmp": f"{server.rtmp}/{name}",
        "hls": f"{server.http}/live/{name}/index.m3u8",
        "short": f"{server.http}/live/{name}.m3u8",
        "dvr": f"{server.http}/live/{name}/dvr.m3u8",
    }


def at_once(server: Server, name: str) -> dict[str, tuple[Played, str]]:
    """What PyAV decoded by every way, and what ffmpeg complained of; all at the same time."""
    found = ways(server, name)
    with ThreadPoolExecutor(2 * len(found)) as pool:
        played = {way: pool.submit(play, url, 2.0) for way, url in found.items()}
        said = {way: pool.submit(complaints, url, 2.0) for way, url in found.items()}
        return {way: (played[way].result(), said[way].result()) for way in found}


@pytest.mark.parametrize("case", CASES)
def test_every_codec_by_every_way(server: Server, case: str) -> None:
    extra, video, audio = CASES[case]
    name = f"way-{case}"
    with on_air(server, name, extra):
        for way, (played, said) in at_once(server, name).items():
            # MP4 carries no MP3 that browsers play, and who plays FLV and RTMP has said nothing of Opus.
            foreign = "mp3float" if way in ("hls", "short", "dvr") else "opus"
            heard = "aac" if audio == foreign else audio
            assert (played.codecs["video"], played.codecs["audio"]) == (video, heard), way
            assert played.backwards == 0 and played.decoded > 20, (way, played)
            assert said == "", way


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_one_kind_alone(server: Server, kind: str) -> None:
    name = f"only-{kind}"
    extra = ("-map", "0:v") if kind == "video" else ("-map", "1:a")
    with on_air(server, name, extra):
        for way, (played, said) in at_once(server, name).items():
            assert said == "", way
            assert kind in played.codecs and played.decoded > 20, (way, played)
            assert {"video", "audio"} - {kind} - played.codecs.keys(), way

"""H.264 and MP3 through the real hub, transcoder and packager: AAC that is whole, and at its time."""

import io
import re
import subprocess
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import CHANNEL, Broadcast
from tests.harness.publisher import FFMPEG
from tests.integration.test_packaging import complaints, demux, download

from madang.hub.gate import Profile
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track
from madang.packaging.cmaf.window import Window
from madang.transcoding.transcoder import MediaTranscoder

BEEP_S = 3.0
SECONDS = 7
Media = tuple[tuple[Track, ...], list[tuple[float, Frame]]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Media]:
    """A file whose sound begins at BEEP_S, and its frames."""
    path = tmp_path_factory.mktemp("mp3") / "source.mp4"
    subprocess.run(
        [FFMPEG, "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s=320x180:r=30:d={SECONDS}",
         "-f", "lavfi", "-i", f"sine=f=880:r=44100:d={SECONDS},volume=0:enable='lt(t,{BEEP_S})'",
         "-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-pix_fmt", "yuv420p",
         "-c:a", "libmp3lame", "-ac", "2", "-y", str(path)],
        check=True, stderr=subprocess.PIPE,
    )  # fmt: skip
    return path, demux(path)


class Transcoded(Broadcast):
    """A broadcast whose hub has a transcoder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sounds = MediaTranscoder(self.clock)
        self.registry.transcoder = self.sounds

    async def live(self, frames: list[tuple[float, Frame]]) -> None:
        """Frames arrive, as many at once as a busy loop sees."""
        for index in range(0, len(frames), 8):
            self.feed(iter(frames[index : index + 8]))
            await self.sounds.settle()

    @property
    def window(self) -> Window:
        packager = self.packagers.get(CHANNEL)
        assert packager is not None
        return packager.window


@pytest.fixture(params=[0.5, 0.2], ids=["standard", "low"])
async def air(request: pytest.FixtureRequest, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Transcoded]:
    air = Transcoded(clock, tmp_path / "spool", Profile(part_s=request.param))
    yield air
    await air.close()
    await air.sounds.close()


def onset(data: bytes | Path) -> float:
    """Seconds at which the sound of a file begins."""
    opened = str(data) if isinstance(data, Path) else io.BytesIO(data)
    with av.open(opened) as container:
        for frame in container.decode(audio=0):
            assert frame.time is not None
            level = array("f", bytes(frame.planes[0])[: 4 * frame.samples])
            for index, value in enumerate(level):
                if abs(value) > 0.02:
                    return frame.time + index / frame.sample_rate
    raise AssertionError("silence")


def pieces(window: Window) -> Iterator[tuple[float, float, float]]:
    """Of each part: where it ends, and where its sound begins and ends, in seconds."""
    for segment in window.segments:
        for part in segment.parts:
            span = part.spans[Kind.AUDIO]
            begin = span.start_ticks / 44_100
            yield part.start + part.duration, begin, begin + span.duration


async def test_every_part_has_its_sound_at_its_time(air: Transcoded, recorded: tuple[Path, Media]) -> None:
    path, (tracks, frames) = recorded
    assert [track.codec for track in tracks] == [Codec.H264, Codec.MP3]
    await air.publish(tracks)
    await air.live(frames)
    url = await air.enter()
    text = (await air.get("/live/yard/index.m3u8")).body.decode()
    assert "mp4a.40.2" in text and "mp4a.40.34" not in text
    found = list(pieces(air.window))
    for (_, _, before), (end, begin, heard) in zip(found, found[1:], strict=False):
        assert begin == pytest.approx(before, abs=1e-6)
        assert -0.024 < end - heard < 0.14
    assert air.publication is not None
    air.publication.end("bye")
    await air.sounds.settle()
    assert air.window.ended
    init, bodies = await download(air, url)
    whole = init + b"".join(bodies)
    said, decoded = complaints(whole)
    assert said == ""
    assert decoded > SECONDS * (30 + 43) - 6
    began = frames[0][0]  # the timeline begins with the first frame
    assert onset(whole) == pytest.approx(onset(path) + 1 - began, abs=0.03)


async def test_a_publisher_who_returns_is_heard(air: Transcoded, recorded: tuple[Path, Media]) -> None:
    _, (tracks, frames) = recorded
    publication = await air.publish(tracks)
    await air.live(frames)
    publication.lost("gone")
    await air.sounds.settle()
    closed = air.window.last
    assert closed is not None and closed.closed
    assert air.window.open is None
    await air.publish(tracks)
    air.base = air.clock.monotonic()
    await air.live(frames)
    text = (await air.get(await air.enter())).body.decode()
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert len(set(re.findall(r'MAP:URI="([^"]+)"', text))) == 1
    found = list(pieces(air.window))
    assert all(after[1] >= before[2] - 1e-6 for before, after in zip(found, found[1:], strict=False))
    assert air.sounds.counters.dropped == air.sounds.counters.failed == 0


async def test_on_demand_the_cached_pictures_have_sound(
    clock: FakeClock, tmp_path: Path, recorded: tuple[Path, Media]
) -> None:
    _, (tracks, frames) = recorded
    air = Transcoded(clock, tmp_path / "spool", Profile(package_on_demand=True))
    await air.publish(tracks)
    now = [pair for pair in frames if pair[0] < 4.9]
    air.feed(iter(now))
    assert air.sounds.counters.heard == 0
    air.packagers.get(CHANNEL)
    await air.sounds.settle()
    await air.live([pair for pair in frames if pair[0] >= 4.9])
    found = list(pieces(air.window))
    assert len(found) > 6
    for (_, _, before), (end, begin, heard) in zip(found, found[1:], strict=False):
        assert begin == pytest.approx(before, abs=1e-6)
        assert -0.024 < end - heard < 0.14
    await air.close()
    await air.sounds.close()

"""The live manifest: by number while segments are equal, by timeline where not, periods at breaks."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import CHANNEL, Broadcast, frames

from madang.media.frame import Frame
from madang.media.track import Kind
from madang.packaging.cmaf.window import Window
from madang.packaging.dash.manifest import LiveManifest, _rate

NS = {"m": "urn:mpeg:dash:schema:mpd:2011"}


@pytest.fixture
async def air(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Broadcast]:
    broadcast = Broadcast(clock, tmp_path / "spool")
    await broadcast.publish()
    yield broadcast
    await broadcast.close()


def window(air: Broadcast) -> Window:
    packager = air.packagers.get(CHANNEL)
    assert packager is not None
    return packager.window


def parse(air: Broadcast, live: LiveManifest | None = None) -> ElementTree.Element:
    return ElementTree.fromstring((live or LiveManifest(window(air))).text(air.clock.wall()))


def templates(root: ElementTree.Element, kind: str = "video") -> list[ElementTree.Element]:
    return root.findall(f".//m:Representation[@id='{kind}']/m:SegmentTemplate", NS)


async def return_after(air: Broadcast, seconds: float) -> None:
    """The publisher is lost, and is back so much later."""
    assert air.publication is not None
    air.publication.lost("flap")
    air.clock.advance(seconds)  # type: ignore[attr-defined]
    await air.publish()


def at_will(until: float, keys: set[int]) -> Iterator[tuple[float, Frame]]:
    """A stream whose pictures of these numbers are keyframes."""
    for at, frame in frames(until):
        key = frame.track == 2 or round(at * 30) in keys
        yield at, Frame(frame.track, frame.dts, frame.pts, key, b"x")


async def test_equal_segments_are_listed_by_number(air: Broadcast) -> None:
    air.feed(frames(21))
    root = parse(air)
    (video,), (audio,) = templates(root), templates(root, "audio")
    assert video.get("duration") == "180000"
    assert audio.get("duration") == "96000"
    assert video.get("startNumber") == "0"
    assert float(video.get("availabilityTimeOffset", "0")) == pytest.approx(1.498)
    for segment in window(air).segments:
        for kind, template in ((Kind.VIDEO, video), (Kind.AUDIO, audio)):
            scale = int(template.get("timescale", "1"))
            place = int(template.get("presentationTimeOffset", "0")) / scale + segment.msn * 2
            assert segment.first_ticks[kind] / scale == pytest.approx(place, abs=0.05)


async def test_ntsc_does_not_drift_away(air: Broadcast) -> None:
    air.feed(frames(400, fps=30000 / 1001, gop=60))
    root = parse(air)
    (video,) = templates(root)
    length = int(video.get("duration", "0")) / 90_000
    last = window(air).segments[-1]
    origin = int(video.get("presentationTimeOffset", "0")) / 90_000
    assert origin + last.msn * length == pytest.approx(last.start, abs=0.1)
    assert root.find(".//m:Representation[@id='video']", NS).get("frameRate") == "30000/1001"  # type: ignore[union-attr]


async def test_keyframes_at_will_are_listed_in_a_timeline(air: Broadcast) -> None:
    air.feed(at_will(20, {0, 60, 150, 205, 280, 400, 440, 500}))
    root = parse(air)
    (video,) = templates(root)
    assert "duration" not in video.attrib
    assert "availabilityTimeOffset" not in video.attrib
    entries = video.findall("m:SegmentTimeline/m:S", NS)
    closed = [segment for segment in window(air).segments if segment.closed]
    assert [int(entry.get("t", "")) for entry in entries] == [s.first_ticks[Kind.VIDEO] for s in closed]
    for before, after in zip(entries, entries[1:], strict=False):
        assert int(before.get("t", "")) + int(before.get("d", "")) == int(after.get("t", ""))
    assert video.get("startNumber") == str(closed[0].msn)


async def test_a_reconnect_is_a_new_period_on_the_same_clock(air: Broadcast) -> None:
    air.feed(frames(9))
    live = LiveManifest(window(air))
    parse(air, live)
    await return_after(air, 5)
    air.feed(frames(19, 14))
    root = parse(air, live)
    periods = root.findall("m:Period", NS)
    assert [period.get("id") for period in periods] == ["p0", "p5"]
    starts = [float((period.get("start") or "")[2:-1]) for period in periods]
    assert starts[1] - starts[0] == pytest.approx(14, abs=0.1)
    first, second = templates(root)
    assert first.find("m:SegmentTimeline", NS) is not None
    assert second.get("duration") == "180000"
    assert second.get("startNumber") == "5"


@pytest.mark.parametrize("gop", [40, 75])
async def test_a_reconnect_with_other_keyframes_is_listed_in_a_timeline(air: Broadcast, gop: int) -> None:
    """By a first segment that is short numbers would run ahead of what is there."""
    air.feed(frames(9))
    live = LiveManifest(window(air))
    parse(air, live)
    await return_after(air, 5)
    air.feed(frames(19, 14, gop=gop))
    _, second = templates(parse(air, live))
    closed = [segment for segment in window(air).segments if segment.closed and segment.msn >= 5]
    entries = second.findall("m:SegmentTimeline/m:S", NS)
    assert [int(entry.get("t", "")) for entry in entries] == [s.first_ticks[Kind.VIDEO] for s in closed]


async def test_a_period_of_no_whole_segment_waits_where_keyframes_come_at_will(air: Broadcast) -> None:
    air.feed(at_will(10, {0, 60, 150, 205, 280}))
    live = LiveManifest(window(air))
    parse(air, live)
    await return_after(air, 5)
    air.feed(frames(16, 15))
    assert len(parse(air, live).findall("m:Period", NS)) == 1
    air.feed(frames(20, 16))
    assert len(parse(air, live).findall("m:Period", NS)) == 2


async def test_the_end_makes_it_static(air: Broadcast) -> None:
    air.feed(frames(9))
    assert air.publication is not None
    air.publication.end("bye")
    root = parse(air)
    assert root.get("type") == "static"
    length = root.get("mediaPresentationDuration", "")
    assert float(length[2:-1]) == pytest.approx(9, abs=0.04)
    assert all(each.find("m:SegmentTimeline", NS) is not None for each in templates(root))


async def test_it_is_rendered_once_per_version(air: Broadcast) -> None:
    air.feed(frames(9))
    live = LiveManifest(window(air))
    assert live.text(1.0) is live.text(2.0)
    before = live.text(2.0)
    air.feed(frames(9.5, 9))
    assert live.text(3.0) is not before


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (30.0, "30"),
        (30000 / 1001, "30000/1001"),
        (24000 / 1001, "24000/1001"),
        (12.5, "12500/1000"),
        (0.0, ""),
    ],
)
def test_frame_rates(rate: float, text: str) -> None:
    assert _rate(rate) == text

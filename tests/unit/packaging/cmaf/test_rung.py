"""A smaller picture packaged beside the larger one: the same numbers, times and breaks, by HLS and DASH."""

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import av
import msgspec
import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import CHANNEL, VIDEO, Broadcast, frames

from madang.base.limits import LAYER_PENDING_BYTES
from madang.hub.gate import Profile
from madang.hub.layer import Layer
from madang.media.frame import Frame
from madang.media.track import Codec
from madang.net.http.routes import Growing, Hold
from madang.packaging.cmaf.packager import Packager
from madang.packaging.cmaf.rung import Rung
from madang.packaging.cmaf.segment import Segment

SMALL = msgspec.structs.replace(VIDEO, width=320, height=180)
SMALLER = msgspec.structs.replace(VIDEO, width=160, height=90)


class Simulcast:
    """A broadcast whose publisher sends a smaller picture as well. `skew` is by how many ticks its times
    are off."""

    def __init__(self, air: Broadcast) -> None:
        self.air = air
        self.asked = 0
        self.skew = 0
        self.paused = False
        self.lower = self.begin()

    def begin(self) -> Layer:
        """A publisher (again)."""
        self.lower = Layer("q", lambda at: at, self._ask)
        self.lower.track = SMALL
        assert self.air.publication is not None
        self.air.publication.stream.layers = {"q": self.lower}
        return self.lower

    def _ask(self) -> None:
        self.asked += 1

    def feed(self, until: float, begin: float = 0.0, gop: int = 60) -> None:
        for at, frame in frames(until, begin, gop=gop):
            self.air.feed(iter([(at, frame)]))
            if frame.track == 1 and not self.paused:
                dts = max(frame.dts + self.skew, 0)
                body = b"\0\0\0\5" + (b"\x65" if frame.keyframe else b"\x41") + b"mall"
                self.lower.offer(Frame(1, dts, dts, frame.keyframe, body))

    @property
    def packager(self) -> Packager:
        found = self.air.packagers.get(CHANNEL)
        assert found is not None
        return found

    @property
    def rung(self) -> Rung:
        return self.packager.rungs["video-q"]

    def pairs(self) -> list[tuple[Segment, Segment]]:
        """Segments of the smaller picture, each with the larger one's of its number."""
        window = self.packager.window
        found = [(own, window.segment(own.msn)) for own in self.rung.window.segments]
        return [(own, other) for own, other in found if other is not None]


@pytest.fixture
async def cast(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Simulcast]:
    air = Broadcast(clock, tmp_path / "spool", Profile(dvr_window_s=40))
    await air.publish()
    yield Simulcast(air)
    await air.close()


def same(cast: Simulcast) -> None:
    """What players go by when they change from one picture to the other."""
    pairs = cast.pairs()
    assert len(pairs) > 2
    for own, other in pairs:
        assert (own.msn, own.start, own.wall, own.closed) == (
            other.msn,
            other.start,
            other.wall,
            other.closed,
        )
        assert own.duration == pytest.approx(other.duration)
        placed = [(part.number, part.index, part.start, part.duration) for part in own.parts]
        assert placed == [(part.number, part.index, part.start, part.duration) for part in other.parts]
    assert cast.rung.window.next_part == cast.packager.window.next_part


def breaks(segments: list[Segment], sequence: int) -> dict[int, int]:
    """The discontinuity number of each segment."""
    found = {}
    for segment in segments:
        sequence += segment.discontinuity
        found[segment.msn] = sequence
    return found


async def packets(cast: Simulcast) -> list[tuple[int, bool]]:
    """Decode times and keyframes of all that is closed, as ffmpeg demuxes it."""
    window = cast.rung.window
    closed = [segment for segment in window.segments if segment.closed and not segment.gap]
    bodies = [await cast.rung.read(segment.msn) for segment in closed]
    (init,) = {segment.init for segment in closed}
    (track,) = window.inits[init].tracks
    head = next(body for name, body in window.inits[init].bodies.items() if name == track.kind.value)
    with av.open(io.BytesIO(head + b"".join(bodies))) as container:
        return [(p.dts, p.is_keyframe) for p in container.demux() if p.dts is not None and p.size]


@pytest.mark.parametrize("skew", [0, 180, -180, 1500, -1500, 4000, -4000])
async def test_it_is_cut_where_the_larger_one_is(cast: Simulcast, skew: int) -> None:
    """Whatever the two clocks of one publisher are apart: 2, 17 and 44 ms."""
    cast.skew = skew
    cast.feed(21)
    same(cast)
    assert all(own.independent for own, _ in cast.pairs())
    found = await packets(cast)
    assert all(after[0] > before[0] for before, after in zip(found, found[1:], strict=False))
    starts = [round(own.start * 90_000) for own, _ in cast.pairs() if own.closed]
    keys = [dts for dts, key in found if key]
    assert len(keys) == len(starts)
    apart = 0 if abs(skew) <= 0.025 * 90_000 else abs(skew) + 90
    off = [key - start for key, start in zip(keys, starts, strict=True)]
    assert max(map(abs, off)) <= apart, off
    assert len(found) >= 60 * len(starts) - 2 * len(starts)


async def test_playlists_and_media_are_served(cast: Simulcast) -> None:
    cast.feed(15)
    text = (await cast.air.get("/live/yard/index.m3u8")).body.decode()
    variants = re.findall(r"#EXT-X-STREAM-INF:.*RESOLUTION=(\d+x\d+).*AUDIO=\"audio\"\n(\S+)", text)
    assert [size for size, _ in variants] == ["640x360", "320x180"]
    assert 'TYPE=AUDIO,GROUP-ID="audio"' in text
    urls = ["/live/yard/" + uri for _, uri in variants]
    assert "/video/index" in urls[0] and "/video-q/index" in urls[1]
    large, small = [(await cast.air.get(url)).body.decode() for url in urls]
    lines = r"(?m)^(?:#EXT(?:INF|-X-(?:PROGRAM|MEDIA|TARGET|DISC|PRELOAD|PART:)).*|[^#].*)$"
    strip = re.compile(r",INDEPENDENT=YES")
    assert re.findall(lines, strip.sub("", small)) == re.findall(lines, strip.sub("", large))
    base = urls[1].rpartition("/")[0]
    for name in re.findall(r'URI="(\w+\.mp4)"|^(s\d+\.m4s)|#EXT-X-PART:.*URI="(p\d+\.m4s)"', small, re.M):
        answer = await cast.air.get(f"{base}/{''.join(name)}")
        assert answer.status == 200 and answer.body
    last = cast.rung.window.next_msn - 1
    assert isinstance(cast.air.ask(f"{base}/s{last}.m4s"), Growing)
    hinted = cast.air.ask(f"{base}/p{cast.rung.window.next_part}.m4s")
    reloading = cast.air.ask(f"{urls[1]}&_HLS_msn={last + 1}")
    assert isinstance(hinted, Hold) and hinted.answer is None
    assert isinstance(reloading, Hold) and reloading.answer is None
    cast.feed(20, 15)
    assert hinted.answer is not None and reloading.answer is not None
    assert (await cast.air.get(base.replace("video-q", "video-x") + "/index.m3u8")).status == 404


async def test_a_publisher_who_comes_back_continues_both(cast: Simulcast) -> None:
    cast.feed(11)
    assert cast.air.publication is not None
    cast.lower.end()
    cast.air.publication.lost("test")
    publication = await cast.air.publish()
    cast.begin()
    assert publication.stream.layers
    cast.lower = Layer("q", publication.stream.media_of, lambda: None)
    cast.lower.track = SMALL
    publication.stream.layers = {"q": cast.lower}
    cast.feed(24, 12)
    same(cast)
    main, rung = cast.packager.window, cast.rung.window
    theirs = breaks(list(main.segments), main.discontinuity_sequence)
    ours = breaks(list(rung.segments), rung.discontinuity_sequence)
    assert set(ours.values()) == {0, 1} and all(theirs[msn] == number for msn, number in ours.items())


async def test_a_picture_that_stops_is_a_gap_and_not_offered(cast: Simulcast) -> None:
    cast.feed(11)
    cast.paused = True
    cast.feed(26, 11)
    same(cast)
    assert cast.pairs()[-2][0].gap and not cast.rung.offered
    text = (await cast.air.get("/live/yard/index.m3u8")).body.decode()
    assert "video-q" not in text
    url = f"/live/yard/{cast.packager.broadcast}/video-q/index.m3u8"
    assert "#EXT-X-GAP" in (await cast.air.get(url)).body.decode()
    cast.paused = False
    cast.feed(36, 26)
    assert "video-q" in (await cast.air.get("/live/yard/index.m3u8")).body.decode()


async def test_another_size_begins_with_a_segment(cast: Simulcast) -> None:
    cast.feed(11)
    cast.lower.track = SMALLER
    cast.feed(24, 11)
    same(cast)
    window = cast.rung.window
    sizes = [window.inits[own.init].tracks[0].width for own, _ in cast.pairs()]
    assert sizes[0] == 320 and sizes[-1] == 160 and sorted(sizes, reverse=True) == sizes


async def test_dash_offers_both_in_one_set(cast: Simulcast) -> None:
    cast.feed(15)
    text = (await cast.air.get("/live/yard/manifest.mpd")).body.decode()
    (pictures,) = re.findall(r'<AdaptationSet id="video".*?</AdaptationSet>', text)
    assert re.findall(r'<Representation id="([\w-]+)"', pictures) == ["video", "video-q"]
    assert re.findall(r'media="([^"]+)"', pictures) == ["video/s$Number$.m4s", "video-q/s$Number$.m4s"]
    start = [set(re.findall(rf'{name}="(\d+)"', pictures)) for name in ("startNumber", "duration")]
    assert all(len(each) == 1 for each in start)
    cast.paused = True
    cast.feed(27, 15)
    assert "video-q" not in (await cast.air.get("/live/yard/manifest.mpd")).body.decode()


async def test_only_what_browsers_play_is_offered(cast: Simulcast) -> None:
    cast.lower.track = msgspec.structs.replace(SMALL, codec=Codec.VP8)
    cast.feed(9)
    assert not cast.packager.rungs
    cast.lower.track = SMALL
    cast.lower.name = "../q"
    assert cast.air.publication is not None
    cast.air.publication.stream.layers = {"../q": cast.lower}
    cast.feed(15, 9)
    assert not cast.packager.rungs


async def test_what_waits_is_bounded(cast: Simulcast) -> None:
    cast.feed(9)
    rung = cast.rung
    rung.on_tracks((SMALL,), False)
    body = bytes(1 << 20)
    for index in range(2 * LAYER_PENDING_BYTES >> 20):
        rung.on_frame(Frame(1, 10_000_000 + index, 10_000_000 + index, False, body))
    assert sum(len(frame.payload) for _, frame in rung._pending) <= LAYER_PENDING_BYTES
    packager = cast.packager
    packager.detach()
    assert not packager.rungs and not rung.window.segments and not cast.lower.followed

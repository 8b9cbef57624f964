"""Posters are made when somebody asks, once for all who ask, and never twice of the same picture."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from madang.base.ids import ChannelId, KeyId
from madang.base.limits import POSTER_FORGET_S, POSTERS_WAITING
from madang.hub.gate import Lease, Profile
from madang.hub.registry import Publication, Registry
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.transcoding.poster import Posters
from madang.transcoding.settings import PosterSettings

VIDEO = Track(id=1, codec=Codec.H264, timescale=90_000, width=1280, height=720)
AUDIO = Track(id=2, codec=Codec.AAC, timescale=48_000, sample_rate=48_000, frame_samples=1024)
YARD = ChannelId("c1")


class Nobody:
    """An observer that does not care."""

    def began(self, stream: object) -> None: ...

    def lost(self, stream: object) -> None: ...

    def resumed(self, stream: object) -> None: ...

    def ended(self, stream: object, reason: str) -> None: ...

    def contested(self, stream: object, lease: object) -> None: ...


class Studio:
    """A registry with publishers, and a worker that draws what it is told."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.registry = Registry(clock, bytes, Nobody())
        self.drawn: list[bytes] = []
        self.threads: set[int] = set()
        self.gate: threading.Event | None = None
        self.posters = Posters(self.registry, clock, PosterSettings(every_s=4.0, width=320), self.draw)

    def draw(self, track: Track, payload: bytes | memoryview, width: int) -> bytes:
        self.threads.add(threading.get_ident())
        if self.gate is not None:
            self.gate.wait(10)
        self.drawn.append(bytes(payload))
        if payload == b"broken":
            raise ValueError("no picture came out")
        return b"jpeg of " + bytes(payload)

    async def publish(self, channel: str = YARD, *tracks: Track) -> Publication:
        lease = Lease(channel=ChannelId(channel), name=channel, key=KeyId("k"), profile=Profile())
        publication = await self.registry.publish(lease, lambda code, told: None)
        publication.tracks(tracks or (VIDEO, AUDIO))
        return publication

    def keyframe(self, publication: Publication, payload: bytes) -> None:
        ticks = round(self.clock.monotonic() * 90_000)
        publication.frame(Frame(1, ticks, ticks, True, payload))


@pytest.fixture
async def studio(clock) -> AsyncIterator[Studio]:
    it = Studio(clock)
    yield it
    await it.posters.close()


@pytest.fixture
def live(studio: Studio) -> Callable[..., object]:
    async def begin(payload: bytes = b"one") -> Publication:
        publication = await studio.publish()
        studio.keyframe(publication, payload)
        return publication

    return begin


async def test_the_first_who_asks_waits_and_gets_the_picture(studio: Studio, live) -> None:
    await live()
    assert studio.posters.peek(YARD) is None
    assert await studio.posters.get(YARD) == b"jpeg of one"
    assert studio.drawn == [b"one"]
    assert threading.get_ident() not in studio.threads
    poster = studio.posters.peek(YARD)
    assert poster is not None and poster.etag.startswith(b'"')


async def test_nobody_asks_and_nothing_is_made(studio: Studio, live) -> None:
    publication = await live()
    for second in range(60):
        studio.clock.advance(1)
        studio.keyframe(publication, b"k%d" % second)
        studio.posters.sweep()
    assert studio.drawn == []
    assert studio.posters._worker is None, "no thread either"


async def test_all_who_ask_at_once_share_one_picture(studio: Studio, live) -> None:
    await live()
    assert await asyncio.gather(*(studio.posters.get(YARD) for _ in range(50))) == [b"jpeg of one"] * 50
    assert len(studio.drawn) == 1


async def test_one_who_leaves_does_not_take_the_picture_along(studio: Studio, live) -> None:
    await live()
    studio.gate = threading.Event()
    leaver = asyncio.get_running_loop().create_task(studio.posters.get(YARD))
    stayer = asyncio.get_running_loop().create_task(studio.posters.get(YARD))
    await asyncio.sleep(0)
    leaver.cancel()
    studio.gate.set()
    assert await stayer == b"jpeg of one"


async def test_a_new_picture_each_few_seconds_and_the_old_one_meanwhile(studio: Studio, live) -> None:
    publication = await live()
    await studio.posters.get(YARD)
    studio.clock.advance(2)
    studio.keyframe(publication, b"two")
    assert await studio.posters.get(YARD) == b"jpeg of one"
    studio.clock.advance(2.1)
    assert await studio.posters.get(YARD) == b"jpeg of one", "shown while the next is made"
    while studio.posters._making:
        await asyncio.sleep(0.001)
    assert await studio.posters.get(YARD) == b"jpeg of two"
    assert studio.drawn == [b"one", b"two"]


async def test_a_picture_that_is_too_old_is_waited_for(studio: Studio, live) -> None:
    publication = await live()
    await studio.posters.get(YARD)
    studio.clock.advance(20)
    studio.keyframe(publication, b"two")
    assert await studio.posters.get(YARD) == b"jpeg of two"


async def test_the_same_keyframe_is_not_drawn_twice(studio: Studio, live) -> None:
    await live()
    for _ in range(5):
        assert await studio.posters.get(YARD) == b"jpeg of one"
        studio.clock.advance(5)
    assert studio.drawn == [b"one"]


async def test_a_broken_keyframe_costs_one_try_and_the_old_picture_stays(studio: Studio, live) -> None:
    publication = await live()
    await studio.posters.get(YARD)
    studio.clock.advance(20)
    studio.keyframe(publication, b"broken")
    assert await studio.posters.get(YARD) == b"jpeg of one"
    assert await studio.posters.get(YARD) == b"jpeg of one"
    assert studio.drawn == [b"one", b"broken"]
    assert (studio.posters.counters.made, studio.posters.counters.failed) == (1, 1)


async def test_there_is_no_picture_of_what_is_not_live_or_not_seen(studio: Studio, live) -> None:
    assert await studio.posters.get(YARD) is None
    heard = await studio.publish("radio", AUDIO)
    heard.frame(Frame(2, 0, 0, True, b"a"))
    assert await studio.posters.get(ChannelId("radio")) is None
    publication = await live()
    await studio.posters.get(YARD)
    publication.end("unpublished")
    assert await studio.posters.get(YARD) is None


async def test_a_new_broadcast_does_not_show_the_last_one(studio: Studio, live) -> None:
    publication = await live()
    await studio.posters.get(YARD)
    publication.end("unpublished")
    await live(b"new")
    assert await studio.posters.get(YARD) == b"jpeg of new"


async def test_what_nobody_asks_about_is_forgotten(studio: Studio, live) -> None:
    await live()
    await studio.posters.get(YARD)
    studio.clock.advance(POSTER_FORGET_S - 1)
    studio.posters.sweep()
    assert studio.posters._easels
    studio.clock.advance(2)
    studio.posters.sweep()
    assert not studio.posters._easels


async def test_too_many_at_once_are_put_off(studio: Studio) -> None:
    studio.gate = threading.Event()
    for index in range(POSTERS_WAITING + 3):
        studio.keyframe(await studio.publish(f"c{index}"), b"k")
        studio.posters.peek(ChannelId(f"c{index}"))
    assert studio.posters.counters.put_off == 3
    assert await studio.posters.get(ChannelId(f"c{POSTERS_WAITING}")) is None
    studio.gate.set()


async def test_switched_off_is_off(studio: Studio, clock, live) -> None:
    await live()
    off = Posters(studio.registry, clock, PosterSettings(enabled=False), studio.draw)
    assert await off.get(YARD) is None


async def test_closing_begins_no_other(studio: Studio, live) -> None:
    await live()
    await studio.posters.get(YARD)
    await studio.posters.close()
    await studio.posters.close()
    studio.clock.advance(60)
    assert await studio.posters.get(YARD) == b"jpeg of one"
    assert studio.drawn == [b"one"]


async def test_a_picture_that_is_made_while_it_closes_lets_no_other_begin(studio: Studio, live) -> None:
    studio.gate = threading.Event()
    publication = await live()
    asked = asyncio.create_task(studio.posters.get(YARD))
    async with asyncio.timeout(60):
        while not studio.threads:  # what is not begun yet is not made
            await asyncio.sleep(0.01)
    closing = asyncio.create_task(studio.posters.close())
    await asyncio.sleep(0)
    studio.gate.set()
    assert await asked == b"jpeg of one"
    await closing
    studio.clock.advance(60)
    studio.keyframe(publication, b"two")
    assert await studio.posters.get(YARD) == b"jpeg of one" and studio.drawn == [b"one"]

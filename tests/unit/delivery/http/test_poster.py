"""The poster's address: who may see the picture, for how long it is kept, and what is no poster."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import CHANNEL, NAME, Broadcast, Request, frames

from madang.delivery.http.poster import PosterRoute
from madang.hub.gate import PlayGrant
from madang.media.track import Track
from madang.net.http.routes import Answer, Hold
from madang.transcoding.poster import Posters
from madang.transcoding.settings import PosterSettings

POSTER = f"/live/{NAME}/poster.jpg"


def draw(track: Track, payload: bytes | memoryview, width: int) -> bytes:
    return b"\xff\xd8" + bytes(payload[4:12])


class Wall:
    """A broadcast with its posters."""

    def __init__(self, air: Broadcast, clock: FakeClock) -> None:
        self.air = air
        self.posters = Posters(air.registry, clock, PosterSettings(every_s=4.0), draw)
        self.route = PosterRoute(air.gate, self.posters, air.errands)

    def ask(self, url: str = POSTER, method: str = "GET") -> object:
        return self.route.ask(Request(url, method))

    async def get(self, url: str = POSTER) -> Answer:
        answer = self.ask(url)
        for _ in range(2000):
            if not isinstance(answer, Hold) or answer.answer is not None:
                break
            await asyncio.sleep(0.001)
        answer = answer.answer if isinstance(answer, Hold) else answer
        assert isinstance(answer, Answer)
        return answer


@pytest.fixture
async def wall(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Wall]:
    air = Broadcast(clock, tmp_path / "spool")
    await air.publish()
    it = Wall(air, clock)
    yield it
    await it.posters.close()
    await air.close()


def headers(answer: Answer) -> dict[bytes, bytes]:
    return dict(answer.headers)


async def test_a_live_channel_has_a_poster(wall: Wall) -> None:
    wall.air.feed(frames(3))
    answer = await wall.get()
    assert (answer.status, answer.body[:2]) == (200, b"\xff\xd8")
    assert headers(answer)[b"Content-Type"] == b"image/jpeg"
    assert headers(answer)[b"Cache-Control"] == b"public, max-age=3"
    assert headers(answer)[b"Access-Control-Allow-Origin"] == b"*"
    assert answer.etag


async def test_the_same_picture_is_the_same_answer_without_a_wait(wall: Wall) -> None:
    wall.air.feed(frames(3))
    first = await wall.get()
    assert wall.ask() is first
    assert wall.ask(method="HEAD") is first
    assert wall.ask(POSTER + "?at=7") is first
    assert wall.air.errands.running == 0


@pytest.mark.parametrize("url", ["/live/nobody/poster.jpg", POSTER], ids=["no channel", "not live"])
async def test_without_a_picture_it_is_a_problem(wall: Wall, url: str) -> None:
    answer = await wall.get(url)
    assert answer.status == 404
    assert headers(answer)[b"Content-Type"] == b"application/problem+json"
    assert headers(answer)[b"Cache-Control"] == b"no-store"
    assert json.loads(answer.body)["status"] == 404


async def test_a_private_poster_needs_a_right_and_is_kept_by_nobody_else(wall: Wall) -> None:
    wall.air.gate.grants[NAME] = PlayGrant(channel=CHANNEL, name=NAME, private=True, subject="ann")
    wall.air.feed(frames(3))
    assert (await wall.get()).status == 404
    answer = await wall.get(POSTER + "?token=ticket")
    assert answer.status == 200
    assert headers(answer)[b"Cache-Control"] == b"private, no-cache"
    assert wall.air.gate.asked[-1].door == "poster"


async def test_a_channel_that_becomes_private_shows_no_more(wall: Wall) -> None:
    wall.air.feed(frames(3))
    assert (await wall.get()).status == 200
    wall.air.gate.grants[NAME] = PlayGrant(channel=CHANNEL, name=NAME, private=True)
    assert (await wall.get()).status == 404


async def test_a_renamed_channel_points_to_its_new_name(wall: Wall) -> None:
    wall.air.gate.grants["old"] = PlayGrant(channel=CHANNEL, name=NAME)
    answer = wall.ask("/live/old/poster.jpg")
    assert isinstance(answer, Answer)
    assert (answer.status, headers(answer)[b"Location"]) == (302, POSTER.encode())


@pytest.mark.parametrize(
    "path",
    [
        "/live",
        "/live/yard",
        "/live/yard/poster.png",
        "/live/yard/x/poster.jpg",
        "/live/../poster.jpg",
        "/live/YARD/poster.jpg",
        "/vod/yard/poster.jpg",
        "/live//poster.jpg",
    ],
)
async def test_what_is_no_poster_is_somebody_elses(wall: Wall, path: str) -> None:
    assert wall.ask(path) is None


async def test_methods(wall: Wall) -> None:
    for method, status in (("OPTIONS", 204), ("POST", 405), ("DELETE", 405)):
        answer = wall.ask(method=method)
        assert isinstance(answer, Answer)
        assert answer.status == status


async def test_the_doors_beside_it_leave_it_alone(wall: Wall) -> None:
    assert wall.air.ask(POSTER) is None

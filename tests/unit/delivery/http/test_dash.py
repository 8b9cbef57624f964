"""DASH as a player meets it: manifest, clock, sessions, private channels."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import CHANNEL, NAME, Broadcast, frames

from madang.hub.gate import PlayGrant
from madang.net.http.routes import Answer, Growing, Hold


@pytest.fixture
async def air(clock: FakeClock, tmp_path: Path) -> AsyncIterator[Broadcast]:
    broadcast = Broadcast(clock, tmp_path / "spool")
    await broadcast.publish()
    yield broadcast
    await broadcast.close()


def field(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*)</{tag}>", text)
    assert found is not None
    return found[1]


async def manifest(air: Broadcast, url: str = "/live/yard/manifest.mpd") -> str:
    answer = await air.get(url)
    assert answer.status == 200
    headers = dict(answer.headers)
    assert headers[b"Content-Type"] == b"application/dash+xml"
    assert headers[b"Cache-Control"] == b"no-store"
    assert headers[b"Access-Control-Allow-Origin"] == b"*"
    return answer.body.decode()


async def test_it_waits_for_the_first_segment(air: Broadcast) -> None:
    held = air.ask("/live/yard/manifest.mpd")
    assert isinstance(held, Hold)
    air.feed(frames(2.1))
    assert isinstance(held.answer, Answer)
    assert held.answer.status == 200


async def test_what_it_names_is_there(air: Broadcast) -> None:
    air.feed(frames(9))
    text = await manifest(air)
    base = field(text, "BaseURL")
    for kind in ("video", "audio"):
        init = re.search(rf'initialization="({kind}/i\d+\.mp4)"', text)
        assert init is not None
        assert (await air.get(base + init[1])).status == 200
        assert (await air.get(f"{base}{kind}/s3.m4s")).status == 200
        assert isinstance(air.ask(f"{base}{kind}/s4.m4s"), Growing)


async def test_a_publisher_that_is_late_is_waited_for(air: Broadcast) -> None:
    """Players go by the clock: one that comes while the publisher lags asks for what ought to be there."""
    air.feed(frames(9))
    base = field(await manifest(air), "BaseURL")
    early = [air.ask(f"{base}video/s{number}.m4s") for number in (5, 6, 7)]
    far = air.ask(f"{base}video/s8.m4s")
    assert isinstance(far, Answer) and far.status == 404
    air.feed(frames(15, 9))
    for held in early:
        assert isinstance(held, Hold) and isinstance(held.answer, Answer | Growing)


async def test_viewers_are_counted_by_the_address_they_are_sent_to(air: Broadcast) -> None:
    air.feed(frames(9))
    here = [field(await manifest(air), "Location") for _ in range(2)]
    assert here[0] != here[1]
    for url in (*here, here[0]):
        assert field(await manifest(air, url), "Location") == url
    assert air.audience.count(CHANNEL, air.clock.monotonic()) == 2
    assert air.audience.stats(CHANNEL, air.clock.monotonic()).doors == {"dash": 2}


async def test_the_clock_is_the_servers(air: Broadcast) -> None:
    answer = await air.get("/live/yard/time")
    moment = datetime.fromisoformat(answer.body.decode())
    assert moment.timestamp() == pytest.approx(air.clock.wall(), abs=0.001)
    assert dict(answer.headers)[b"Cache-Control"] == b"no-store"


async def test_private_channels(air: Broadcast) -> None:
    air.gate.grants[NAME] = PlayGrant(channel=CHANNEL, name=NAME, private=True, subject="ana")
    air.feed(frames(9))
    assert (await air.get("/live/yard/manifest.mpd")).status == 404
    text = await manifest(air, "/live/yard/manifest.mpd?token=ticket")
    assert "/~" in field(text, "BaseURL")
    assert (await air.get(field(text, "BaseURL") + "video/s1.m4s")).status == 200
    again = await manifest(air, field(text, "Location"))
    assert field(again, "BaseURL") == field(text, "BaseURL")
    other = field(text, "Location").replace("/live/yard/", "/live/other/")
    assert (await air.get(other)).status == 404
    air.gate.revoked.add("ana")
    assert (await air.get(field(text, "Location"))).status == 404
    assert (await air.get(field(text, "BaseURL") + "video/s1.m4s")).status == 404


async def test_a_renamed_channel_sends_its_viewers_on(air: Broadcast) -> None:
    air.feed(frames(9))
    air.gate.grants["old"] = PlayGrant(channel=CHANNEL, name=NAME)
    answer = await air.get("/live/old/manifest.mpd")
    assert answer.status == 302
    assert dict(answer.headers)[b"Location"] == b"/live/yard/manifest.mpd"


async def test_nothing_live_is_404_and_foreign_paths_are_left(air: Broadcast) -> None:
    air.gate.grants["empty"] = PlayGrant(channel="c9", name="empty")  # type: ignore[arg-type]
    assert (await air.get("/live/empty/manifest.mpd")).status == 404
    for path in (
        "/live/yard/manifest",
        "/live/yard/x/manifest.mpd",
        "/live/Yard/time",
        "/vod/yard/manifest.mpd",
    ):
        assert air.ask(path) is None


async def test_methods(air: Broadcast) -> None:
    for method, status in (("POST", 405), ("OPTIONS", 204)):
        for path in ("/live/yard/manifest.mpd", "/live/yard/time"):
            answer = air.ask(path, method)
            assert isinstance(answer, Answer)
            assert answer.status == status

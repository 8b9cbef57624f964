"""Server-sent events: the feed for clients that only read."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.harness.household import Household
from tests.harness.visitor import Site

from madang.api.guard import Call
from madang.api.sse import sse
from madang.base.roles import Visibility
from madang.control.errors import NotFound
from madang.control.rights import Actor


def _call(house: Household, actor: Actor | None = None) -> Call:
    urls = house.control.urls("http://madang.test")
    return Call(control=house.control, urls=urls, actor=actor, peer="192.0.2.1")


@asynccontextmanager
async def _following(house: Household, channel: str | None = None) -> AsyncIterator[Any]:
    answer = sse(_call(house), channel)
    stream = answer.body_iterator
    assert await anext(stream) == b"retry: 2000\n\n"  # type: ignore[arg-type]
    yield stream
    await stream.aclose()  # type: ignore[attr-defined]
    answer.leave()


def _data(message: bytes) -> dict[str, Any]:
    assert message.startswith(b"data: ") and message.endswith(b"\n\n") and message.count(b"\n") == 2
    return dict(json.loads(message[6:]))


async def test_messages_come_as_they_happen(house: Household) -> None:
    await house.channel("yard")
    async with _following(house, "yard") as stream:
        assert _data(await anext(stream))["type"] == "hello"
        house.control.feed.channel("updated", house.control.house.channel("yard"))
        assert _data(await anext(stream))["type"] == "channel"
    assert len(house.control.feed) == 0


async def test_silence_is_filled(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.api.sse._PING_S", 0.01)
    async with _following(house) as stream:
        await anext(stream)
        assert (await anext(stream)).startswith(b": ")


async def test_who_is_gone_before_the_answer_begins_follows_nothing(house: Household) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.Event().wait()  # what came before is still unread

    await sse(_call(house), None)({"type": "http", "asgi": {"spec_version": "2.3"}}, gone, send)
    assert len(house.control.feed) == 0


async def test_a_slow_reader_is_let_go_and_grows_nothing(house: Household) -> None:
    await house.channel("yard")
    async with _following(house, "yard") as stream:
        channel = house.control.house.channel("yard")
        for _ in range(1000):
            house.control.feed.channel("updated", channel)
        async with asyncio.timeout(30):
            assert [message async for message in stream] == []
    assert len(house.control.feed) == 0


async def test_whoever_may_not_watch_gets_a_problem(web: Site, house: Household) -> None:
    await house.channel("closed", visibility=Visibility.PRIVATE)
    with pytest.raises(NotFound):
        sse(_call(house), "closed")
    answer = await (await web.visitor()).get("/events/stream?channel=closed")
    assert answer.status_code == 404 and answer.json()["type"] == "not_found"

"""F13: facts wait for a database that is away, in order and bounded; nothing waits for them."""

import asyncio
from typing import Any

import pytest
from tests.harness.household import Household

from madang.base.errors import Overloaded
from madang.control.records import Happening


def _fact(number: int) -> Happening:
    return Happening(id=f"h{number:05}", at=1.0, kind="stream.began")


async def _written(house: Household) -> list[str]:
    async with house.store.read() as work:
        return sorted(h.id for h in await work.happenings.find())


async def test_facts_arrive_once_and_in_order(house: Household) -> None:
    for number in range(250):
        house.control.book.record(_fact(number))
    await house.control.book.flush()
    assert await _written(house) == [f"h{number:05}" for number in range(250)]
    assert len(house.control.book) == 0


async def test_facts_outlive_a_database_that_is_away(
    house: Household, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log has one line when it goes, one when it is back."""
    monkeypatch.setattr("madang.control.book._RETRY_S", 0)
    real, away = house.control._clerk.store.write, 3

    def write() -> Any:
        nonlocal away
        away -= 1
        assert house.control.server.database_away == (away < 2)
        if away >= 0:
            raise Overloaded("database is away")
        return real()

    monkeypatch.setattr(house.control._clerk.store, "write", write)
    task = asyncio.create_task(house.control.book.run())
    house.control.book.record(_fact(1))
    async with asyncio.timeout(30):
        while len(house.control.book):
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await _written(house) == ["h00001"] and not house.control.server.database_away
    told = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert told == ["database is away", "database is back"]


async def test_what_waits_is_bounded_and_the_loss_is_told(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madang.control.book.PENDING_FACTS", 10)
    for number in range(15):
        house.control.book.record(_fact(number))
    assert len(house.control.book) == 10 and house.control.book.dropped == 5
    assert (await house.control.server.health())["reasons"] == ["database"]
    await house.control.book.flush()
    assert await _written(house) == [f"h{number:05}" for number in range(5, 15)]


async def test_a_database_that_is_away_at_the_end_is_told(
    house: Household, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("madang.control.book._RETRY_S", 0)

    def write() -> Any:
        raise Overloaded("database is away")

    with monkeypatch.context() as away:
        away.setattr(house.control._clerk.store, "write", write)
        house.control.book.record(_fact(1))
        await house.control.book.close()
    assert "1 facts are lost" in caplog.text and house.control.book.dropped == 1

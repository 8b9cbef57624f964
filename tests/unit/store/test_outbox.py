"""The outbox: in the transaction of its cause, numbered in the order of the commits."""

import asyncio

import pytest
from sqlalchemy import select

from madang.base.events import Event
from madang.store import crowd_schema
from madang.store.sql import SqlStore


def event(name: str) -> Event:
    return Event(id=name, kind="stream.began", room="c1", at=1.5, data={"n": 1, "t": "가", "f": None})


async def rows(store: SqlStore) -> list[tuple[int, str, str]]:
    outbox = crowd_schema.outbox.c
    async with store.engine.connect() as connection:
        found = await connection.execute(select(outbox.seq, outbox.id, outbox.data).order_by(outbox.seq))
        return [(row.seq, row.id, row.data) for row in found]


async def test_numbers_rise_by_one(store: SqlStore) -> None:
    async with store.write() as work:
        await work.outbox.put(event("a"))
        await work.outbox.put(event("b"))
    async with store.write() as work:
        await work.outbox.put(event("c"))
    assert [(seq, name) for seq, name, _ in await rows(store)] == [(1, "a"), (2, "b"), (3, "c")]
    assert (await rows(store))[0][2] == '{"n":1,"t":"가","f":null}'


async def test_what_failed_left_nothing(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="cause"):
        async with store.write() as work:
            await work.outbox.put(event("a"))
            raise ValueError("cause")
    async with store.write() as work:
        await work.outbox.put(event("b"))
    assert [(seq, name) for seq, name, _ in await rows(store)] == [(1, "b")]


async def test_writers_that_meet_leave_no_hole(store: SqlStore) -> None:
    async def put(name: str) -> None:
        async with store.write() as work:
            await work.outbox.put(event(name))

    await asyncio.gather(*(put(f"e{number}") for number in range(20)))
    assert [seq for seq, _, _ in await rows(store)] == list(range(1, 21))

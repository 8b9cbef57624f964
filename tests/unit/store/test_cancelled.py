"""A66: whoever is cancelled while the database answers leaves that answer to nobody else."""

import asyncio
import random

from tests.unit.store.rows_of import happening

from madang.store.sql import SqlStore

NAMES = [f"h{number}" for number in range(8)]
ASKED, AT_ONCE, SOON_S, PATIENT = 240, 12, 0.03, 0.2


async def test_an_answer_belongs_to_who_asked(store: SqlStore) -> None:
    async with store.write() as work:
        for name in NAMES:
            await work.happenings.add(happening(name))
    dice = random.Random(66)
    turns = asyncio.Semaphore(AT_ONCE)
    answered: list[tuple[str, str]] = []

    async def ask(name: str) -> None:
        async with store.read() as work:
            found = await work.happenings.get(name)
            assert found is not None
            answered.append((name, found.id))

    async def write(name: str) -> None:
        async with store.write() as work:
            await work.happenings.delete(id=name)
            await work.happenings.add(happening(name))

    async def impatient(name: str) -> None:
        async with turns:
            deed = asyncio.create_task(write(name) if dice.random() < 0.1 else ask(name))
            waits = None if dice.random() < PATIENT else dice.random() * SOON_S
            await asyncio.wait([deed], timeout=waits)
            deed.cancel()
            await asyncio.wait([deed])
            assert deed.cancelled() or deed.exception() is None

    async with asyncio.TaskGroup() as group:
        for _ in range(ASKED):
            group.create_task(impatient(dice.choice(NAMES)))
    assert all(asked == told for asked, told in answered)
    assert 0 < len(answered) < ASKED
    # And nothing is stuck: every row is there, by as many readers as there are connections.
    answered.clear()
    async with asyncio.TaskGroup() as group:
        for name in NAMES * 4:
            group.create_task(ask(name))
    assert sorted(answered) == sorted((name, name) for name in NAMES * 4)

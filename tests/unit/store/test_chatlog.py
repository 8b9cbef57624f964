"""The chat's log: whole commits, in order, many in one transaction, one bad one alone; away is error 100."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select
from tests.unit.store.rows_of import channel

from madang.base.errors import Overloaded
from madang.chat.ports import Change, Claim, Demand, DeposedError, Drop, Fenced, Held, Lease, Put, Query, Set
from madang.chat.rows import put_event, put_message
from madang.chat.words import Author, Message
from madang.store import crowd_schema
from madang.store.chatlog import ChatLog
from madang.store.sql import SqlStore

ROOM = "c-yard"


@pytest.fixture
async def log(store: SqlStore) -> AsyncIterator[ChatLog]:
    async with store.write() as work:
        await work.channels.add(channel())
    made = ChatLog(store)
    yield made
    await made.close()


async def commit(log: ChatLog, *changes: Change) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def done(fault: BaseException | None) -> None:
        if fault is None:
            future.set_result(None)
        else:
            future.set_exception(fault)

    log.commit(changes, done)
    await future


def message(seq: int, name: str = "", text: str = "") -> Put:
    author = Author(id="madang.g.x", name="미나", role="guest")
    made = Message(
        id=name or f"m{seq}", seq=seq, at=seq, kind="message", user=author, text=text or f"word {seq}"
    )
    return put_message(ROOM, made, f"n{seq}")


async def said(log: ChatLog) -> list[int]:
    found = await log.find(Query(table="chat_messages", order="seq", newest=False, limit=1000))
    return [row["seq"] for row in found]


async def test_many_commits_are_one_transaction_and_heard_in_order(log: ChatLog) -> None:
    heard: list[int] = []
    await commit(log, message(1))
    for seq in range(2, 102):
        log.commit([message(seq)], lambda fault, seq=seq: heard.append(seq))
    await commit(log, message(102))
    assert heard == list(range(2, 102)) and await said(log) == list(range(1, 103))
    assert log.commits <= 3


async def test_one_that_cannot_be_takes_no_other_with_it(log: ChatLog) -> None:
    await commit(log, message(1))
    results: list[tuple[int, bool]] = []
    log.commit([message(2)], lambda fault: results.append((2, fault is None)))
    log.commit([message(3), message(1)], lambda fault: results.append((3, fault is None)))
    log.commit([message(4)], lambda fault: results.append((4, fault is None)))
    await commit(log, message(5))
    assert results == [(2, True), (3, False), (4, True)]
    assert await said(log) == [1, 2, 4, 5]


async def test_rows_are_replaced_changed_and_dropped(log: ChatLog) -> None:
    cut = {"channel": ROOM, "user_id": "", "through": 1, "at": 1, "by": "a"}
    key = ("channel", "user_id")
    await commit(log, Put("chat_cuts", cut, key))
    await commit(log, Put("chat_cuts", {**cut, "through": 9}, key), message(1), message(2))
    assert [row["through"] for row in await log.find(Query(table="chat_cuts", order="at"))] == [9]
    await commit(log, Set("chat_messages", {"channel": ROOM, "id": "m1"}, {"text": "other"}))
    (row,) = await log.find(Query(table="chat_messages", where={"id": "m1"}))
    assert row["text"] == "other" and row["edited_at"] is None
    await commit(log, Drop("chat_messages", {"channel": ROOM, "id": "m1"}))
    assert await said(log) == [2]


async def test_the_outbox_is_numbered_in_the_same_transaction(log: ChatLog, store: SqlStore) -> None:
    first = put_event("e1", "chat.ban", ROOM, 1.0, {"user": "x"})
    second = put_event("e2", "chat.ban", ROOM, 1.0, {"user": "y"})
    await commit(log, message(1), first, second)
    with pytest.raises(Exception, match=r"."):
        await commit(log, put_event("e3", "chat.ban", ROOM, 1.0, {}), message(1))
    await commit(log, put_event("e4", "chat.ban", ROOM, 1.0, {}))
    async with store.engine.connect() as connection:
        outbox = crowd_schema.outbox.c
        rows = (await connection.execute(select(outbox.seq, outbox.id).order_by(outbox.seq))).all()
    assert [tuple(row) for row in rows] == [(1, "e1"), (2, "e2"), (3, "e4")]


async def test_a_demand_that_is_not_met_fences(log: ChatLog) -> None:
    room = {
        "channel": ROOM,
        "settings": "{}",
        "pins": "[]",
        "holder": "node1",
        "fence": 3,
        "held_until": 0,
    }
    await commit(log, Put("chat_rooms", room, ("channel",)))
    await commit(log, Demand("chat_rooms", {"channel": ROOM, "fence": 3}), message(1))
    with pytest.raises(Fenced):
        await commit(log, Demand("chat_rooms", {"channel": ROOM, "fence": 2}), message(2))
    assert await said(log) == [1]


async def test_pages_in_both_directions(log: ChatLog) -> None:
    await commit(log, *(message(seq) for seq in range(1, 8)))

    async def page(**more: object) -> Sequence[int]:
        query = Query(table="chat_messages", order="seq", limit=3, **more)  # type: ignore[arg-type]
        return [row["seq"] for row in await log.find(query)]

    assert await page() == [7, 6, 5]
    assert await page(below=5) == [4, 3, 2]
    assert await page(newest=False, above=5) == [6, 7]
    assert await page(among=("id", ("m1", "m4"))) == [4, 1]


async def test_other_tables_are_not_its_business(log: ChatLog) -> None:
    for table in ("accounts", "keys", "webhooks"):
        with pytest.raises(KeyError):
            await log.find(Query(table=table))
        with pytest.raises(KeyError):
            await commit(log, Drop(table, {}))


async def test_a_closed_log_accepts_nothing(store: SqlStore) -> None:
    log = ChatLog(store)
    await log.close()
    with pytest.raises(Overloaded):
        await commit(log, message(1))


async def test_what_is_old_is_forgotten(log: ChatLog) -> None:
    await commit(log, *(message(seq) for seq in range(1, 6)), put_event("e1", "x", ROOM, 1.0, {}))
    await log.forget(4, 0, 2.0)
    assert await said(log) == [4, 5]


@pytest.mark.parametrize("text", ["'; DROP TABLE chat_messages; --", '"quoted"', "가\u0301", "?" * 50])
async def test_texts_are_data(log: ChatLog, text: str) -> None:
    await commit(log, message(1, text=text))
    assert (await log.find(Query(table="chat_messages")))[0]["text"] == text


# --- leases


async def test_a_lease_is_one_nodes_until_it_ends(log: ChatLog) -> None:
    mine = Claim(channel=ROOM, node="one", now=1000, until=11_000)
    yours = Claim(channel=ROOM, node="two", now=5000, until=15_000)
    assert await log.claim(mine) == (Lease(holder="one", fence=1, until=11_000), "")
    assert await log.claim(yours) == (Lease(holder="one", fence=1, until=11_000), "one")
    assert await log.renew("one", 14_000) == {ROOM: 1} and await log.renew("two", 14_000) == {}
    late = Claim(channel=ROOM, node="two", now=14_000, until=24_000)
    assert await log.claim(late) == (Lease(holder="two", fence=2, until=24_000), "one")
    await log.release("one", [ROOM])
    assert await log.claim(mine) == (Lease(holder="two", fence=2, until=24_000), "two")
    await log.release("two", [ROOM])
    assert await log.claim(mine) == (Lease(holder="one", fence=3, until=11_000), "")


async def test_many_who_claim_at_once_get_one_answer(log: ChatLog) -> None:
    names = [f"node{number}" for number in range(8)]
    claims = [Claim(channel=ROOM, node=name, now=1, until=10) for name in names]
    found = await asyncio.gather(*(log.claim(claim) for claim in claims))
    assert len({lease.holder for lease, _ in found}) == 1


async def test_who_lost_the_lease_writes_nothing(log: ChatLog) -> None:
    await log.claim(Claim(channel=ROOM, node="one", now=1, until=10))
    held, stale = Held(ROOM, "one", 1), Held(ROOM, "two", 2)
    results: list[str] = []

    def hear(name: str, fault: BaseException | None) -> None:
        results.append(f"{name} {type(fault).__name__}")

    log.commit([message(0)], lambda fault: None)
    log.commit([held, message(1)], lambda fault: hear("one", fault))
    log.commit([stale, message(2)], lambda fault: hear("two", fault))
    log.commit([held, message(3), message(4)], lambda fault: hear("one", fault))
    await commit(log, message(5))
    assert results == ["one NoneType", "two DeposedError", "one NoneType"]
    assert await said(log) == [0, 1, 3, 4, 5]
    await log.claim(Claim(channel=ROOM, node="two", now=20, until=30))
    with pytest.raises(DeposedError):
        await commit(log, held, message(6))
    await commit(log, stale, message(6))
    await commit(log, stale)
    assert await said(log) == [0, 1, 3, 4, 5, 6]


async def test_the_lease_stays_when_the_room_is_set(log: ChatLog) -> None:
    await log.claim(Claim(channel=ROOM, node="one", now=1, until=10))
    await commit(log, Held(ROOM, "one", 1), Set("chat_rooms", {"channel": ROOM}, {"pins": "[1]"}))
    (row,) = await log.find(Query(table="chat_rooms", order="channel"))
    assert (row["pins"], row["holder"], row["fence"], row["held_until"]) == ("[1]", "one", 1, 10)


async def test_a_file_that_is_busy_for_a_moment_is_written_after_it(
    log: ChatLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    if log._file is None:
        return
    file, tries = log._file, 0
    write = file.write

    def busy(commits: list[Sequence[Change]]) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
            raise error
        write(commits)

    monkeypatch.setattr(file, "write", busy)
    await commit(log, message(1))
    assert tries == 3 and await said(log) == [1]
    tries = -10
    with pytest.raises(Overloaded):
        await commit(log, message(2))
    assert await said(log) == [1]


async def test_a_full_disk_is_told_once_and_that_it_is_over(
    log: ChatLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F4."""
    if log._file is None:
        return

    def full(commits: list[Sequence[Change]]) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as disk:
        disk.setattr(log._file, "write", full)
        for seq in range(1, 4):
            with pytest.raises(Overloaded):
                await commit(log, message(seq))
    await commit(log, message(4))
    await commit(log, message(5))
    said_so = [record.getMessage() for record in caplog.records]
    assert [line.split(":")[1].split(" after")[0] for line in said_so] == [" not there", " back"]
    assert "disk is full" in said_so[0] and await said(log) == [4, 5]

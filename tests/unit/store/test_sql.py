"""The database behind its URL: durable SQLite, several processes, and a busy writer."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tests.unit.store.rows_of import account, channel

from madang.base.errors import Overloaded
from madang.control.errors import Conflict
from madang.store import sql
from madang.store.sql import SqlStore, resolve, shown
from madang.store.upgrade import StoreError


async def test_sqlite_is_durable(tmp_path: Path) -> None:
    store = await SqlStore.open("", tmp_path)
    async with store.engine.connect() as connection:
        answers = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    await store.close()
    assert answers == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000, "foreign_keys": 1}


async def test_two_processes_see_each_other(url: str, tmp_path: Path) -> None:
    first, second = await SqlStore.open(url, tmp_path), await SqlStore.open(url, tmp_path)
    async with first.write() as work:
        await work.channels.add(channel())
    assert await second.changes() == (1, 0)
    async with second.read() as work:
        assert await work.channels.find() == [channel()]
    await first.close()
    await second.close()


async def test_writers_take_turns(store: SqlStore) -> None:
    async def add(name: str) -> None:
        async with store.write() as work:
            await work.accounts.add(account(name))
            await asyncio.sleep(0)

    await asyncio.gather(*(add(f"n{number}") for number in range(20)))
    assert await store.changes() == (20, 0)


async def test_a_reader_does_not_wait_for_a_writer(store: SqlStore) -> None:
    async with store.write() as writing:
        await writing.channels.add(channel())
        async with asyncio.timeout(30), store.read() as reading:
            assert await reading.channels.find() == []


async def test_a_file_that_says_at_once_that_it_is_busy_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "_BUSY_S", 0.0)
    monkeypatch.setattr(sql, "BUSY_AGAIN", 1000)
    store = await SqlStore.open("", tmp_path)
    other = sqlite3.connect(tmp_path / "madang.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.1, other.execute, "ROLLBACK")
    async with store.write() as work:
        await work.channels.add(channel())
    assert await store.changes() == (1, 0)
    other.close()
    await store.close()


async def test_a_lock_that_is_not_released_is_overload_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F15."""
    monkeypatch.setattr(sql, "_BUSY_S", 0.05)
    store = await SqlStore.open("", tmp_path)
    holder = sqlite3.connect(tmp_path / "madang.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Overloaded):
        async with store.write() as work:
            await work.channels.add(channel())
    holder.execute("ROLLBACK")
    holder.close()
    async with store.write() as work:
        await work.channels.add(channel())
    await store.close()


async def test_a_cancelled_transaction_leaves_nothing(store: SqlStore) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        async with store.write() as work:
            await work.channels.add(channel())
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with store.write() as work:
        assert await work.channels.find() == []


def test_urls_get_their_driver_and_hide_their_password(tmp_path: Path) -> None:
    assert str(resolve("", tmp_path)) == f"sqlite+aiosqlite:///{tmp_path}/madang.db"
    parsed = resolve("postgresql://u:secret@db/madang", tmp_path)
    assert parsed.drivername == "postgresql+asyncpg"
    assert "secret" not in shown(parsed)
    with pytest.raises(StoreError):
        resolve("mysql://db/x", tmp_path)


async def test_a_database_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        await SqlStore.open("postgresql://u:hunter2@127.0.0.1:1/madang", tmp_path)
    assert "127.0.0.1" in str(caught.value) and "hunter2" not in str(caught.value)


def _translated(state: str) -> Exception:
    """What SQLAlchemy makes of asyncpg's error."""
    error = Exception("the database system is shutting down")
    error.sqlstate = state  # type: ignore[attr-defined]
    return error


async def test_a_full_disk_is_said(store: SqlStore) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    for orig in (full, _translated("53100")):
        with pytest.raises(Overloaded) as caught:
            async with store.write():
                raise OperationalError("INSERT", {}, orig)
        assert caught.value.told == "The disk of the database is full."


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (ConnectionRefusedError(), True),
        (OSError("no route"), True),
        (PoolTimeout("pool is empty"), True),
        (asyncpg.CannotConnectNowError("the database system is starting up"), True),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), True),
        (DBAPIError("SELECT", {}, Exception("gone"), connection_invalidated=True), True),
        (DBAPIError("SELECT", {}, _translated("57P03")), True),
        (DBAPIError("SELECT", {}, _translated("53100")), True),
        (DBAPIError("SELECT", {}, _translated("42601")), False),
        (DBAPIError("SELECT", {}, Exception("our mistake")), False),
        (ValueError("our mistake"), False),
        (Conflict("taken", "That name is taken."), False),
    ],
)
async def test_what_counts_as_away(store: SqlStore, error: Exception, away: bool) -> None:
    with pytest.raises(Overloaded if away else type(error)):
        async with store.write():
            raise error


async def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    """And leaves no thread of the driver behind, which would end with a traceback."""
    threads = threading.enumerate()
    with pytest.raises(StoreError, match="unable to open"):
        await SqlStore.open("", tmp_path / "gone")
    assert threading.enumerate() == threads

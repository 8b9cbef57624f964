"""The chat's log: commits gathered for at most 20 ms, one writer, on the disk before anybody is told.

SQLite is written through a connection of its own in the writer's thread: a transaction costs 0.1 ms of CPU
there and a millisecond through the engine. PostgreSQL goes through the engine.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_LOG_PENDING
from madang.chat.ports import (
    Change,
    Claim,
    DeposedError,
    Done,
    Drop,
    Fenced,
    Held,
    Lease,
    Put,
    Query,
    Set,
)
from madang.store import crowd_schema, schema
from madang.store import sql as engines
from madang.store.away import away_is_overload
from madang.store.outage import Outage
from madang.store.sql import SqlStore

_log = logging.getLogger("madang.store")
GATHER_S = 0.02
_BATCH = 500
_BUSY_AGAIN, _BUSY_S = 3, 0.05
"""How often a commit is tried again that found the file busy, and after how long."""
_PREFIXES = ("chat_", "outbox", "payment", "paid_", "poll", "effect")
Commit = tuple[Sequence[Change], Done]


class ChatLog:
    """Implements `chat.ports.Log`; closed before the store is."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._waiting: list[Commit] = []
        self._writer: asyncio.Task[None] | None = None
        self._last = 0.0
        self._closing = False
        self._outage = Outage(_log, "the chat's log")
        self._thread = ThreadPoolExecutor(1, "ThreadPoolExecutor-chat-log")
        self._file: _File | None = None
        if store.url.get_backend_name() == "sqlite":
            self._file = _File(str(store.url.database))
        self.gather_s = GATHER_S
        self.commits = 0
        """Transactions; for metrics."""
        self.changes = 0

    def commit(self, changes: Sequence[Change], done: Done) -> None:
        if self._closing or len(self._waiting) >= CHAT_LOG_PENDING:
            done(Overloaded("chat log is full", "The chat is busy; try again."))
            return
        self._waiting.append((changes, done))
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def close(self) -> None:
        """Bring what waits to the disk."""
        self._closing = True
        while self._writer is not None:
            await asyncio.wait([self._writer])
        if self._file is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown()

    async def _write(self) -> None:
        """Until nothing waits: a batch, then at least GATHER_S until the next one."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            wait_s = self._last + self.gather_s - loop.time()
            if wait_s > 0 and not self._closing:
                await asyncio.sleep(wait_s)
            self._last = loop.time()
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            await self._write_batch(batch)
        self._writer = None

    async def _write_batch(self, batch: list[Commit]) -> None:
        """All in one transaction; where that fails, each alone, so that one cannot take others with it."""
        fault = await self._try([changes for changes, _ in batch])
        if fault is None or len(batch) == 1 or isinstance(fault, Overloaded):
            for _, done in batch:
                done(fault)
            return
        for changes, done in batch:
            done(await self._try([changes]))

    async def _try(self, commits: list[Sequence[Change]]) -> BaseException | None:
        try:
            with away_is_overload():
                if self._file is not None:
                    async with self._store.turn:
                        await self._write_file(self._file, commits)
                else:
                    await self._write_rows(commits)
        except (Fenced, DeposedError) as error:
            return error
        except (Overloaded, sqlite3.OperationalError) as error:
            self._outage.begin(error)
            if isinstance(error, Overloaded):
                return error
            return Overloaded(f"chat log: {error}", "The chat is busy; try again.")
        except Exception as error:  # noqa: BLE001  the caller is told, and the next commit goes on
            return error
        self._outage.end()
        self.commits += 1
        self.changes += sum(len(changes) for changes in commits)
        return None

    async def _write_file(self, file: "_File", commits: list[Sequence[Change]]) -> None:
        """SQLite may say that it is busy without waiting: while it recovers, or when waiting might be a
        deadlock. Nothing was written then, and a moment later it goes."""
        loop = asyncio.get_running_loop()
        for again in range(_BUSY_AGAIN, -1, -1):
            try:
                await loop.run_in_executor(self._thread, file.write, commits)
                return
            except sqlite3.OperationalError as error:
                if not again or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            await asyncio.sleep(_BUSY_S)

    async def _write_rows(self, commits: list[Sequence[Change]]) -> None:
        async with self._store.turn, self._store.engine.begin() as connection:
            for held in _leases(commits):
                await _check(connection, held)
            for run in _runs(commits):
                await _execute(connection, run)

    async def find(self, query: Query) -> list[dict[str, Any]]:
        table = _table(query.table)
        order = table.c[query.order]
        asked = select(table).where(*_equal(table, query.where))
        if query.among is not None:
            column, values = query.among
            asked = asked.where(table.c[column].in_(values))
        if query.holds is not None:
            column, piece = query.holds
            asked = asked.where(table.c[column].contains(piece, autoescape=True))
        if query.below is not None:
            asked = asked.where(order < query.below)
        if query.above is not None:
            asked = asked.where(order > query.above)
        asked = asked.order_by(order.desc() if query.newest else order).limit(query.limit)
        with away_is_overload():
            async with self._store.engine.connect() as connection:
                found = (await connection.execute(asked)).mappings()
                return [{str(name): value for name, value in row.items()} for row in found]

    # --- leases

    async def claim(self, claim: Claim) -> tuple[Lease, str]:
        try:
            return await self._claim(claim)
        except IntegrityError:  # another node made the row meanwhile
            return await self._claim(claim)

    async def _claim(self, claim: Claim) -> tuple[Lease, str]:
        rooms = crowd_schema.chat_rooms
        here = rooms.c.channel == claim.channel
        asked = select(rooms.c.holder, rooms.c.fence, rooms.c.held_until).where(here).with_for_update()
        async with self._writing() as connection:
            row = (await connection.execute(asked)).first()
            known = Lease() if row is None else Lease(holder=row[0], fence=row[1], until=row[2])
            taken = known.claimed(claim.node, claim.now, claim.until, claim.deaf)
            if taken is None:
                return known, known.holder
            values = {"holder": taken.holder, "fence": taken.fence, "held_until": taken.until}
            if row is None:
                values |= {"channel": claim.channel, "settings": "{}", "pins": "[]"}
                await connection.execute(insert(rooms).values(values))
            else:
                await connection.execute(update(rooms).where(here).values(values))
            return taken, known.holder

    async def renew(self, node: str, until: int) -> dict[str, int]:
        rooms = crowd_schema.chat_rooms
        longer = update(rooms).where(rooms.c.holder == node).values(held_until=until)
        async with self._writing() as connection:
            found = await connection.execute(longer.returning(rooms.c.channel, rooms.c.fence))
            return {str(channel): int(fence) for channel, fence in found}

    async def release(self, node: str, channels: Sequence[str]) -> None:
        rooms = crowd_schema.chat_rooms
        mine = rooms.c.holder == node, rooms.c.channel.in_(channels)
        async with self._writing() as connection:
            await connection.execute(update(rooms).where(*mine).values(holder="", held_until=0))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        with away_is_overload():
            async with self._store.turn, self._store.engine.connect() as plain:
                connection = await plain.execution_options(madang_writes=True)
                async with connection.begin():
                    yield connection

    async def forget(self, messages_before_ms: int, audit_before_ms: int, events_before: float) -> None:
        """Retention: what is older goes."""
        messages, audit, held = (crowd_schema.chat_messages, crowd_schema.chat_audit, crowd_schema.chat_held)
        outbox = crowd_schema.outbox
        async with self._writing() as connection:
            for over in (
                delete(messages).where(messages.c.at < messages_before_ms),
                delete(held).where(held.c.at < messages_before_ms),
                delete(audit).where(audit.c.at < audit_before_ms),
                delete(outbox).where(outbox.c.at < events_before),
            ):
                await connection.execute(over)


def _table(name: str) -> Table:
    """A table of the crowd by name: nobody reaches accounts or keys through this door."""
    if not name.startswith(_PREFIXES):
        raise KeyError(name)
    return schema.metadata.tables[name]


def _equal(table: Table, where: Mapping[str, Any]) -> list[Any]:
    return [table.c[name] == value for name, value in where.items()]


def _leases(commits: Iterable[Sequence[Change]]) -> Iterable[Held]:
    """What the commits of one transaction ask of leases: each room is looked at once, before anything."""
    return dict.fromkeys(changes[0] for changes in commits if changes and type(changes[0]) is Held)


def _runs(commits: Iterable[Sequence[Change]]) -> Iterable[list[Change]]:
    """Neighbours that are rows of one kind for one table go together."""
    run: list[Change] = []
    for changes in commits:
        for change in changes:
            if type(change) is Held:
                continue
            if run and not _alike(run[-1], change):
                yield run
                run = []
            run.append(change)
    if run:
        yield run


def _alike(one: Change, other: Change) -> bool:
    return (
        isinstance(one, Put)
        and isinstance(other, Put)
        and one.table == other.table
        and one.key == other.key
        and tuple(one.row) == tuple(other.row)
    )


async def _check(connection: AsyncConnection, held: Held) -> None:
    """The row stays as it is until the transaction ends: who would take the lease waits for it."""
    rooms = crowd_schema.chat_rooms
    asked = select(rooms.c.holder, rooms.c.fence).where(rooms.c.channel == held.channel)
    found = (await connection.execute(asked.with_for_update(key_share=True))).first()
    if found is None or tuple(found) != (held.node, held.fence):
        raise DeposedError(held.channel)


async def _execute(connection: AsyncConnection, run: list[Change]) -> None:
    from sqlalchemy.dialects.postgresql import insert  # not loaded where there is none

    first = run[0]
    assert not isinstance(first, Held)
    table = _table(first.table)
    if isinstance(first, Put):
        rows = [dict(change.row) for change in run if isinstance(change, Put)]
        if first.table == "outbox":
            changes = schema.changes.c
            raised = update(schema.changes).where(changes.id == schema.OUTBOX)
            raised = raised.values(count=changes.count + len(rows))
            top = (await connection.execute(raised.returning(changes.count))).scalar_one()
            rows = [{**row, "seq": top - len(rows) + place} for place, row in enumerate(rows, 1)]
        new = insert(table)
        if first.key:
            others = {name: new.excluded[name] for name in first.row if name not in first.key}
            new = new.on_conflict_do_update(index_elements=list(first.key), set_=others)
        await connection.execute(new, rows)
    elif isinstance(first, Set):
        await connection.execute(update(table).where(*_equal(table, first.where)).values(dict(first.values)))
    elif isinstance(first, Drop):
        await connection.execute(delete(table).where(*_equal(table, first.where)))
    else:
        asked = select(1).select_from(table).where(*_equal(table, first.where)).with_for_update()
        if (await connection.execute(asked)).first() is None:
            raise Fenced(first.table)


class _File:
    """The writer's own SQLite connection; every call is in the writer's thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def write(self, commits: list[Sequence[Change]]) -> None:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for held in _leases(commits):
                self._check(connection, held)
            for run in _runs(commits):
                self._execute(connection, run)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            made = sqlite3.connect(self._path, timeout=5.0, isolation_level=None)
            for pragma in engines.PRAGMAS:
                made.execute(f"PRAGMA {pragma}")
            self._connection = made
        return self._connection

    def _check(self, connection: sqlite3.Connection, held: Held) -> None:
        asked = "SELECT holder, fence FROM chat_rooms WHERE channel = ?"
        if connection.execute(asked, (held.channel,)).fetchone() != (held.node, held.fence):
            raise DeposedError(held.channel)

    def _execute(self, connection: sqlite3.Connection, run: list[Change]) -> None:
        first = run[0]
        assert not isinstance(first, Held)
        table = _table(first.table).name
        if isinstance(first, Put):
            rows: list[Mapping[str, Any]] = [change.row for change in run if isinstance(change, Put)]
            if table == "outbox":
                rows = _numbered(connection, rows)
            connection.executemany(
                _insert(table, tuple(rows[0]), first.key), [tuple(r.values()) for r in rows]
            )
        elif isinstance(first, Set):
            values = ", ".join(f'"{name}" = ?' for name in first.values)
            text = f'UPDATE "{table}" SET {values} WHERE {_where(first.where)}'
            connection.execute(text, (*first.values.values(), *first.where.values()))
        elif isinstance(first, Drop):
            text = f'DELETE FROM "{table}" WHERE {_where(first.where)}'
            connection.execute(text, tuple(first.where.values()))
        else:
            text = f'SELECT 1 FROM "{table}" WHERE {_where(first.where)}'
            if connection.execute(text, tuple(first.where.values())).fetchone() is None:
                raise Fenced(table)


def _numbered(connection: sqlite3.Connection, rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    raised = "UPDATE changes SET count = count + ? WHERE id = ? RETURNING count"
    (top,) = connection.execute(raised, (len(rows), schema.OUTBOX)).fetchone()
    return [{"seq": top - len(rows) + place, **row} for place, row in enumerate(rows, 1)]


@lru_cache(maxsize=64)
def _insert(table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    """Columns and tables are named by our own code, never by a peer."""
    names = ", ".join(f'"{name}"' for name in columns)
    text = f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})'
    if key:
        others = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
        text += f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {others}"
    return text


def _where(where: Mapping[str, Any]) -> str:
    return " AND ".join(f'"{name}" IS ?' for name in where) or "1"

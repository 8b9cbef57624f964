"""The database behind its URL: SQLite (WAL) by default, PostgreSQL when it grows."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, event, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from madang.base.limits import DATABASE_ANSWER_S, DATABASE_CONNECT_S
from madang.control import records
from madang.store import crowd_schema, schema
from madang.store.away import away_is_overload
from madang.store.eventlog import EventLog
from madang.store.outbox import SqlOutbox
from madang.store.rows import R, TableRows
from madang.store.upgrade import StoreError, bring_up_to_date

_BUSY_S = 5.0
"""F15: how long a writer waits for another process's lock."""
BUSY_AGAIN, BUSY_AGAIN_S = 3, 0.05
"""How often a file that was busy is tried again, and after how long."""
_KEPT_S = 86_400.0
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
"""Committed means on the disk: a revoked key must not come back with the power."""


class SqlWork:
    """One transaction over all nouns; implements `control.ports.Work`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.changed: set[int] = set()
        """Counters that this transaction moves."""
        self._connection = connection
        self.accounts = self._rows(schema.accounts, records.Account, self._directory)
        self.avatars = self._rows(schema.avatars, records.Avatar, _uncounted)
        self.sessions = self._rows(schema.sessions, records.Session, self._entries)
        self.links = self._rows(schema.links, records.Link, _uncounted)
        self.channels = self._rows(schema.channels, records.Channel, self._directory)
        self.slugs = self._rows(schema.slugs, records.Slug, self._directory)
        self.members = self._rows(schema.members, records.Member, self._directory)
        self.follows = self._rows(crowd_schema.follows, records.Follow, _uncounted)
        self.outbox = SqlOutbox(connection)
        self.webhooks = self._rows(crowd_schema.webhooks, records.Webhook, _uncounted)
        self.webhook_cursors = self._rows(crowd_schema.webhook_cursors, records.WebhookCursor, _uncounted)
        self.keys = self._rows(schema.keys, records.StreamKey, self._directory)
        self.tokens = self._rows(schema.tokens, records.Token, self._entries)
        self.broadcasts = self._rows(schema.broadcasts, records.Broadcast, _uncounted)
        self.happenings = self._rows(schema.happenings, records.Happening, _uncounted)
        self.kept = self._rows(schema.kept, records.Kept, _uncounted)

    def _rows(self, table: Table, kind: type[R], wrote: Callable[[str], None]) -> TableRows[R]:
        return TableRows(self._connection, table, kind, wrote)

    def _directory(self, verb: str) -> None:
        self.changed.add(schema.DIRECTORY)

    def _entries(self, verb: str) -> None:
        """A new session takes nothing from anybody; a changed or deleted one may."""
        if verb != "add":
            self.changed.add(schema.ENTRIES)

    async def forget(self, now: float, events_before: float) -> None:
        """Delete what is over."""
        for over in (
            delete(schema.sessions).where(schema.sessions.c.expires_at < now),
            delete(schema.links).where(schema.links.c.expires_at < now - _KEPT_S),
            delete(schema.kept).where(schema.kept.c.at < now - _KEPT_S),
            delete(schema.happenings).where(schema.happenings.c.at < events_before),
        ):
            await self._connection.execute(over)


def _uncounted(verb: str) -> None:
    return None


class SqlStore:
    """Implements `control.ports.Store`; writes of this process take turns."""

    def __init__(self, engine: AsyncEngine, url: URL) -> None:
        self.url = url
        self.engine = engine
        self.turn = asyncio.Lock()
        """Held by whoever writes."""
        self.events = EventLog(engine)
        """What leaves the house."""

    @classmethod
    async def open(cls, url: str, data_dir: Path) -> "SqlStore":
        """Open the database, creating or upgrading it; StoreError when it is newer than us or damaged."""
        parsed = resolve(url, data_dir)
        engine = make_engine(parsed)
        try:
            with in_one_sentence(parsed):
                await bring_up_to_date(engine, parsed, data_dir)
        except BaseException:
            await engine.dispose()
            raise
        if parsed.get_backend_name() != "sqlite":
            await engine.dispose()  # an upgrade may take long, an answer may not
            engine = make_engine(parsed, DATABASE_ANSWER_S)
        return cls(engine, parsed)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlWork]:
        """A transaction that only looks."""
        with away_is_overload():
            async with self.engine.connect() as connection:
                yield SqlWork(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlWork]:
        """A transaction that commits when the block ends well."""
        with away_is_overload():
            async with self.turn, self.engine.connect() as plain:
                connection = await plain.execution_options(madang_writes=True)
                async with connection.begin():
                    work = SqlWork(connection)
                    yield work
                    if work.changed:
                        moved = update(schema.changes).where(schema.changes.c.id.in_(work.changed))
                        await connection.execute(moved.values(count=schema.changes.c.count + 1))

    async def changes(self) -> tuple[int, int]:
        """How many writes there have been, by whichever process."""
        with away_is_overload():
            async with self.engine.connect() as connection:
                kept = schema.changes.c
                counts = select(kept.count).where(kept.id <= schema.ENTRIES).order_by(kept.id)
                directory, entries = (await connection.execute(counts)).scalars()
        return int(directory), int(entries)


def resolve(url: str, data_dir: Path) -> URL:
    """The URL with its async driver; an empty one is `madang.db` in the data directory."""
    parsed = make_url(url or f"sqlite:///{data_dir / 'madang.db'}")
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(drivername="sqlite+aiosqlite")
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    raise StoreError(f"Databases are sqlite or postgresql, not {parsed.get_backend_name()}.")


def shown(url: URL) -> str:
    """The URL without its password."""
    return url.render_as_string(hide_password=True)


@contextmanager
def in_one_sentence(url: URL) -> Iterator[None]:
    """What the database or its file says, as a StoreError for the operator."""
    try:
        _try_file(url)
        yield
    except (DatabaseError, sqlite3.DatabaseError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error)
        raise StoreError(f"The database {_place(url)} cannot be used: {reason}.") from error


def _try_file(url: URL) -> None:
    """Where SQLite cannot open its file, aiosqlite's thread outlives the loop, and ends with a traceback."""
    if url.get_backend_name() == "sqlite" and url.database:
        sqlite3.connect(url.database).close()


def _place(url: URL) -> str:
    """What an operator calls it: a file's path, or the URL without driver and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return shown(url.set(drivername=url.get_backend_name()))


def make_engine(url: URL, answer_s: float | None = None) -> AsyncEngine:
    """An engine whose SQLite connections are durable and whose writers queue up at BEGIN. `answer_s` is how
    long PostgreSQL may take to answer."""
    if url.get_backend_name() != "sqlite":
        deadlines = {"timeout": DATABASE_CONNECT_S, "command_timeout": answer_s}
        return create_async_engine(
            url,
            pool_size=5,
            max_overflow=5,
            pool_pre_ping=True,
            pool_timeout=DATABASE_CONNECT_S,
            connect_args=deadlines,
        )
    engine = create_async_engine(url, pool_size=3, max_overflow=5, connect_args={"timeout": _BUSY_S})
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (*PRAGMAS, f"busy_timeout={int(_BUSY_S * 1000)}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Any) -> None:
    """A file that says without waiting that it is busy, while it recovers, is asked again: nothing has
    happened yet."""
    writes = connection.get_execution_options().get("madang_writes")
    for again in range(BUSY_AGAIN, -1, -1):
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            return
        except OperationalError as error:
            if not again or not is_busy(error.orig):
                raise
        await_only(asyncio.sleep(BUSY_AGAIN_S))


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite says that another connection is at it."""
    if not isinstance(error, sqlite3.OperationalError):
        return False
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY

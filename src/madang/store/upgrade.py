"""Migrations: a cheap look at the revision first, Alembic only when there is work, and a copy before it."""

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from madang.store import crowd_schema, money_schema, schema

if TYPE_CHECKING:
    from alembic.config import Config

_CHECKED_BYTES = 32 * 1024 * 1024
TABLES = (schema.metadata, crowd_schema.outbox.metadata, money_schema.polls.metadata)
"""One metadata, which every schema's file fills."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class StoreError(Exception):
    """The database cannot be used; the sentence is for the operator."""


async def bring_up_to_date(engine: AsyncEngine, url: URL, data_dir: Path) -> None:
    """Create or upgrade the schema; the old one is copied first, a newer one refused (F32)."""
    if url.get_backend_name() == "sqlite":
        await _refuse_damage(engine, url)
    revision = await current_revision(engine)
    if revision == schema.HEAD:
        return
    if revision is not None:
        if revision not in known_revisions():
            raise StoreError(
                f"The database is of a newer Madang (schema {revision}, this one knows {schema.HEAD}). "
                "Start that version, or restore a backup made by this one."
            )
        await copy_before_migration(engine, url, data_dir, revision)
        await migrate(engine, "head")
    else:
        await _create(engine)


async def _refuse_damage(engine: AsyncEngine, url: URL) -> None:
    """F15: a damaged file is left as it is, and not served. Large ones are `madang doctor`'s business."""
    path = Path(str(url.database))
    if not path.is_file() or path.stat().st_size > _CHECKED_BYTES:
        return
    async with engine.connect() as connection:
        told = (await connection.execute(text("PRAGMA quick_check(1)"))).scalar()
    if told != "ok":
        raise StoreError(
            f"The database {path} is damaged ({told}). Restore a backup: `madang restore --replace`."
        )


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision of the schema that is there, or None for an empty database."""
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    except (OperationalError, ProgrammingError) as error:
        told = str(error.orig)
        if "no such table" in told or "does not exist" in told:
            return None
        raise


def known_revisions() -> set[str]:
    """Revisions that this version can upgrade from, by their files' names."""
    return {path.stem.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")}


async def _create(engine: AsyncEngine) -> None:
    """The newest schema at once: a first start need not load Alembic to run its history."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(madang_writes=True)
        async with connection.begin():
            await connection.run_sync(schema.metadata.create_all)
            rows = [{"id": row, "count": 0} for row in (schema.DIRECTORY, schema.ENTRIES, schema.OUTBOX)]
            await connection.execute(schema.changes.insert(), rows)
            await connection.execute(
                text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
            )
            await connection.execute(text(f"INSERT INTO alembic_version VALUES ('{schema.HEAD}')"))


async def migrate(engine: AsyncEngine, revision: str) -> None:
    """Bring the schema to `revision`."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(madang_writes=True)
        async with connection.begin():
            await connection.run_sync(_upgrade, revision)


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command

    command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection | None) -> "Config":
    """Alembic's configuration, without a file; `connection` is the one to migrate through."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def copy_before_migration(engine: AsyncEngine, url: URL, data_dir: Path, revision: str) -> Path:
    """A copy of the database under `backups/`, named by its revision and the time, once it is whole."""
    folder = data_dir / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    sqlite = url.get_backend_name() == "sqlite"
    target = folder / f"madang-{revision}-{stamp}.{'db' if sqlite else 'jsonl'}"
    part = folder / f"{target.name}.part"
    try:
        if sqlite:
            await asyncio.to_thread(copy_sqlite, Path(str(url.database)), part)
        else:
            await _copy_rows(engine, part)
        part.rename(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return target


async def _copy_rows(engine: AsyncEngine, target: Path) -> None:
    from madang.store.dump import dump_rows

    with target.open("wb") as out:
        target.chmod(0o600)
        async for line in dump_rows(engine):
            out.write(line)


def copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy of a database that may be in use (SQLite's backup API)."""
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
    target.chmod(0o600)


def check_sqlite(path: Path) -> str:
    """SQLite's own opinion of a file: `ok`, or what is wrong."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)

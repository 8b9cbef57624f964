"""Rows as lines of JSON, the same for every engine: backups, and the way from SQLite to PostgreSQL."""

import base64
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, MetaData, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

_BATCH = 500
_VERSION_TABLE = "alembic_version"


async def dump_rows(engine: AsyncEngine) -> AsyncIterator[bytes]:
    """Every row of every table as it is there, whatever its schema: `{"table", "row"}`, parents first."""
    async with engine.connect() as connection:
        metadata = await connection.run_sync(_reflect)
        for table in metadata.sorted_tables:
            rows = await connection.stream(select(table))
            async for row in rows.mappings():
                plain = {str(name): _plain(value) for name, value in row.items()}
                yield msgspec.json.encode({"table": str(table.name), "row": plain}) + b"\n"


async def load_rows(engine: AsyncEngine, lines: Iterable[bytes]) -> int:
    """Fill the empty tables of a schema that stands; how many rows went in."""
    count = 0
    async with engine.connect() as plain:
        connection = await plain.execution_options(madang_writes=True)
        async with connection.begin():
            metadata = await connection.run_sync(_reflect)
            for table in reversed(metadata.sorted_tables):
                await connection.execute(table.delete())
            batch: list[dict[str, Any]] = []
            name = ""
            for line in lines:
                found = msgspec.json.decode(line)
                if batch and (found["table"] != name or len(batch) >= _BATCH):
                    await connection.execute(insert(metadata.tables[name]), batch)
                    batch = []
                name = found["table"]
                batch.append(_row(metadata.tables[name], found["row"]))
                count += 1
            if batch:
                await connection.execute(insert(metadata.tables[name]), batch)
    return count


async def is_empty(engine: AsyncEngine) -> bool:
    """Whether nobody has put anything in yet: no account, no channel."""
    async with engine.connect() as connection:
        metadata = await connection.run_sync(_reflect)
        for name in ("accounts", "channels"):
            table = metadata.tables.get(name)
            if (
                table is not None
                and (await connection.execute(select(func.count()).select_from(table))).scalar()
            ):
                return False
    return True


async def drop_all(engine: AsyncEngine) -> None:
    """Drop every table: before a restore that was told to replace what is there."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(madang_writes=True)
        async with connection.begin():
            metadata = await connection.run_sync(_reflect)
            await connection.run_sync(metadata.drop_all)
            await connection.execute(text(f"DROP TABLE IF EXISTS {_VERSION_TABLE}"))


def _reflect(connection: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection)
    version = metadata.tables.get(_VERSION_TABLE)
    if version is not None:
        metadata.remove(version)
    return metadata


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _row(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: base64.b64decode(value["base64"]) if isinstance(value, dict) else value
        for name, value in row.items()
        if name in table.columns
    }

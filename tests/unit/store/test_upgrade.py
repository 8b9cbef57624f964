"""Migrations: the same schema by both ways, a copy before, a newer one refused, a damaged one left alone."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from tests.unit.store.rows_of import channel

from madang.store import schema, upgrade
from madang.store.sql import SqlStore, make_engine, resolve
from madang.store.upgrade import StoreError, alembic_config, known_revisions, migrate


def test_head_is_the_newest_file() -> None:
    script = ScriptDirectory.from_config(alembic_config(None))
    assert script.get_current_head() == schema.HEAD
    assert known_revisions() == {revision.revision for revision in script.walk_revisions()}


async def test_the_history_leads_to_the_schema_that_a_first_start_creates(url: str, tmp_path: Path) -> None:
    engine = make_engine(resolve(url, tmp_path))
    await migrate(engine, "head")

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), schema.metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        counters = await connection.execute(text("SELECT id, count FROM changes ORDER BY id"))
        assert [tuple(row) for row in counters] == [(row, 0) for row in (1, 2, 3)]
    await engine.dispose()


async def test_opening_twice_changes_nothing(url: str, tmp_path: Path) -> None:
    store = await SqlStore.open(url, tmp_path)
    async with store.write() as work:
        await work.channels.add(channel())
    await store.close()
    again = await SqlStore.open(url, tmp_path)
    async with again.read() as work:
        assert await work.channels.find() == [channel()]
    await again.close()
    assert not (tmp_path / "backups").exists()


async def _stamp(url: str, folder: Path, revision: str) -> None:
    engine = make_engine(resolve(url, folder))
    async with engine.connect() as plain:
        connection = await plain.execution_options(madang_writes=True)
        async with connection.begin():
            await connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    await engine.dispose()


async def test_a_newer_schema_is_refused_and_not_touched(url: str, tmp_path: Path) -> None:
    """F32."""
    await (await SqlStore.open(url, tmp_path)).close()
    await _stamp(url, tmp_path, "9999")
    with pytest.raises(StoreError, match="newer Madang"):
        await SqlStore.open(url, tmp_path)
    await _stamp(url, tmp_path, schema.HEAD)
    await (await SqlStore.open(url, tmp_path)).close()


async def test_the_database_is_copied_before_a_migration(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await SqlStore.open(url, tmp_path)
    async with store.write() as work:
        await work.channels.add(channel("kept"))
    await store.close()
    monkeypatch.setattr(schema, "HEAD", "next")

    async def no_migration(engine: object, revision: str) -> None:
        return None

    monkeypatch.setattr(upgrade, "migrate", no_migration)
    await (await SqlStore.open(url, tmp_path)).close()
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    if copy.suffix == ".db":
        found = sqlite3.connect(copy)
        assert found.execute("SELECT slug FROM channels").fetchall() == [("kept",)]
        found.close()
    else:
        assert b'"slug":"kept"' in copy.read_bytes()


@pytest.mark.parametrize("damage", ["not a database at all, but long enough to be looked at", "torn"])
async def test_a_damaged_file_is_refused_with_a_sentence_and_kept(tmp_path: Path, damage: str) -> None:
    """F15."""
    store = await SqlStore.open("", tmp_path)
    async with store.write() as work:
        for number in range(300):
            await work.channels.add(channel(f"c{number}", description="x" * 500))
    await store.close()
    path = tmp_path / "madang.db"
    content = bytearray(path.read_bytes())
    if damage == "torn":
        content[8192 : len(content) - 4096] = b"\xaa" * (len(content) - 12288)
    else:
        content = bytearray(damage.encode() * 20)
    path.write_bytes(content)
    with pytest.raises(StoreError):
        await SqlStore.open("", tmp_path)
    assert path.read_bytes() == content

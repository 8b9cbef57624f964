"""F13: PostgreSQL goes away and comes back; what is in memory works on, what waits arrives."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from tests.conftest import FakeClock
from tests.harness.postgres import cluster
from tests.unit.store.rows_of import happening

from madang.base.errors import Overloaded, PeerError
from madang.base.secret import Secret
from madang.control import Control, Settings
from madang.hub.gate import PublishRequest
from madang.store import sql
from madang.store.sql import SqlStore


async def _admit(control: Control, value: str) -> str:
    request = PublishRequest(door="rtmp", name="", key=Secret(value), peer="192.0.2.1")
    return (await control.publish_gate.admit(request)).name


async def _control(url: str, folder: Path, clock: FakeClock) -> tuple[SqlStore, Control]:
    store = await SqlStore.open(url, folder)
    control = Control(store, folder, clock, os.urandom, Settings(refusal_floor_s=0), "postgresql")
    await control.start()
    return store, control


async def test_the_whole_story_on_either_engine(url: str, tmp_path: Path, clock: FakeClock) -> None:
    store, control = await _control(url, tmp_path, clock)
    first = await control.house.ensure_first_run()
    assert await control.house.ensure_admin("a long password")
    entry = await control.accounts.login("admin", "a long password", "192.0.2.1", "test")
    actor = await control.accounts.authenticate(entry.cookie, "192.0.2.1")
    assert actor is not None and actor.is_admin
    other_store, other = await _control(url, tmp_path, clock)
    made = await other.house.create_key("main", "elsewhere")
    assert await _admit(control, made.value) == "main"
    await other.house.revoke_key("main", made.value[:4])
    await control.follow()
    with pytest.raises(PeerError, match="revoked"):
        await _admit(control, made.value)
    assert await _admit(control, first.key) == "main"
    await control.accounts.revoke_session(actor, actor.session)
    assert await control.accounts.authenticate(entry.cookie, "") is None
    log = await control.events.everywhere(None, 200)
    assert {"key.created", "key.revoked", "session.began", "session.ended"} <= {h.kind for h in log.items}
    for one, it in ((control, store), (other, other_store)):
        await one.close()
        await it.close()


@pytest.mark.needs("postgres")
async def test_a_database_that_goes_away_and_comes_back(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster() as server:
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.execute("CREATE DATABASE away")
        await connection.close()
        store, control = await _control(server.url("away"), tmp_path, clock)
        first = await control.house.ensure_first_run()
        await asyncio.to_thread(server.stop)
        assert await _admit(control, first.key) == "main"
        assert control.play_gate.peek("main") is not None
        with pytest.raises(Overloaded):
            await _admit(control, "unknown")
        with pytest.raises((Overloaded, OSError)):
            await control.house.create_key("main")
        control.book.record(happening("kept"))
        await control.book.flush()
        assert len(control.book) == 1
        await asyncio.to_thread(server.start)
        await control.book.flush()
        async with store.read() as work:
            assert await work.happenings.get("kept") is not None
        made = await control.house.create_key("main")
        assert await _admit(control, made.value) == "main"
        await store.close()
        monkeypatch.setattr(sql, "DATABASE_ANSWER_S", 0.3)
        store = await SqlStore.open(server.url("away"), tmp_path)
        with pytest.raises(Overloaded):  # an answer that does not come
            async with store.write() as work:
                await work._connection.execute(text("SELECT pg_sleep(60)"))
        async with store.write() as work:
            assert await work.happenings.get("kept") is not None
        await store.close()


@pytest.mark.needs("postgres")
def test_the_cluster_leaves_nothing() -> None:
    with cluster() as server:
        assert server.folder.is_dir()
    assert not server.folder.exists()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(server.folder) not in running

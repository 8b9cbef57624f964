"""Backup and restore: everything comes back, on the same engine and on the other."""

import errno
import io
import os
import tarfile
from pathlib import Path

import pytest
from tests.unit.store.rows_of import account, channel, happening, key, session

from madang.store.backup import backup, restore
from madang.store.folder import held
from madang.store.sql import SqlStore
from madang.store.upgrade import StoreError


async def _fill(url: str, folder: Path) -> None:
    store = await SqlStore.open(url, folder)
    async with store.write() as work:
        await work.accounts.add(account(disabled=True))
        await work.channels.add(channel(owner=account().id, title="해 질 녘"))
        await work.keys.add(key(channel()))
        await work.sessions.add(session(account()))
        for number in range(1200):
            await work.happenings.add(happening(f"h{number:04}"))
    await store.close()


async def _check(url: str, folder: Path) -> None:
    store = await SqlStore.open(url, folder)
    async with store.read() as work:
        assert (await work.accounts.find())[0].disabled is True
        assert await work.channels.find() == [channel(owner=account().id, title="해 질 녘")]
        assert await work.keys.find() == [key(channel())]
        assert len(await work.happenings.find()) == 1200
    assert (await store.changes())[0] >= 1
    await store.close()


async def test_a_backup_brings_everything_back(url: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("5ec7e7")
    config = tmp_path / "madang.toml"
    config.write_text("public_url = 'https://live.example'\n")
    await _fill(url, tmp_path)
    made = await backup(url, tmp_path, config, tmp_path / "backup.tar.gz")
    assert made.stat().st_mode & 0o777 == 0o600
    with tarfile.open(made) as tar:
        assert sorted(tar.getnames()) == ["madang.toml", "manifest.json", "rows.jsonl", "secret"]
    other = tmp_path / "elsewhere"
    count = await restore(made, "", other, other / "madang.toml")
    assert count > 1200
    await _check("", other)
    assert (other / "secret").read_text() == "5ec7e7"
    assert (other / "secret").stat().st_mode & 0o777 == 0o600
    assert "live.example" in (other / "madang.toml").read_text()


async def test_a_backup_of_sqlite_goes_into_any_engine(url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("5ec7e7")
    await _fill("", home)
    made = await backup("", home, None, tmp_path / "b.tar.gz")
    await restore(made, url, tmp_path / "new", None)
    await _check(url, tmp_path / "new")


async def test_a_database_with_something_in_it_is_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("5ec7e7")
    await _fill("", tmp_path)
    made = await backup("", tmp_path, None, tmp_path / "b.tar.gz")
    with pytest.raises(StoreError, match="not empty"):
        await restore(made, "", tmp_path, None)
    await restore(made, "", tmp_path, None, replace=True)
    await _check("", tmp_path)


async def test_a_backup_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("5ec7e7")
    await _fill("", tmp_path)
    target = tmp_path / "b.tar.gz"
    target.write_text("mine")
    with pytest.raises(StoreError):
        await backup("", tmp_path, None, target)
    assert target.read_text() == "mine"


async def test_half_a_backup_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F4: a full disk is one sentence and leaves nothing; what a killed one left is in nobody's way."""
    (tmp_path / "secret").write_text("5ec7e7")
    await _fill("", tmp_path)
    target, part = tmp_path / "b.tar.gz", tmp_path / "b.tar.gz.part"
    part.write_bytes(b"half")
    with monkeypatch.context() as full, pytest.raises(StoreError, match="No space left"):

        def fsync(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        full.setattr(os, "fsync", fsync)
        await backup("", tmp_path, None, target)
    assert not target.exists() and not part.exists()
    await backup("", tmp_path, None, target)
    assert target.stat().st_mode & 0o777 == 0o600 and not part.exists()


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\x1f\x8b\x08\x00torn"])
async def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(StoreError, match="no backup"):
        await restore(tmp_path / "b", "", tmp_path / "new", None)


async def test_a_backup_with_a_wrong_byte_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Wherever it is: in the archive's index, in a member, in the checksum."""
    home, new = tmp_path / "home", tmp_path / "new"
    home.mkdir()
    await _fill(f"sqlite:///{home / 'madang.db'}", home)
    (home / "secret").write_bytes(b"s3cret")
    whole = (await backup("", home, None, tmp_path / "b.tar.gz")).read_bytes()
    for place in range(12, len(whole), max(1, len(whole) // 10)):
        (tmp_path / "b").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(StoreError) as told:
            await restore(tmp_path / "b", "", new, None)
        assert "\n" not in str(told.value)
        assert {path.name for path in new.iterdir()} == {"lock"}, "nothing was changed"
    with pytest.raises(StoreError, match="nowhere cannot be read: No such file or directory"):
        await restore(tmp_path / "nowhere", "", new, None)


async def test_names_in_an_archive_are_no_paths(tmp_path: Path) -> None:
    """A4: what is not asked for by our own names stays in the archive, and no link is followed."""
    home, new = tmp_path / "home", tmp_path / "deep" / "new"
    home.mkdir()
    await _fill(f"sqlite:///{home / 'madang.db'}", home)
    (home / "secret").write_bytes(b"s3cret")
    made = await backup("", home, None, tmp_path / "b.tar.gz")
    hostile, linked = tmp_path / "hostile.tar", tmp_path / "linked.tar"
    with tarfile.open(made) as source, tarfile.open(hostile, "w") as target:
        for name in ("../planted", "/tmp/planted-by-a-test", "secret/../../planted", "madang.db", "planted"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            target.addfile(entry, io.BytesIO(b"evil"))
        for entry in source.getmembers():
            target.addfile(entry, source.extractfile(entry))
    linked.write_bytes(hostile.read_bytes())
    with tarfile.open(linked, "a") as target:
        entry = tarfile.TarInfo("madang.toml")
        entry.type, entry.linkname = tarfile.SYMTYPE, str(home / "secret")
        target.addfile(entry)
    with pytest.raises(StoreError, match="no backup"):
        await restore(linked, "", new, new / "madang.toml")
    assert await restore(hostile, "", new, None) > 0
    ours = {"lock", "secret", "madang.db", "madang.db-wal", "madang.db-shm"}
    assert {path.name for path in new.iterdir()} <= ours
    assert (new / "secret").read_bytes() == b"s3cret"
    assert not list(tmp_path.rglob("planted*")) and not Path("/tmp/planted-by-a-test").exists()


async def test_nothing_is_backed_up_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database"):
        await backup("", tmp_path, None, tmp_path / "b")
    assert not list(tmp_path.iterdir())


async def test_nothing_is_restored_under_a_running_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    await _fill(f"sqlite:///{home / 'madang.db'}", home)
    (home / "secret").write_bytes(b"s3cret")
    made = await backup("", home, None, tmp_path / "b.tar.gz")
    with held(home), pytest.raises(StoreError, match="stop it"):
        await restore(made, "", home, None, replace=True)
    assert await restore(made, "", home, None, replace=True) > 0


async def test_a_damaged_database_is_kept_beside_what_is_restored(tmp_path: Path) -> None:
    """F15."""
    home = tmp_path / "home"
    home.mkdir()
    await _fill(f"sqlite:///{home / 'madang.db'}", home)
    (home / "secret").write_bytes(b"s3cret")
    made = await backup("", home, None, tmp_path / "b.tar.gz")
    for part in home.glob("madang.db*"):
        part.unlink()
    (home / "madang.db").write_bytes(b"rubbish " * 1000)
    with pytest.raises(StoreError, match="file is not a database"):
        await backup("", home, None, tmp_path / "c.tar.gz")
    with pytest.raises(StoreError, match="damaged; --replace keeps it"):
        await restore(made, "", home, None)
    assert await restore(made, "", home, None, replace=True) > 0
    await _check("", home)
    (kept,) = home.glob("madang.db.damaged-*")
    assert kept.read_bytes().startswith(b"rubbish")

"""The spool: whole files or none, bounds, and what a restart finds."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from madang.base.errors import Bug
from madang.packaging.cmaf import shelf
from madang.packaging.cmaf import spool as module
from madang.packaging.cmaf.segment import Part, Segment
from madang.packaging.cmaf.spool import Spool
from madang.packaging.cmaf.window import Window


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    made = Spool(tmp_path / "spool")
    yield made
    await made.close()


async def settled(spool: Spool) -> None:
    """Everything that was asked for before is done."""
    for _ in range(2):
        await asyncio.gather(*(asyncio.wrap_future(spool._threads.submit(int)) for _ in range(4)))


async def test_segments_come_back_as_they_went(spool: Spool) -> None:
    folder = spool.folder("c1", "b1")
    assert await asyncio.wrap_future(spool.put(folder, 7, b"seven"))
    assert await spool.read(folder, 7) == b"seven"
    assert await spool.read(folder, 8) == b""
    assert spool.bytes == 5
    assert [path.name for path in folder.iterdir()] == ["7.m4s"]


async def test_links_lead_nowhere(spool: Spool, tmp_path: Path) -> None:
    """A3: neither is read through a link, nor written, nor removed."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"theirs")
    folder = spool.folder("c1", "b1")
    folder.mkdir()
    for name in ("7.m4s", "8.m4s.part", "window"):
        (folder / name).symlink_to(secret)
    assert await spool.read(folder, 7) == b""
    assert not spool.has(folder, 7, 6)
    assert not await asyncio.wrap_future(spool.put(folder, 8, b"ours"))
    assert spool.load(folder) == b""
    elsewhere = spool.folder("c2", "b2")
    elsewhere.symlink_to(tmp_path)
    spool.drop(elsewhere)
    await settled(spool)
    assert secret.read_bytes() == b"theirs"


async def test_what_slid_out_and_what_is_over_is_removed(spool: Spool) -> None:
    folder = spool.folder("c1", "b1")
    for msn in (1, 2):
        await asyncio.wrap_future(spool.put(folder, msn, b"x"))
    spool.remove(folder, 1, 1)
    await settled(spool)
    assert [path.name for path in folder.iterdir()] == ["2.m4s"]
    assert spool.bytes == 1
    spool.drop(folder)
    await settled(spool)
    assert not folder.exists()


async def test_start_keeps_only_what_is_continued(spool: Spool) -> None:
    kept, gone = spool.folder("c1", "b1"), spool.folder("c2", "b2")
    for folder in (kept, gone):
        await asyncio.wrap_future(spool.put(folder, 1, b"x"))
    spool.clean([kept])
    await settled(spool)
    assert kept.exists()
    assert not gone.exists()


async def test_state_is_read_once(spool: Spool) -> None:
    folder = spool.folder("c1", "b1")
    assert await asyncio.wrap_future(spool.save(folder, b"state"))
    assert spool.load(folder) == b"state"
    assert spool.load(folder) == b""


async def test_segments_of_the_run_before_must_be_whole(spool: Spool) -> None:
    folder = spool.folder("c1", "b1")
    await asyncio.wrap_future(spool.put(folder, 1, b"whole"))
    assert spool.has(folder, 1, 5)
    assert not spool.has(folder, 1, 6)
    assert not spool.has(folder, 2, 5)


@pytest.mark.parametrize("names", [("../x", "b"), ("c", "b/.."), ("", "b"), ("c", "b" * 65), ("c", "b\0")])
async def test_only_ids_become_paths(spool: Spool, names: tuple[str, str]) -> None:
    with pytest.raises(Bug):
        spool.folder(*names)


async def test_a_full_disk_refuses_and_is_counted(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """F4."""
    monkeypatch.setattr(module, "SPOOL_FREE_BYTES", 2**62)
    folder = spool.folder("c1", "b1")
    assert not await asyncio.wrap_future(spool.put(folder, 1, b"x"))
    assert (spool.refused, spool.bytes) == (1, 0)


async def test_a_full_disk_is_told_once_and_that_it_is_over(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F4."""
    folder = spool.folder("c1", "b1")
    assert not spool.failing
    with capture_logs() as lines, monkeypatch.context() as full:
        full.setattr(module, "SPOOL_FREE_BYTES", 2**62)
        for msn in range(3):
            assert not await asyncio.wrap_future(spool.put(folder, msn, b"x"))
        full.undo()
        assert spool.failing
        for msn in range(3, 6):
            assert await asyncio.wrap_future(spool.put(folder, msn, b"x"))
    assert [line["event"] for line in lines] == ["spool_write_failed", "spool_writes_again"]
    monkeypatch.setattr(module, "_TROUBLE_S", 0.0)
    assert not spool.failing


@pytest.mark.parametrize("memory_s", [0.0, 60.0], ids=["after it left memory", "out of memory"])
@pytest.mark.parametrize("lost", ["SPOOL_FREE_BYTES", "SPOOL_PENDING_BYTES", ""])
async def test_what_was_not_kept_does_not_count_when_it_slides_out(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, lost: str, memory_s: float
) -> None:
    """Or a full disk would leave room for more than the bound, for ever."""
    if lost:
        monkeypatch.setattr(module, lost, 2**62 if lost == "SPOOL_FREE_BYTES" else 3)
    monkeypatch.setattr(shelf, "PACKAGER_MEMORY_S", memory_s)
    window = Window(60.0)
    shelf.Shelf(window, spool, spool.folder("c1", "b1"))
    for msn in range(6):
        segment = Segment(msn, 0, 2.0 * msn, 0.0)
        segment.add(Part(msn, 0, 2.0 * msn, 2.0, True, b"body", {}))
        window.begin(segment)
        window.close()
        await settled(spool)
    assert spool.bytes == (0 if lost else 24)
    window.forget()
    await settled(spool)
    assert spool.bytes == 0


@pytest.mark.parametrize("bound", ["SPOOL_BYTES", "SPOOL_PENDING_BYTES"])
async def test_what_would_exceed_a_bound_is_not_kept(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(module, bound, 3)
    folder = spool.folder("c1", "b1")
    assert not spool.put(folder, 1, b"four").result()
    assert spool.refused == 1
    assert await asyncio.wrap_future(spool.put(folder, 2, b"two"))


async def test_a_closed_spool_does_nothing_and_hurts_nobody(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    folder = spool.folder("c1", "b1")
    written = spool.put(folder, 1, b"x")
    await spool.close()
    assert written.result()
    assert not spool.put(folder, 2, b"x").result()
    assert await spool.read(folder, 1) == b""
    spool.remove(folder, 1, 1)
    spool.drop(folder)

"""The control plane's own loop: ticks, follows other processes, forgets, and ends with its task."""

import asyncio
import time
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.household import Household, household

from madang.base.errors import Overloaded
from madang.control import control


class _RealClock(FakeClock):
    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


async def _until(condition: object, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_what_another_process_changes_is_seen_within_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with household(tmp_path, _RealClock(), poll_s=0.02) as house:
        task = asyncio.create_task(house.control.run())
        async with household(tmp_path, _RealClock()) as other:
            await other.control.house.create_channel("garden")
        await _until(lambda: house.control.play_gate.peek("garden") is not None, 2.0)
        broken = True

        async def changes() -> tuple[int, int]:
            if broken:
                raise Overloaded("database is away")
            return 99, 99

        monkeypatch.setattr(house.store, "changes", changes)
        await _until(lambda: house.control.server.database_away)
        assert "database" in (await house.control.server.health())["reasons"]
        assert house.control.play_gate.peek("garden") is not None and not task.done()
        broken = False
        await _until(lambda: house.control.directory.version == 99)
        await _until(lambda: not house.control.server.database_away)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        monkeypatch.undo()


async def test_a_failure_of_ours_stops_one_round_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged page of the database, say: revocations must go on being followed."""
    monkeypatch.setattr(control, "_AGAIN_S", 0.01)
    async with household(tmp_path, _RealClock(), poll_s=0.02) as house:
        failed = 0

        async def changes() -> tuple[int, int]:
            nonlocal failed
            failed += 1
            if failed < 3:
                raise RuntimeError("database disk image is malformed")
            return 99, 99

        monkeypatch.setattr(house.store, "changes", changes)
        task = asyncio.create_task(house.control.run())
        await _until(lambda: house.control.directory.version == 99)
        assert failed >= 3 and not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        monkeypatch.undo()


async def test_health_tells_what_is_wrong(house: Household) -> None:
    found = await house.control.server.health()
    assert (found["status"], found["reasons"]) == ("ok", []) and found["memory_bytes"] > 1_000_000
    house.control.server.unsafe = ("admin_without_password",)
    house.control.server.tick(0.5)
    found = await house.control.server.health()
    assert found["status"] == "degraded"
    assert found["reasons"] == ["unsafe:admin_without_password", "loop_lag"]


async def test_what_the_command_line_just_made_is_found_at_the_first_question(
    tmp_path: Path, house: Household
) -> None:
    async with household(tmp_path, FakeClock()) as other:
        await other.control.house.create_channel("garden")
    assert house.control.directory.channel_by_name("garden") is None
    await house.control.look_again()
    assert house.control.directory.channel_by_name("garden") is not None


async def test_a_flood_of_unknown_names_is_a_few_looks_at_the_database(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def changes() -> tuple[int, int]:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        raise Overloaded("database is away")

    monkeypatch.setattr(house.store, "changes", changes)
    await asyncio.gather(*(house.control.look_again() for _ in range(500)))
    assert looks == 1
    await asyncio.gather(*(house.control.look_again() for _ in range(500)))
    assert looks == 2

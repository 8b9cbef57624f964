"""Broadcasts that nobody ended, where several servers share a database."""

from pathlib import Path

import pytest
from tests.harness.household import Household
from tests.unit.control.test_live import _key

from madang.control.abandoned import NOTE_S, Abandoned, load_name
from madang.control.records import Broadcast
from madang.control.rights import Actor
from madang.control.vault import SecretError


async def _row(house: Household) -> Broadcast:
    await house.control.book.flush()
    async with house.store.read() as work:
        (row,) = await work.broadcasts.find()
    return row


async def _on_air(house: Household, admin: Actor) -> Abandoned:
    """A broadcast here, and another server on the same database."""
    await house.publish(await _key(house, admin))
    await house.control.book.flush()
    return Abandoned(house.store, "another")


async def test_a_server_that_starts_leaves_the_broadcasts_of_others_alone(
    house: Household, admin: Actor
) -> None:
    other = await _on_air(house, admin)
    await other.end_own(())
    assert (await _row(house)).ended_at is None
    assert (await _row(house)).node == load_name(house.folder / "node", lambda size: b"")


async def test_what_is_noted_each_minute_goes_on(house: Household, admin: Actor) -> None:
    other = await _on_air(house, admin)
    for _ in range(10):
        await other.look()
        house.clock.advance(NOTE_S)
        house.control.live.tick()
        await house.control.book.flush()
    assert (await _row(house)).ended_at is None


async def test_the_broadcast_of_a_server_that_is_gone_ends(house: Household, admin: Actor) -> None:
    other = await _on_air(house, admin)
    began = house.clock.wall()
    for _ in range(4):
        await other.look()
        assert (await _row(house)).ended_at is None
    await other.look()
    row = await _row(house)
    assert (row.end_reason, row.ended_at) == ("interrupted", began)


async def test_a_server_that_was_away_for_minutes_goes_on(house: Household, admin: Actor) -> None:
    other = await _on_air(house, admin)
    for _ in range(5):
        await other.look()
    house.clock.advance(NOTE_S)
    house.control.live.tick()
    row = await _row(house)
    assert (row.end_reason, row.ended_at) == ("", None)


async def test_a_database_that_is_away_is_no_reason_to_end_anything(house: Household, admin: Actor) -> None:
    other = await _on_air(house, admin)
    await other.look()
    house.clock.advance(10 * NOTE_S)
    for _ in range(2):
        await other.look()  # the first after the outage; the note of the one that lives comes within a minute
    house.control.live.tick()
    await house.control.book.flush()
    for _ in range(4):
        await other.look()
    assert (await _row(house)).ended_at is None


def test_a_server_keeps_its_name(tmp_path: Path) -> None:
    file = tmp_path / "node"
    assert load_name(file, lambda size: b"\1" * size) == "01" * 8
    assert load_name(file, lambda size: b"\2" * size) == "01" * 8
    file.write_text("")  # the disk was full when it was made
    assert load_name(file, lambda size: b"\3" * size) == "03" * 8
    with pytest.raises(SecretError):
        load_name(tmp_path, lambda size: b"")

"""Polls: one vote each, an end by the clock, results that outlive a restart."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
from tests.conftest import FakeClock
from tests.unit.chat.superchat.house import Judge, MemoryLog, WrittenDoor, counter, guest

from madang.base.roles import ChannelRole
from madang.chat.polls.polls import Poll, Polls, PollWish
from madang.chat.ports import Change
from madang.realtime.ports import ReplyError

ROOM = "room"
MANAGER = guest("u.9", role=ChannelRole.MANAGER)
LUNCH = PollWish(title="점심?", choices=("국밥", "냉면"), duration_s=60)
Made = Callable[[], Polls]


@pytest.fixture
def door() -> WrittenDoor:
    return WrittenDoor(MemoryLog())


@pytest.fixture
def made(door: WrittenDoor, clock: FakeClock) -> Made:
    ids = counter()
    return lambda: Polls(door.log, door, Judge(), clock, ids)


async def refused(awaitable: object) -> str:
    with pytest.raises(ReplyError) as refusal:
        await awaitable  # type: ignore[misc]
    return refusal.value.message


async def asked(polls: Polls) -> Poll:
    return await polls.create(MANAGER, ROOM, LUNCH)


async def test_votes_are_counted_by_ticks(made: Made, door: WrittenDoor) -> None:
    polls = made()
    poll = await asked(polls)
    for user, choice in (("u.1", 0), ("u.2", 1), ("g.3", 1)):
        await polls.vote(guest(user), ROOM, poll.id, choice)
    assert door.parts["poll"]["counts"] == [0, 0]
    await polls.tick()
    assert (door.parts["poll"]["counts"], door.parts["poll"]["votes"]) == ([1, 2], 3)
    assert msgspec.json.decode(polls.current(ROOM))["counts"] == [1, 2]


async def test_a_vote_that_a_tick_finds_half_committed_is_told_by_the_next(
    made: Made, door: WrittenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = made()
    poll = await asked(polls)
    commit = door.happen

    async def while_it_ticks(channel: str, changes: Sequence[Change]) -> None:
        await polls.tick()
        await commit(channel, changes)

    with monkeypatch.context() as patch:
        patch.setattr(door, "happen", while_it_ticks)
        await polls.vote(guest("u.1"), ROOM, poll.id, 0)
    await polls.tick()
    assert (door.parts["poll"]["counts"], door.parts["poll"]["votes"]) == ([1, 0], 1)


async def test_counts_that_could_not_be_told_are_told_later(
    made: Made, door: WrittenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = made()
    poll = await asked(polls)
    await polls.vote(guest("u.1"), ROOM, poll.id, 1)

    async def away(channel: str, name: str, value: bytes) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(door, "set_part", away)
        await polls.tick()
    await polls.tick()
    assert door.parts["poll"]["counts"] == [0, 1]


async def test_one_vote_each(made: Made) -> None:
    polls = made()
    poll = await asked(polls)
    await polls.vote(guest("u.1"), ROOM, poll.id, 0)
    assert await refused(polls.vote(guest("u.1"), ROOM, poll.id, 1)) == "conflict:voted"
    assert await refused(polls.vote(guest("u.2"), ROOM, poll.id, 2)) == "invalid:choice"
    assert await refused(polls.vote(guest("u.2"), ROOM, "another", 0)) == "conflict:ended"
    assert await refused(polls.vote(guest("u.2", "send"), ROOM, poll.id, 0)) == "off"


async def test_the_clock_ends_it_and_late_votes_are_refused(
    made: Made, door: WrittenDoor, clock: FakeClock
) -> None:
    polls = made()
    poll = await asked(polls)
    await polls.vote(guest("u.1"), ROOM, poll.id, 0)
    clock.advance(60)
    assert await refused(polls.vote(guest("u.2"), ROOM, poll.id, 0)) == "conflict:ended"
    await polls.tick()
    assert (door.parts["poll"]["state"], door.parts["poll"]["counts"]) == ("ended", [1, 0])
    assert [row["kind"] for row in door.log.tables["outbox"]] == ["poll.ended"]
    clock.advance(61)
    await polls.tick()
    assert door.parts["poll"] is None
    history = await polls.history(ROOM, None, 10)
    assert [(one.title, one.counts, one.state) for one in history] == [("점심?", (1, 0), "ended")]


async def test_a_restart_takes_it_up(made: Made, door: WrittenDoor) -> None:
    first = made()
    poll = await asked(first)
    await first.vote(guest("u.1"), ROOM, poll.id, 1)
    again = made()
    await again.load()
    assert await refused(again.vote(guest("u.1"), ROOM, poll.id, 0)) == "conflict:voted"
    await again.vote(guest("u.2"), ROOM, poll.id, 1)
    ended = await again.end(MANAGER, ROOM, poll.id)
    assert (ended.counts, ended.votes) == ((0, 2), 2)


async def test_what_cannot_be_asked(made: Made) -> None:
    polls = made()
    assert await refused(polls.create(guest("u.1"), ROOM, LUNCH)) == "forbidden"
    twice = PollWish(title="x", choices=("a", "a"))
    assert await refused(polls.create(MANAGER, ROOM, twice)) == "invalid:choices"
    rude = PollWish(title="뭐 먹지", choices=("국밥", "n1gger"))
    assert await refused(polls.create(MANAGER, ROOM, rude)) == "filtered"
    await asked(polls)
    assert await refused(asked(polls)) == "conflict:open"


async def test_who_may_end_it(made: Made) -> None:
    polls = made()
    poll = await asked(polls)
    assert await refused(polls.end(guest("u.1"), ROOM, poll.id)) == "forbidden"
    assert (await polls.end(MANAGER, ROOM, poll.id)).state == "ended"
    assert await refused(polls.end(MANAGER, ROOM, poll.id)) == "conflict:ended"
    await polls.forget(ROOM, poll.id)
    assert await polls.history(ROOM, None, 10) == []


async def test_only_ended_polls_of_ones_own_room_are_forgotten(made: Made) -> None:
    """A24: neither a poll elsewhere nor its votes, and none that runs."""
    polls = made()
    poll = await asked(polls)
    await polls.vote(guest("u.1"), ROOM, poll.id, 1)
    assert await refused(polls.forget(ROOM, poll.id)) == "conflict:open"
    assert await refused(polls.forget("elsewhere", poll.id)) == "not_found"
    again = made()
    await again.load()
    assert msgspec.json.decode(again.current(ROOM))["counts"] == [0, 1]
    await polls.end(MANAGER, ROOM, poll.id)
    assert await refused(polls.forget("elsewhere", poll.id)) == "not_found"
    (kept,) = await polls.history(ROOM, None, 10)
    assert kept.counts == (0, 1)

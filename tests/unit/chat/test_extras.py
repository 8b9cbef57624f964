"""What rooms have beside talk, on two nodes: polls are kept by whoever runs the room, rules are read anew."""

import os
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.harness.chatroom import Chat

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_LEASE_S
from madang.base.roles import ChannelRole
from madang.chat.effects.kinds import EffectMap
from madang.chat.extras import Extras
from madang.chat.filter import Action
from madang.chat.nodes import HEARTBEAT_S
from madang.chat.ports import Change, Demand, DeposedError, Done, Fenced, Held, Query
from madang.chat.roomfilters import RoomFilters, RoomRules, Words
from madang.chat.superchat.books import Goal
from madang.realtime.gate import Caller
from madang.realtime.ports import ReplyError, RpcRequest


def extras_of(chat: Chat) -> Extras:
    crowd: Any = chat.crowd
    crowd.bind_rpc = lambda prefix, handler: None
    log: Any = chat.log
    made = Extras(chat.server, RoomFilters(log), os.urandom, b"k" * 32)
    made.bind()
    made.share(chat.nodes)
    return made


async def call(extras: Extras, caller: Caller, method: str, **fields: Any) -> Any:
    data = msgspec.json.encode({"channel": "01yard", **fields})
    return msgspec.json.decode(await extras.stage.rpc(RpcRequest(caller=caller, method=method, data=data)))


async def poll_of(extras: Extras, account: str) -> str:
    made = await extras.act(account, "01yard", "poll.create", title="점심?", choices=["국밥", "냉면"])
    return str(made["id"])


async def test_a_follower_tells_how_a_poll_stands(chat: Chat, other: Chat) -> None:
    here, there = extras_of(chat), extras_of(other)
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    chat.people.account("host", ChannelRole.MANAGER)
    poll = await poll_of(here, "host-id")
    await call(here, mina.caller, "poll.vote", id=poll, choice=0)
    await call(there, yuna.caller, "poll.vote", id=poll, choice=1)
    for extras in (here, there):
        (found,) = await extras.polls_of(chat.channel, None, 10)
        assert (found.counts, found.votes, found.state) == ((1, 1), 2, "open")
        with pytest.raises(ReplyError, match="open"):
            await extras.polls.forget(chat.channel, poll)
    await here.act("host-id", chat.channel, "poll.end", id=poll)
    (found,) = await there.polls_of(chat.channel, None, 10)
    assert (found.counts, found.state) == ((1, 1), "ended")
    with pytest.raises(ReplyError):
        await call(there, yuna.caller, "poll.open")
    await there.polls.forget(chat.channel, poll)
    assert await here.polls_of(chat.channel, None, 10) == []


async def test_who_slept_through_its_lease_counts_no_vote(chat: Chat, other: Chat) -> None:
    here, there = extras_of(chat), extras_of(other)
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    chat.people.account("host", ChannelRole.MANAGER)
    poll = await poll_of(here, "host-id")
    chat.clock.advance(CHAT_LEASE_S)
    await call(there, yuna.caller, "poll.vote", id=poll, choice=1)
    assert len(other.rooms) == 1
    chat.leases._led[chat.channel].until = float("inf")  # it does not know yet
    with pytest.raises(DeposedError):
        await here.door.happen(chat.channel, [])
    with pytest.raises(DeposedError):
        await here.door.happen(chat.channel, [])
    await call(here, mina.caller, "poll.vote", id=poll, choice=0)
    assert len(await chat.log.find(Query(table="poll_votes"))) == 2
    (found,) = await here.polls_of(chat.channel, None, 10)
    assert found.counts == (1, 1)
    assert here.polls.current(chat.channel) == b"null" and b'"votes":2' in there.polls.current(chat.channel)


async def test_what_a_room_keeps_is_kept_by_whoever_runs_it(
    chat: Chat, other: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = extras_of(chat), extras_of(other)
    await chat.client("mina")
    fences: list[tuple[str, int]] = []

    def watch(log: Any) -> None:
        commit = log.commit

        def fenced(changes: Sequence[Change], done: Done) -> None:
            assert isinstance(changes[0], Held), f"a node without the lease could write {changes}"
            fences.append((changes[0].node, changes[0].fence))
            commit(changes, done)

        monkeypatch.setattr(log, "commit", fenced)

    watch(chat.log)
    watch(other.log)
    banned = RoomRules(lists=(Words(name="fruit", words=("바나나",), action=Action.REFUSE),))
    for extras in (here, there):
        await extras.effects.set_map(chat.channel, EffectMap(emoji={"🍌": "hearts"}))
        await extras.overlays.turn(chat.channel)
        await extras.filters.set_rules(chat.channel, banned, extras.door.commit)
        await extras.paid.boards.set_goal(
            chat.channel, Goal(title="마이크", amount=10, currency="KRW", since=0)
        )
        with pytest.raises(Fenced):
            await extras.door.commit(chat.channel, [Demand("polls", {"id": "none"})])
    (room,) = chat.rooms
    room.members.joined = 3
    chat.rooms._tell_outside(room)
    assert set(fences) == {(chat.leases.node, room.fence)} and len(fences) == 11
    assert (await there.overlays.kept(chat.channel)).turn == 2
    chat.clock.advance(CHAT_LEASE_S)
    await other.room()
    chat.leases._led[chat.channel].until = float("inf")  # it does not know yet
    await here.effects.set_map(chat.channel, EffectMap(emoji={"🍎": "confetti"}))
    assert fences[-1][0] == other.leases.node
    there.effects.reload(chat.channel)
    assert (await there.effects.map_of(chat.channel)).emoji == {"🍎": "confetti"}


async def test_books_of_a_channel_that_is_gone_go_on(chat: Chat, other: Chat) -> None:
    here = extras_of(chat)
    del chat.people.places[chat.channel]
    with pytest.raises(Fenced):
        await here.door.commit(chat.channel, [Demand("polls", {"id": "none"})])


async def test_a_poll_is_ended_by_whoever_runs_the_room(chat: Chat, other: Chat) -> None:
    here, there = extras_of(chat), extras_of(other)
    await chat.client("mina")
    chat.people.account("host", ChannelRole.MANAGER)
    fields = {"title": "점심?", "choices": ["국밥", "냉면"], "duration_s": 60}
    await here.act("host-id", "01yard", "poll.create", **fields)
    chat.clock.advance(61)
    await other.room()
    await here.polls.tick()
    assert not here.polls._running, "whoever does not run the room any more forgets its poll"
    await there.polls.tick()
    (found,) = await here.polls_of(chat.channel, None, 10)
    assert found.state == "ended"
    assert len(await chat.log.find(Query(table="outbox", where={"kind": "poll.ended"}))) == 1


async def test_rules_that_another_node_changed_are_read_for_certain(
    chat: Chat, other: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = extras_of(chat), extras_of(other)
    assert here.filters.judge(chat.channel, "바나나").passes
    assert "🍌" not in (await here.effects.map_of(chat.channel)).emoji
    banned = RoomRules(lists=(Words(name="fruit", words=("바나나",), action=Action.REFUSE),))
    await there.filters.set_rules(chat.channel, banned, there.door.commit)
    await there.effects.set_map(chat.channel, EffectMap(emoji={"🍌": "hearts"}))
    chat.clock.advance(HEARTBEAT_S)
    await other.nodes.tick()
    find = chat.log.find

    async def away(query: Query) -> Any:
        raise Overloaded("away")

    monkeypatch.setattr(chat.log, "find", away)
    await here._renew()
    assert here.filters.judge(chat.channel, "바나나").passes, "not read yet"
    monkeypatch.setattr(chat.log, "find", find)
    await here._renew()
    assert here.filters.judge(chat.channel, "바나나").action is Action.REFUSE
    assert "🍌" in (await here.effects.map_of(chat.channel)).emoji
    assert not here._stale

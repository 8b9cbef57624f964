"""Two tasks in one room: what one of them does while the other waits changes nothing that was promised."""

import asyncio
from typing import Any

import pytest
from tests.harness.chatroom import Chat, Client
from tests.unit.chat.superchat.house import counter, guest
from tests.unit.chat.test_extras import call, extras_of

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_LEASE_S
from madang.base.roles import ChannelRole
from madang.chat.effects.effects import Effects
from madang.chat.effects.kinds import EffectMap
from madang.chat.filter import Action
from madang.chat.nodes import HEARTBEAT_S
from madang.chat.overlays import OverlayOptions, Overlays
from madang.chat.polls.polls import Polls, PollWish
from madang.chat.ports import LetPass, Query, Standing
from madang.chat.questions import Changed
from madang.chat.room import Room
from madang.chat.roomfilters import RoomFilters, RoomRules, Words
from madang.chat.superchat.rooms import RoomDoor
from madang.realtime.broker import BrokerError
from madang.realtime.ports import INTERNAL, ReplyError


def door_of(chat: Chat) -> RoomDoor:
    return RoomDoor(chat.rooms, chat.server.sending)


async def a_while() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_part_that_could_not_be_told_is_told_when_the_broker_is_back(chat: Chat) -> None:
    mina, door = await chat.client("mina"), door_of(chat)
    chat.crowd.broken = True
    with pytest.raises(BrokerError):
        await door.set_part(chat.channel, "goal", b'{"reached":5}')
    chat.crowd.broken = False
    await door.set_part(chat.channel, "goal", b'{"reached":5}')
    await chat.rooms.tick()
    assert mina.view.state["goal"] == {"reached": 5}


async def test_parts_are_told_in_the_order_in_which_they_were_set(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina, door = await chat.client("mina"), door_of(chat)
    publish, slow = chat.crowd.publish, asyncio.Event()

    async def publish_late(*asked: Any) -> Any:
        """The broker has several connections, and the first one is still being made."""
        monkeypatch.setattr(chat.crowd, "publish", publish)
        await slow.wait()
        return await publish(*asked)

    monkeypatch.setattr(chat.crowd, "publish", publish_late)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(door.set_part(chat.channel, "poll", b'{"state":"open"}'))
        await a_while()
        tasks.create_task(door.set_part(chat.channel, "poll", b'{"state":"ended"}'))
        await a_while()
        slow.set()
    assert mina.view.state["poll"] == {"state": "ended"}


async def test_what_a_dead_node_left_untold_is_told_though_the_room_opens_at_the_second_try(
    chat: Chat, other: Chat
) -> None:
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    chat.crowd.broken = True
    with pytest.raises(ReplyError):
        await mina.say("into the dark")
    chat.neighbour.dead = True
    chat.clock.advance(CHAT_LEASE_S)
    other.crowd.broken = True
    await other.nodes.tick()
    assert len(other.rooms) == 0, "it holds the lease, and could not read what was told"
    other.crowd.broken = False
    await other.nodes.tick()
    assert [text for _, _, text in yuna.view.visible()] == ["into the dark"]


async def test_a_room_that_was_found_elsewhere_is_looked_after_by_one_node(chat: Chat, other: Chat) -> None:
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    closed: list[str] = []
    chat.rooms.closed.append(closed.append)
    chat.clock.advance(CHAT_LEASE_S)
    await yuna.say("taken over")
    await mina.say("by a question of ours")
    assert len(other.rooms) == 1 and chat.rooms.known(chat.channel) is None
    assert closed == [chat.channel]


async def test_a_room_that_comes_back_under_another_lease_begins_anew(chat: Chat, other: Chat) -> None:
    mina = await chat.client("mina")
    closed: list[str] = []
    chat.rooms.closed.append(closed.append)
    chat.clock.advance(CHAT_LEASE_S)
    await other.room()
    await other.nodes.close()
    await mina.say("back again")
    assert closed == [chat.channel] and chat.leases.holds(chat.channel)


async def test_a_room_that_is_given_up_meanwhile_is_not_looked_after(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chat.client("mina")
    second = await chat.rooms.open("01inn")
    publish = chat.crowd.publish

    async def while_the_other_moves(*asked: Any) -> Any:
        chat.rooms.give_up(second.channel)
        return await publish(*asked)

    monkeypatch.setattr(chat.crowd, "publish", while_the_other_moves)
    second.members.present = 3
    await chat.rooms.tick()
    assert not chat.crowd.stream("madang_chat:01inn").items


LUNCH = PollWish(title="점심?", choices=("국밥", "냉면"), duration_s=60)
MANAGER = guest("madang.u.9", role=ChannelRole.MANAGER)


def polls_of(chat: Chat) -> Polls:
    log: Any = chat.log
    return Polls(log, door_of(chat), LetPass(), chat.clock, counter())


async def test_a_vote_that_is_accepted_while_the_poll_ends_counts(chat: Chat) -> None:
    await chat.client("mina")
    polls = polls_of(chat)
    poll = await polls.create(MANAGER, chat.channel, LUNCH)
    voting = polls.vote(guest("madang.u.1"), chat.channel, poll.id, 1)
    _, ended = await asyncio.gather(voting, polls.end(MANAGER, chat.channel, poll.id))
    assert ended.counts == (0, 1)
    assert [one.counts for one in await polls.history(chat.channel, None, 10)] == [(0, 1)]


async def test_a_poll_that_could_not_be_made_is_never_told(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina, polls = await chat.client("mina"), polls_of(chat)

    def while_it_ticks(changes: Any, done: Any) -> None:
        ticking = asyncio.ensure_future(polls.tick())
        ticking.add_done_callback(lambda ticked: done(Overloaded("away")))

    monkeypatch.setattr(chat.log, "commit", while_it_ticks)
    with pytest.raises(ReplyError):
        await polls.create(MANAGER, chat.channel, LUNCH)
    assert mina.view.state["poll"] is None


async def test_a_poll_that_is_over_ends_while_its_room_moves(
    chat: Chat, other: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = extras_of(chat), extras_of(other)
    await chat.client("mina")
    yuna = await other.client("yuna")
    chat.people.account("host", ChannelRole.MANAGER)
    fields = {"title": "점심?", "choices": ["국밥", "냉면"], "duration_s": 60}
    made = await here.act("host-id", chat.channel, "poll.create", **fields)
    await call(there, yuna.caller, "poll.vote", id=made["id"], choice=1)
    chat.neighbour.dead = True
    chat.clock.advance(61)
    find, ticks = other.log.find, []

    async def while_it_ticks(query: Query) -> Any:
        found = await find(query)
        if query.table == "poll_votes" or query.table == "paid_orders":
            ticks.append(asyncio.ensure_future(there.polls.tick()))
            await a_while()
        return found

    monkeypatch.setattr(other.log, "find", while_it_ticks)
    await other.nodes.tick()
    await asyncio.gather(*ticks)
    await there.polls.tick()
    (found,) = await there.polls_of(chat.channel, None, 10)
    assert (found.state, found.counts) == ("ended", (0, 1))
    assert yuna.view.state["poll"]["state"] == "ended"


async def test_a_role_that_a_second_tab_learns_first_is_told_to_the_first_tab(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna")
    heard: list[dict[str, Any]] = []
    chat.crowd.stream(f"madang_chat:{chat.channel}").hearers.append(heard.append)
    chat.people.roles["mina-id", chat.channel] = Standing(ChannelRole.VIP)
    await Client(chat, mina.user, "").join()
    await chat.rooms.recheck()
    assert [you["role"] for you in chat.crowd.told(mina.user)] == ["vip"]
    assert [event["role"] for event in heard if event["t"] == "role"] == ["vip"]
    assert chat.crowd.told(yuna.user) == []


async def test_a_role_that_could_not_be_told_is_told_later(chat: Chat) -> None:
    mina = await chat.client("mina")
    chat.people.roles["mina-id", chat.channel] = Standing(ChannelRole.VIP)
    chat.crowd.broken = True
    with pytest.raises(BrokerError):
        await chat.rooms.recheck()
    chat.crowd.broken = False
    await chat.rooms.tick()
    assert [you["role"] for you in chat.crowd.told(mina.user)] == ["vip"]


async def test_the_end_of_a_timeout_is_told_though_a_second_tab_saw_it_first(chat: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    await host.call("timeout", user=mina.user, duration_s=60)
    chat.clock.advance(60)
    assert (await Client(chat, mina.user, "").join()).snapshot["you"]["muted"] is None
    chat.crowd.broken = True
    with pytest.raises(BrokerError):
        await chat.rooms.tick()
    chat.crowd.broken = False
    await chat.rooms.tick()
    assert chat.crowd.told(mina.user)[-1]["muted"] is None


async def test_changes_of_a_room_at_the_same_time_all_stay(chat: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    one, two, three = [(await mina.say(text))["id"] for text in ("one", "two", "three")]
    await host.call("pin", id=one)
    await asyncio.gather(
        host.call("settings", slow_s=5),
        host.call("settings", links=False),
        host.call("pin", id=two),
        host.call("delete", id=one),
        host.call("pin", id=three),
    )
    state = mina.view.state
    assert (state["settings"]["slow_s"], state["settings"]["links"]) == (5, False)
    assert sorted(pin["id"] for pin in state["pins"]) == sorted([two, three])
    kept = await chat.rooms._load(Room(chat.yard, chat.channel))
    assert (kept.settings.slow_s, kept.settings.links) == (5, False)
    assert sorted(pin.id for pin in kept.pins) == sorted([two, three])


async def test_what_is_hidden_while_it_is_pinned_is_not_pinned(chat: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    sent = await mina.say("rude")
    await asyncio.gather(host.call("ban", user=mina.user), host.call("pin", id=sent["id"]))
    assert host.view.state["pins"] == [] and (await chat.room()).pins == ()


async def test_nobody_quotes_what_was_deleted_meanwhile(chat: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    sent = await mina.say("secret")
    _, answer = await asyncio.gather(
        host.call("delete", id=sent["id"]), host.say("what?", reply_to=sent["id"])
    )
    assert mina.view.messages[answer["id"]]["reply"]["text"] == ""
    assert (await chat.client("late")).view.messages[answer["id"]]["reply"]["text"] == ""


async def test_an_answer_that_waited_quotes_nothing_that_is_gone(chat: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    sent = await mina.say("secret")
    await host.call("settings", hold="all")
    held = await (await chat.client("yuna")).say("what?", reply_to=sent["id"])
    await host.call("delete", id=sent["id"])
    await host.call("approve", id=held["id"])
    assert mina.view.messages[held["id"]]["reply"]["text"] == ""


async def test_a_ban_stands_that_follows_an_unban(chat: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    await host.call("ban", user=mina.user)
    await asyncio.gather(host.call("unban", user=mina.user), host.call("ban", user=mina.user))
    with pytest.raises(ReplyError, match="banned"):
        await mina.say("hello")


async def test_a_text_that_could_not_be_kept_may_be_said_again(chat: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    await host.call("settings", unique=True)
    chat.log.away = True
    with pytest.raises(ReplyError) as fault:
        await mina.say("only once", nonce="n")
    assert fault.value.number == 100
    chat.log.away = False
    await mina.say("only once", nonce="n")
    assert [text for _, _, text in host.view.visible()] == ["only once"]


async def test_a_nonce_that_comes_twice_while_the_first_is_looked_at_counts_once(chat: Chat) -> None:
    host = await chat.client("host", ChannelRole.MANAGER)
    await host.call("settings", hold="newcomers", followers_min=0)
    mina = await chat.client("mina")
    chat.people.followed["mina-id", chat.channel] = 1.0
    first, second = await asyncio.gather(mina.say("hello", nonce="n"), mina.say("hello", nonce="n"))
    assert first["id"] == second["id"] and (await chat.room()).held == 1


async def test_who_takes_a_room_over_tells_no_quote_of_what_was_deleted(chat: Chat, other: Chat) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    yuna = await other.client("yuna")
    sent = await mina.say("secret")
    chat.crowd.broken = True
    deeds = host.say("what?", reply_to=sent["id"]), host.call("delete", id=sent["id"])
    assert all(await asyncio.gather(*deeds, return_exceptions=True))
    chat.neighbour.dead = True
    chat.clock.advance(CHAT_LEASE_S)
    await other.nodes.tick()
    (shown,) = [yuna.view.messages[name] for _, name, _ in yuna.view.visible()]
    assert (shown["text"], shown["reply"]["text"]) == ("what?", "")


async def test_news_that_could_not_be_said_are_said_later(
    chat: Chat, other: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Changed] = []
    other.nodes.changed.append(heard.append)

    async def away(topic: str, data: bytes) -> None:
        raise INTERNAL

    mina = await chat.client("mina")
    chat.nodes.spread("filter", chat.channel)
    with monkeypatch.context() as patch:
        patch.setattr(chat.neighbour, "say", away)
        for _ in range(6):
            chat.clock.advance(HEARTBEAT_S)
            with pytest.raises(ReplyError):
                await chat.nodes.tick()
    assert chat.leases.holds(chat.channel), "leases last longer whether others hear it or not"
    await chat.nodes.tick()
    assert heard == [Changed("filter", chat.channel)]
    mina.drop()


async def test_a_message_that_appears_while_names_are_read_anew_stays(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina, find = await chat.client("mina"), chat.log.find
    await mina.say("before")

    async def while_somebody_speaks(query: Query) -> Any:
        found = await find(query)
        if query.table == "chat_messages" and query.order == "seq":
            monkeypatch.setattr(chat.log, "find", find)
            saying.append(asyncio.ensure_future(mina.say("meanwhile")))
            await a_while()
            await asyncio.wait(saying, timeout=0.2)
        return found

    saying: list[asyncio.Future[Any]] = []
    monkeypatch.setattr(chat.log, "find", while_somebody_speaks)
    await chat.rooms.reload(await chat.room())
    await asyncio.gather(*saying)
    late = await chat.client("late")
    assert [text for _, _, text in late.view.visible()] == ["before", "meanwhile"]


async def test_what_one_manager_denied_no_other_shows(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    mina, host = await chat.client("mina"), await chat.client("host", ChannelRole.MANAGER)
    await host.call("settings", hold="all")
    held, find = await mina.say("may I?"), chat.log.find

    async def while_the_other_denies(query: Query) -> Any:
        found = await find(query)
        if query.table == "chat_held":
            monkeypatch.setattr(chat.log, "find", find)
            await host.call("deny", id=held["id"])
        return found

    monkeypatch.setattr(chat.log, "find", while_the_other_denies)
    with pytest.raises(ReplyError, match="resolved"):
        await host.call("approve", id=held["id"])
    assert mina.view.visible() == [] and (await chat.room()).held == 0


async def test_a_turned_secret_stays_turned(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    await chat.client("mina")
    log: Any = chat.log
    overlays = Overlays(log, door_of(chat), chat.clock, counter(), b"k" * 32)
    old, find, turning = await overlays.secret(chat.channel), chat.log.find, []

    async def while_it_turns(query: Query) -> Any:
        found = await find(query)
        monkeypatch.setattr(chat.log, "find", find)
        turning.append(asyncio.ensure_future(overlays.turn(chat.channel)))
        await asyncio.wait(turning, timeout=0.2)
        return found

    monkeypatch.setattr(chat.log, "find", while_it_turns)
    wanted = OverlayOptions(lines=3)
    await overlays.set_options(chat.channel, wanted)
    await asyncio.gather(*turning)
    kept = await overlays.kept(chat.channel)
    assert (kept.turn, kept.options) == (1, wanted) and await overlays.open(old) is None


async def test_rules_that_are_set_while_older_ones_are_read_stay(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chat.client("mina")
    log: Any = chat.log
    door, find = door_of(chat), chat.log.find
    filters, effects = RoomFilters(log), Effects(log, door, chat.clock, counter())
    banned = RoomRules(lists=(Words(name="fruit", words=("바나나",), action=Action.REFUSE),))

    async def while_they_are_set(query: Query) -> Any:
        found = await find(query)
        monkeypatch.setattr(chat.log, "find", find)
        await filters.set_rules(chat.channel, banned, door.commit)
        await effects.set_map(chat.channel, EffectMap(emoji={"🍌": "hearts"}))
        return found

    for read in (filters.reload, effects.map_of):
        monkeypatch.setattr(chat.log, "find", while_they_are_set)
        await read(chat.channel)
    assert filters.judge(chat.channel, "바나나").action is Action.REFUSE
    assert "🍌" in (await effects.map_of(chat.channel)).emoji

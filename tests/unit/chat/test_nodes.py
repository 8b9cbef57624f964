"""One room, two nodes: what is done by either happens in the one that runs it, also when that changes."""

import asyncio
from typing import Any

import pytest
from tests.harness.chatroom import Chat, Client

from madang.base.limits import CHAT_LEASE_S
from madang.base.roles import ChannelRole
from madang.chat import rows
from madang.chat.nodes import HEARTBEAT_S, answered
from madang.chat.ports import Demand, Fenced, Query
from madang.chat.questions import Keep, Part, Post, TakeDown
from madang.chat.superchat.door import Note
from madang.chat.superchat.rooms import RoomDoor
from madang.chat.words import Author
from madang.realtime.gate import Caller
from madang.realtime.ports import ReplyError, RpcRequest, SubscribeRequest


async def refused(work: Any) -> tuple[int, str]:
    with pytest.raises(ReplyError) as error:
        await work
    return error.value.number, error.value.message


async def beat(*chats: Chat) -> None:
    """Everybody's heart beats, twice: what is asked because of it is answered."""
    for _ in range(2):
        chats[0].clock.advance(HEARTBEAT_S)
        for chat in chats:
            await chat.nodes.tick()


async def test_a_command_reaches_the_node_that_runs_the_room(chat: Chat, other: Chat) -> None:
    mina = await chat.client("mina")
    yuna = await other.client("yuna")
    sent = await yuna.say("hello", nonce="n1")
    assert sent == await yuna.say("hello", nonce="n1")
    assert mina.view.visible() == yuna.view.visible() == [(1, sent["id"], "hello")]
    assert len(chat.rooms) == 1 and len(other.rooms) == 0
    await yuna.call("edit", id=sent["id"], text="hello!")
    assert mina.view.visible()[0][2] == "hello!"
    assert (await yuna.call("commands"))["commands"]
    assert await refused(yuna.call("settings", slow_s=5)) == (403, "forbidden")
    assert await refused(yuna.call("nothing")) == (104, "method not found")
    body = b'{"text":"by publish"}'
    caller, channel = yuna.caller, f"madang_chat:{chat.channel}"
    request = SubscribeRequest(caller=caller, channel=channel, data=body)
    await other.handler.publish(request)  # type: ignore[arg-type]
    assert [text for _, _, text in mina.view.visible()] == ["hello!", "by publish"]


async def test_nobody_acts_in_a_room_that_they_are_not_in(chat: Chat, other: Chat) -> None:
    await chat.client("mina")
    stranger = Client(other, other.people.account("eve", ChannelRole.MANAGER), "")
    for method in ("send", "ban", "clear"):
        assert (await refused(stranger.call(method, text="x", user="mina")))[0] == 103
    caller = Caller(client="", user=stranger.user)
    asked = RpcRequest(caller=caller, method="chat.clear", data=b'{"channel":"01yard"}')
    assert (await refused(other.handler.rpc(asked)))[0] == 103
    assert (await refused(other.server.act("", "01yard", "", "clear")))[0] == 103


async def test_moderation_on_one_acts_on_the_other(chat: Chat, other: Chat) -> None:
    mina = await chat.client("mina")
    host = await other.client("host", ChannelRole.BROADCASTER)
    sent = await mina.say("rude")
    await host.call("timeout", user=mina.user, duration_s=60)
    assert mina.view.visible() == [] and host.view.messages[sent["id"]]["deleted"]
    assert chat.crowd.told(mina.user)[-1]["muted"]["word"] == "timed_out"
    assert (await refused(mina.say("why")))[0] == 1002
    await host.call("unban", user=mina.user)
    await host.call("role", user=mina.user, role="vip")
    assert chat.crowd.told(mina.user)[-1]["role"] == "vip"
    await host.call("settings", slow_s=7)
    assert mina.view.state["settings"]["slow_s"] == 7
    desk = SubscribeRequest(caller=host.caller, channel=f"madang_mod:{chat.channel}")
    assert b'"audit"' in (await other.moderating.subscribe(desk)).data
    viewer = await other.client("viewer")
    desk = SubscribeRequest(caller=viewer.caller, channel=f"madang_mod:{chat.channel}")
    assert (await refused(other.moderating.subscribe(desk)))[0] == 103


async def test_rest_finds_the_room_from_anywhere(chat: Chat, other: Chat) -> None:
    mina = await chat.client("mina")
    other.people.account("host", ChannelRole.OWNER)
    said = await other.server.act("host-id", chat.channel, "192.0.2.1", "send", text="by REST")
    assert mina.view.visible() == [(said["seq"], said["id"], "by REST")]
    shown = await other.server.act("", chat.channel, "", "snapshot")
    assert [message["id"] for message in shown["messages"]] == [said["id"]] and shown["you"] is None
    people = await other.server.act("host-id", chat.channel, "", "chatters")
    assert [one["name"] for one in people["items"]] == ["mina"]
    assert (await other.desk.messages(chat.channel)).items[0].id == said["id"]
    assert (await other.rooms.look(chat.channel)).seq == 1 and len(other.rooms) == 0


async def test_when_the_leader_dies_another_goes_on_where_it_was(chat: Chat, other: Chat) -> None:
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    first = await mina.say("one", nonce="a")
    await yuna.say("two", nonce="b")
    await beat(chat, other)
    chat.neighbour.dead = True
    assert (await refused(yuna.say("three", nonce="c")))[0] == 100
    chat.clock.advance(CHAT_LEASE_S)
    await other.nodes.tick()
    assert len(other.rooms) == 1, "taken over by itself, as somebody is there"
    third = await yuna.say("three", nonce="c")
    assert third["seq"] == 3 and [seq for seq, _, _ in yuna.view.visible()] == [1, 2, 3]
    back = await Client(other, mina.user, "").join()
    assert await back.say("one", nonce="a") == first, "a nonce is known to whoever runs the room"
    assert back.view.visible() == yuna.view.visible()


async def test_who_slept_through_its_lease_writes_nothing(chat: Chat, other: Chat) -> None:
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    await mina.say("one")
    room = await chat.room()
    chat.clock.advance(CHAT_LEASE_S)
    await yuna.say("two")
    assert len(other.rooms) == 1
    stale = chat.leases._led[chat.channel]
    stale.until = float("inf")  # it does not know yet
    sent = await mina.say("three")
    assert sent["seq"] == 3 and chat.rooms.known(chat.channel) is None
    assert (await chat.rooms.look(chat.channel)) is not room
    rows = await chat.log.find(Query(table="chat_messages", order="seq", newest=False))
    assert [(row["seq"], row["text"]) for row in rows] == [(1, "one"), (2, "two"), (3, "three")]
    assert mina.view.visible() == yuna.view.visible()
    people = await chat.server.act("mina-id", chat.channel, "", "chatters")
    assert [one["name"] for one in people["items"]] == ["mina", "yuna"], "all are in it where it is run now"


async def test_what_was_committed_and_not_told_is_told_by_the_next(chat: Chat, other: Chat) -> None:
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    host = await chat.client("host", ChannelRole.MANAGER)
    kept = await mina.say("stays")
    gone = await mina.say("gone")
    await mina.call("edit", id=gone["id"], text="goes")
    edited = await mina.say("as it was", reply_to=gone["id"])
    chat.wait(31)
    chat.crowd.broken = True
    for work in (
        mina.say("never told", nonce="x"),
        host.call("delete", id=gone["id"]),
        mina.call("edit", id=edited["id"], text="as it is"),
        host.call("settings", slow_s=3),
        host.call("pin", id=kept["id"]),
    ):
        assert (await refused(work))[0] == 100
    assert [text for _, _, text in yuna.view.visible()] == ["stays", "goes", "as it was"]
    chat.neighbour.dead = True
    chat.clock.advance(CHAT_LEASE_S)
    await other.nodes.tick()
    assert [text for _, _, text in yuna.view.visible()] == ["stays", "as it is", "never told"]
    assert yuna.view.state["settings"]["slow_s"] == 3
    assert [pin["id"] for pin in yuna.view.state["pins"]] == [kept["id"]]
    stream = other.crowd.stream(f"madang_chat:{chat.channel}")
    assert not [item for item in stream.items if b'"goes"' in item.data or b'"gone"' in item.data]
    top = stream.top
    late = await other.client("late")
    assert late.view.visible() == yuna.view.visible()
    again = await Client(other, mina.user, "").join()
    sent = await again.say("never told", nonce="x")
    assert sent["seq"] == 4 and stream.top == top


async def test_a_room_that_was_given_back_has_nothing_to_make_up_for(chat: Chat, other: Chat) -> None:
    mina = await chat.client("mina")
    await mina.say("one")
    top = chat.crowd.stream(f"madang_chat:{chat.channel}").top
    await chat.nodes.close()
    await beat(chat, other)
    yuna = await other.client("yuna")
    assert [text for _, _, text in yuna.view.visible()] == ["one"]
    assert other.crowd.stream(f"madang_chat:{chat.channel}").top == top
    assert (await other.room()).fence == 2


async def test_people_of_other_nodes_are_counted_while_they_are_there(chat: Chat, other: Chat) -> None:
    await chat.client("mina")
    yuna, late = await other.client("yuna"), await other.client("late")
    room = await chat.room()
    assert room.members.present == 3
    yuna.drop()
    await beat(other, chat)
    assert room.members.present == 2
    room.members.leave(late.caller)  # a message was lost
    chat.nodes._guests[chat.channel]["two"].callers.clear()
    await beat(other, chat)
    assert room.members.present == 2, "who was not known is asked for"
    other.neighbour.dead = True
    for _ in range(5):
        chat.clock.advance(HEARTBEAT_S)
        await chat.nodes.tick()
    assert room.members.present == 1


async def test_viewers_of_all_nodes_are_counted(chat: Chat, other: Chat) -> None:
    chat.nodes._viewers, other.nodes._viewers = (lambda channel: 3), (lambda channel: 4)
    await chat.client("mina")
    await other.client("yuna")
    await beat(other, chat)
    await chat.rooms.tick()
    room = await chat.room()
    assert (room.counts.viewers, room.counts.chatters) == (7, 2)


async def test_a_room_that_only_others_are_in_stays_open(chat: Chat, other: Chat) -> None:
    room = await chat.room()
    await other.client("yuna")
    chat.crowd.subscribers = lambda channel: 0  # type: ignore[method-assign]
    for _ in range(60):
        await beat(chat, other)
        await chat.rooms.tick()
    assert await chat.room() is room


async def test_a_name_goes_along_when_the_room_moves(chat: Chat, other: Chat) -> None:
    await chat.client("mina")
    guest = await other.client("g1", ChannelRole.GUEST, nick="달")
    await guest.call("nick", nick="별")
    chat.neighbour.dead = True
    chat.clock.advance(CHAT_LEASE_S)
    sent = await guest.say("who am I")
    assert guest.view.messages[sent["id"]]["user"]["name"] == "별"


async def test_a_room_that_is_nowhere_is_error_100_in_time(
    chat: Chat, other: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    yuna = await other.client("yuna")
    mina = await chat.client("mina")

    async def not_here(sender: str, data: bytes) -> bytes:
        raise ReplyError(1, "not here")

    monkeypatch.setattr(other.neighbour, "_answer", not_here)
    async with asyncio.timeout(30):
        assert (await refused(mina.say("hello")))[0] == 100
    chat.log.away = True
    chat.leases.doubt(chat.channel)
    assert (await refused(mina.say("hello")))[0] == 100
    assert yuna.view.visible() == []


async def test_news_of_another_version_are_passed_over(chat: Chat, other: Chat) -> None:
    other.neighbour._hear("one", b"\xff")
    with pytest.raises(Exception, match=r"."):
        await other.neighbour._answer("one", b"\xff")


async def test_what_was_paid_on_one_is_shown_by_the_other(chat: Chat, other: Chat) -> None:
    mina = await chat.client("mina")
    doors = []
    for one in (chat, other):
        door = RoomDoor(one.rooms, one.server.sending)
        door.nodes = one.nodes
        done = {Post: door.do_post, TakeDown: door.do_take_down, Part: door.do_part}
        one.nodes.answers |= {kind: answered(do) for kind, do in done.items()}
        one.nodes.answers[Keep] = answered(door.do_keep)
        doors.append(door)
    far, author = doors[1], Author(id="madang.g.payer", name="유나", role="guest")
    note = Note(id="01paid", author=author, text="고마워요", paid=b'{"amount":1000,"currency":"KRW"}')
    event = rows.put_event("01event", "paid.shown", chat.channel, 1.5, {"order": "x"})
    await far.post(chat.channel, note, [event])
    shown = mina.view.messages["01paid"]
    assert shown["paid"] == {"amount": 1000, "currency": "KRW"} and shown["seq"] == 1
    again = Note(id="01again", author=author, text="x", paid=b"{}")
    with pytest.raises(Fenced):
        await far.post(chat.channel, again, [Demand("polls", {"id": "none"})])
    await far.set_part(chat.channel, "paid", b'[{"id":"01paid"}]')
    await far.tell(chat.channel, "fx", b'{"t":"effect","id":"1"}')
    assert mina.view.state["paid"] == [{"id": "01paid"}]
    await far.decided(chat.channel, "", "denied", note)
    log = (await chat.server.desk.audit(chat.channel, None, 10)).items
    assert [(line.action, line.target_name, line.message) for line in log] == [("denied", "유나", "고마워요")]
    await far.take_down(chat.channel, "01paid", "")
    assert mina.view.visible() == [] and (await far.settings(chat.channel)).paid
    assert (await refused(far.who(mina.caller, chat.channel)))[0] == 103


async def test_slow_mode_and_rates_go_along_when_the_room_moves(chat: Chat, other: Chat) -> None:
    host = await chat.client("host", ChannelRole.MANAGER)
    yuna, mina = await other.client("yuna"), await other.client("mina")
    await host.call("settings", slow_s=60, unique=True)
    await yuna.say("first")
    chat.clock.advance(CHAT_LEASE_S)
    await mina.say("something else")
    assert len(other.rooms) == 1
    chat.neighbour.dead = True
    number, word = await refused(yuna.say("second"))
    assert (number, word) == (1003, f"slow_mode:{60 - int(CHAT_LEASE_S)}")
    late = await other.client("late")
    assert (await refused(late.say("First")))[1].startswith("unique")
    back = await Client(other, yuna.user, "").join()
    assert back.snapshot["you"]["retry_s"] >= 60 - CHAT_LEASE_S
    chat.clock.advance(60)
    await yuna.say("second")

"""Rooms over time: counts, what is told outside, rooms that nobody is in, hostile texts as data."""

import asyncio

import msgspec
import pytest
from sqlalchemy import select
from tests.harness.chatroom import Chat, Client
from tests.harness.patience import until

from madang.base.limits import CHAT_ROOM_IDLE_S
from madang.base.roles import ChannelRole
from madang.chat import members, rooms
from madang.chat.words import Message
from madang.realtime.broker import BrokerError
from madang.realtime.ports import ReplyError, RpcRequest
from madang.store.crowd_schema import outbox

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    '"><svg onload=alert(1)>',
    "&lt;b&gt;",
    "\\u003cscript\\u003e",
    "a' OR '1'='1",
    "\u202etxt.exe\u202c",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "𝕳𝖊𝖑𝖑𝖔",
    "🏴‍☠️" * 20,
)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_texts_go_through_as_data(chat: Chat, text: str) -> None:
    """A13: what is shown is text; the room neither escapes nor interprets, and bounds marks and controls."""
    mina = await chat.client("mina")
    await mina.say(text)
    shown = mina.view.visible()[0][2]
    plain = text.replace("\u202e", "").replace("\u202c", "")
    assert shown == plain or len(shown) < len(plain)
    assert "\u202e" not in shown
    if text.isascii():
        assert shown == text


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_nicknames_are_bounded(chat: Chat, text: str) -> None:
    guest = await chat.client("someone", ChannelRole.GUEST, nick=text)
    assert len(guest.snapshot["you"]["name"]) <= 20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"channel":1}',
        b'{"channel":"01yard","text":1}',
        b'{"channel":"01yard","text":' + b'"x"' * 3,
        b"{" * 1000,
        b'{"channel":"01yard","text":"' + b"x" * 20_000 + b'"}',
        b'\xff\xfe{"channel":"01yard"}',
        b'{"channel":"01yard","text":"\\ud800"}',
        b'{"channel":"' + b"x" * 300 + b'","text":"x"}',
    ],
)
async def test_malformed_calls_are_refused_in_words(chat: Chat, body: bytes) -> None:
    """A45."""
    mina = await chat.client("mina")
    with pytest.raises(ReplyError) as fault:
        await chat.handler.rpc(RpcRequest(caller=mina.caller, method="chat.send", data=body))
    assert fault.value.number in (103, 400, 1011)


async def test_unknown_methods(chat: Chat) -> None:
    mina = await chat.client("mina")
    with pytest.raises(ReplyError, match="method not found"):
        await mina.call("nonsense")


async def test_counts_are_told_when_they_change(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna")
    second = await Client(chat, mina.user, "").join()
    chat.rooms.viewers = lambda channel: 7
    await chat.rooms.tick()
    assert yuna.view.messages == {} and (await chat.room()).counts.chatters == 2
    second.drop()
    mina.drop()
    chat.clock.advance(5)
    await chat.rooms.tick()
    counts = (await chat.room()).counts
    assert (counts.viewers, counts.chatters) == (7, 1)


async def test_comings_and_goings_are_told_outside_once_a_minute(chat: Chat) -> None:
    mina, _ = await chat.client("mina"), await chat.client("yuna")
    mina.drop()
    await chat.rooms.tick()
    chat.clock.advance(60)
    await chat.rooms.tick()
    chat.clock.advance(60)
    await chat.rooms.tick()
    await mina.chat.pump.do([], lambda: chat.room())
    async with chat.store.engine.connect() as connection:
        rows = (await connection.execute(select(outbox.c.kind, outbox.c.data))).all()
    assert [row.kind for row in rows] == ["chat.counts"]
    assert msgspec.json.decode(rows[0].data) == {"joined": 2, "left": 1, "chatters": 1, "viewers": 0}


async def test_a_room_that_nobody_is_in_is_forgotten_and_found_again(chat: Chat) -> None:
    mina = await chat.client("mina")
    await mina.say("hello")
    mina.drop()
    await chat.rooms.tick()
    chat.clock.advance(CHAT_ROOM_IDLE_S + 1)
    await chat.rooms.tick()
    assert len(chat.rooms) == 0
    again = await Client(chat, mina.user, "").join()
    assert [m["text"] for m in again.snapshot["messages"]] == ["hello"]


async def test_the_absent_are_forgotten_in_bounds(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "CHAT_REMEMBERED", 500)
    room = await chat.room()
    here = await chat.client("here")
    for number in range(600):
        caller = msgspec.structs.replace(here.caller, user=f"app|{number}", client=f"x{number}")
        room.members.enter(caller, 0.0)
        room.members.leave(caller)
    assert len(room.members._people) <= 502
    assert len(room.members._names) <= 502
    assert room.members.get(here.user) is not None


async def test_a_name_is_found_for_everybody(chat: Chat) -> None:
    """Of nine numbered names out of ten that are taken, the next longer number is free."""
    room = await chat.room()
    room.members._names |= {f"guest-{number:04d}": "somebody" for number in range(10_000)}
    mina = await chat.client("newcomer", ChannelRole.GUEST, nick="관리자")
    assert len(mina.snapshot["you"]["name"]) == len("guest-12345")


async def test_a_deleted_channel_has_no_room(chat: Chat) -> None:
    mina = await chat.client("mina")
    del chat.people.places[chat.channel]
    await chat.rooms.recheck()
    with pytest.raises(ReplyError, match="permission denied"):
        await mina.say("hello")


async def test_a_room_with_paid_messages_is_opened_again(chat: Chat) -> None:
    owner = await chat.client("owner", ChannelRole.OWNER)
    room, paid = await chat.room(), {"order": "o", "amount": 5_000, "currency": "KRW", "tier": 3}
    member = room.members.get(owner.user)
    assert member is not None
    message = Message(
        id=room.yard.new_id(),
        seq=0,
        at=room.yard.now_ms(),
        kind="paid",
        user=member.author(),
        text="최고예요",
        paid=msgspec.Raw(msgspec.json.encode(paid)),
    )
    await chat.server.sending.post(room, message)
    await owner.call("pin", id=message.id)
    owner.drop()
    chat.wait(CHAT_ROOM_IDLE_S + 1)
    await chat.rooms.tick()
    assert chat.rooms.known(chat.channel) is None
    late = await chat.client("late")
    assert late.snapshot["messages"][-1]["paid"] == paid
    assert late.snapshot["pins"][0]["message"]["paid"] == paid
    page = await chat.desk.messages(chat.channel)
    assert b'"paid":{"order":"o"' in msgspec.json.encode(page.items)
    card = await chat.desk.card(await chat.room(), owner.user)
    assert card["messages"][-1]["paid"] == paid


async def test_what_was_said_while_the_broker_was_away_is_told_when_it_is_back(chat: Chat) -> None:
    """F14: it is in the log; whoever said it need not say it again."""
    mina, jun = await chat.client("mina"), await chat.client("jun")
    manager = await chat.client("manager", ChannelRole.MANAGER)
    old = await jun.say("old")
    chat.crowd.broken = True
    for deed in (mina.say("lost?", nonce="n1"), manager.call("delete", id=old["id"])):
        with pytest.raises(ReplyError) as refused:
            await deed
        assert refused.value.number == 100
    with pytest.raises(BrokerError):
        await chat.rooms.tick()
    assert [text for _, _, text in jun.view.visible()] == ["old"]
    chat.crowd.broken = False
    await chat.rooms.tick()
    for each in (mina, jun, manager):
        assert [text for _, _, text in each.view.visible()] == ["lost?"]
    again = await mina.say("lost?", nonce="n1")
    assert [name for _, name, _ in jun.view.visible()] == [again["id"]]


async def test_a_broker_that_is_away_does_not_end_the_rooms(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: what could not be told is told by the same loop."""
    monkeypatch.setattr(rooms, "LOOKED_AT_EVERY_S", 0.0)
    await chat.client("mina")
    room = await chat.room()
    chat.crowd.broken = True
    running = asyncio.ensure_future(chat.rooms.run())
    await until(lambda: room.behind)
    chat.crowd.broken = False
    stream = chat.crowd.stream(f"madang_chat:{chat.channel}")
    await until(lambda: stream.items and b'"t":"counts"' in stream.items[-1].data)
    running.cancel()
    await asyncio.wait([running])

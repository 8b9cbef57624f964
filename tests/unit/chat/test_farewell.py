"""An account goes: everything of it may be taken along, and its name stays nowhere."""

import msgspec
import pytest
from tests.harness.chatroom import Chat, Client

from madang.base.errors import Overloaded
from madang.base.roles import ChannelRole
from madang.chat.nodes import HEARTBEAT_S
from madang.chat.ports import Put, Query
from madang.realtime.ports import ReplyError

HOST = ChannelRole.BROADCASTER
PAID = {
    "amount": 1000,
    "currency": "KRW",
    "tier": 1,
    "text": "화이팅",
    "provider": "rehearsal",
    "anonymous": False,
}


async def test_all_of_an_account_is_taken_along(chat: Chat) -> None:
    host, mina = await chat.client("host", HOST), await chat.client("mina")
    sent = await mina.say("one")
    await host.call("settings", hold="all")
    held = await mina.say("two")
    await host.call("timeout", user=mina.user, duration_s=60, reason="loud")
    await host.call("shadow", user=mina.user)
    order = {**PAID, "id": "o1", "channel": chat.channel, "user_id": mina.user, "author": "{}", "nonce": "n"}
    order |= {"payment": None, "state": "created", "message": "", "reason": "", "created_at": 5}
    order |= {"paid_at": None, "shown_at": None, "pinned_until": None}
    await chat.pump.do([Put("paid_orders", order)], nothing)
    farewell = chat.server.farewell
    (said,) = await farewell.said("mina-id")
    assert (said["id"], said["text"], said["channel"]) == (sent["id"], "one", chat.channel)
    assert [row["id"] for row in await farewell.waiting("mina-id")] == [held["id"]]
    (ban,) = await farewell.bans("mina-id")
    assert ban["kind"] == "ban" and ban["reason"] == "loud", "who is shadowed is not told so"
    (paid,) = await farewell.paid("mina-id")
    assert (paid["text"], paid["amount"]) == ("화이팅", 1000)
    assert await farewell.votes("mina-id") == [] == await farewell.said("host-id")
    await farewell.forget("mina-id")
    (row,) = await chat.log.find(Query(table="paid_orders"))
    assert "mina" not in row["author"] and row["amount"] == 1000


async def test_a_name_stays_nowhere(chat: Chat) -> None:
    host, mina, yuna = await chat.client("host", HOST), await chat.client("mina"), await chat.client("yuna")
    sent = await mina.say("hello there")
    answer = await yuna.say("hi!", reply_to=sent["id"])
    for name in (sent["id"], answer["id"]):
        await host.call("pin", id=name)
    await host.say("/user mina")
    mina.drop()
    await chat.server.forget_account("mina-id")
    late, back = await chat.client("late"), await Client(chat, yuna.user, "").join(recover=True)
    room = await chat.room()
    for shown in (
        late.snapshot,
        back.view.messages,
        back.view.state,
        list(chat.crowd.stream("madang_chat:01yard").items),
    ):
        assert b"mina" not in msgspec.json.encode(shown)
    assert b"mina" not in msgspec.json.encode(room.pins)
    assert [text for _, _, text in late.view.visible()] == ["hello there", "hi!"]
    for table in ("chat_messages", "chat_rooms", "chat_audit", "outbox"):
        order = {"chat_rooms": "channel", "outbox": "seq"}.get(table, "id")
        found = await chat.log.find(Query(table=table, order=order))
        assert found and not any('"mina"' in str(row) or "'mina'" in str(row) for row in found), table


async def test_what_a_purge_hid_stays_hidden(chat: Chat) -> None:
    host, mina = await chat.client("host", HOST), await chat.client("mina")
    await mina.say("vile")
    await host.call("ban", user=mina.user)
    await chat.server.forget_account("mina-id")
    chat.rooms.give_up(chat.channel)
    late = await chat.client("late")
    assert late.view.visible() == []
    page = await chat.desk.messages(chat.channel)
    assert [type(item).__name__ for item in page.items] == ["Tombstone"]
    assert await chat.log.find(Query(table="chat_bans")) == []


async def test_other_nodes_forget_it_too(chat: Chat, other: Chat) -> None:
    mina, yuna = await chat.client("mina"), await other.client("yuna")
    await mina.say("hello")
    heard: list[str] = []
    chat.nodes.changed.append(lambda news: heard.append(news.kind))
    await other.server.forget_account("mina-id")
    chat.clock.advance(HEARTBEAT_S)
    await other.nodes.tick()
    assert heard == ["names"] and len(chat.rooms) == 1
    await chat.rooms.reload(await chat.room())
    assert b"mina" not in (await chat.room()).snapshot(None, messages=True)
    await yuna.say("still here")


async def test_who_is_gone_writes_no_more(chat: Chat) -> None:
    mina = await chat.client("mina")
    sent = await mina.say("hello")
    del chat.people.people["mina-id"]
    await chat.rooms.recheck()
    for deed in (mina.say("more"), mina.call("edit", id=sent["id"], text="other")):
        with pytest.raises(ReplyError, match="sign_in"):
            await deed


async def test_a_log_that_is_away_forgets_nothing(chat: Chat) -> None:
    mina = await chat.client("mina")
    await mina.say("hello")
    chat.log.away = True
    with pytest.raises(Overloaded):
        await chat.server.forget_account("mina-id")
    chat.log.away = False
    assert (await chat.server.farewell.said("mina-id"))[0]["text"] == "hello"


async def nothing() -> None:
    return None

"""What moderators do: to whom, for how long, seen by whom, and what it leaves behind."""

import pytest
from tests.harness.chatroom import Chat, Client

from madang.base.errors import Overloaded
from madang.base.roles import ChannelRole
from madang.realtime.broker import BrokerError
from madang.realtime.ports import ReplyError

GUEST, VIEWER, MANAGER, BROADCASTER, OWNER = (
    ChannelRole.GUEST,
    ChannelRole.VIEWER,
    ChannelRole.MANAGER,
    ChannelRole.BROADCASTER,
    ChannelRole.OWNER,
)


async def says_no(client: Client, method: str = "send", **data: object) -> str:
    with pytest.raises(ReplyError) as fault:
        await client.call(method, **({"text": "hello"} if method == "send" else {}) | data)
    return f"{fault.value.number} {fault.value.message}"


async def test_delete_leaves_a_tombstone_everywhere(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    sent = await mina.say("secret words")
    assert await yuna.call("delete", id=sent["id"], reason="rude") == {"deleted": 1}
    assert mina.view.visible() == []
    stream = chat.crowd.stream(f"madang_chat:{chat.channel}")
    assert not [item for item in stream.items if b"secret" in item.data]
    page = await mina.call("history")
    assert page["messages"] == [
        {"t": "message", "id": sent["id"], "seq": 1, "at": sent["at"], "kind": "message", "deleted": True}
    ]
    (entry,) = (await chat.desk.audit(chat.channel, None, 10)).items
    assert (entry.action, entry.target, entry.message, entry.reason) == (
        "delete",
        mina.user,
        "secret words",
        "rude",
    )


async def test_authors_delete_their_own_and_no_others(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna")
    sent = await mina.say("hello")
    assert await says_no(yuna, "delete", id=sent["id"]) == "403 forbidden"
    await mina.call("delete", id=sent["id"])
    assert await says_no(mina, "delete", id=sent["id"]) == "404 not_found"


async def test_a_timeout_tells_what_remains_and_ends(chat: Chat) -> None:
    mina, yuna = await chat.client("mina", GUEST), await chat.client("yuna", MANAGER)
    await mina.say("one")
    await yuna.call("timeout", user=mina.user, duration_s=60, reason="calm down")
    assert mina.view.visible() == yuna.view.visible() == []
    assert await says_no(mina) == "1002 timed_out:60"
    you = chat.crowd.told(mina.user)[-1]
    assert you["muted"]["reason"] == "calm down" and you["can"] == ["poll"]
    chat.clock.advance(59)
    assert await says_no(mina) == "1002 timed_out:1"
    chat.clock.advance(1)
    await chat.rooms.tick()
    assert chat.crowd.told(mina.user)[-1]["muted"] is None
    await mina.say("two")
    assert [text for _, _, text in yuna.view.visible()] == ["two"]


async def test_a_ban_holds_for_the_second_device_and_after_a_restart(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    second = await Client(chat, mina.user, "").join()
    await yuna.call("ban", user="@mina", reason="spam")
    for device in (mina, second):
        assert await says_no(device) == "1001 banned"
    chat.rooms._rooms.clear()
    again = await Client(chat, mina.user, "").join()
    assert again.snapshot["you"]["muted"]["word"] == "banned"
    assert await says_no(again) == "1001 banned"
    yuna = await Client(chat, yuna.user, "").join()
    await yuna.call("unban", user=mina.user)
    await again.say("thank you")


async def test_what_was_on_its_way_is_hidden_by_the_same_ban(chat: Chat) -> None:
    import asyncio

    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    await asyncio.gather(mina.say("on its way"), yuna.call("ban", user=mina.user))
    assert mina.view.visible() == yuna.view.visible() == []


async def test_a_ban_that_was_not_written_down_is_none(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    chat.log.away = True
    assert await says_no(yuna, "ban", user=mina.user) == "100 internal server error"
    chat.log.away = False
    await mina.say("still here")


@pytest.mark.parametrize(
    ("actor", "target", "allowed"),
    [
        (MANAGER, VIEWER, True),
        (MANAGER, ChannelRole.VIP, True),
        (MANAGER, MANAGER, False),
        (MANAGER, BROADCASTER, False),
        (MANAGER, OWNER, False),
        (BROADCASTER, MANAGER, True),
        (BROADCASTER, OWNER, False),
        (OWNER, BROADCASTER, True),
        (VIEWER, GUEST, False),
        (ChannelRole.VIP, VIEWER, False),
    ],
)
async def test_who_may_act_on_whom(
    chat: Chat, actor: ChannelRole, target: ChannelRole, allowed: bool
) -> None:
    mina, yuna = await chat.client("mina", actor), await chat.client("yuna", target)
    for method, more in (("timeout", {"duration_s": 5}), ("ban", {}), ("shadow", {})):
        if allowed:
            await mina.call(method, user=yuna.user, **more)
        else:
            assert await says_no(mina, method, user=yuna.user, **more) == "403 forbidden"


async def test_an_address_is_banned_without_being_told(chat: Chat) -> None:
    mina = await chat.client("mina", GUEST, peer="192.0.2.66")
    yuna = await chat.client("yuna", MANAGER, peer="192.0.2.1")
    await yuna.call("ban", user=mina.user, ip=True)
    other = await chat.client("innocent", GUEST, peer="192.0.2.66")
    assert await says_no(other) == "1001 banned"
    told = str((await chat.desk.bans(chat.channel, None, 10)).items)
    assert "192.0.2" not in told and chat.moderation.digest("192.0.2.66") not in told
    await yuna.call("unban", user=mina.user)
    await other.say("hello")


async def test_a_shadow_is_seen_by_its_author_and_the_moderators(chat: Chat) -> None:
    mina, sora = await chat.client("mina"), await chat.client("sora")
    yuna = await chat.client("yuna", MANAGER)
    await yuna.call("shadow", user=mina.user)
    sent = await mina.say("can you see me")
    assert sent["state"] == "sent" and sent["seq"] == 1
    assert sora.view.visible() == [] == mina.view.visible()
    assert chat.crowd.told(mina.user)[-1]["message"]["text"] == "can you see me"
    moderators = chat.crowd.stream(f"madang_mod:{chat.channel}").items
    assert any(b"can you see me" in item.data for item in moderators)
    assert not any(event["t"] == "you" for event in chat.crowd.told(mina.user))
    await yuna.call("unshadow", user=mina.user)
    chat.wait()
    await mina.say("and now")
    assert [text for _, _, text in sora.view.visible()] == ["and now"]


async def test_clear_spares_what_was_paid_and_what_comes_after(chat: Chat) -> None:
    import msgspec

    from madang.chat.words import Message

    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    await mina.say("one")
    room = await chat.room()
    author = room.members.get(mina.user)
    assert author is not None
    paid = Message(
        id=chat.yard.new_id(),
        seq=0,
        at=1,
        kind="paid",
        user=author.author(),
        text="paid for",
        paid=msgspec.Raw(b'{"amount":1000}'),
    )
    await chat.server.sending.post(room, paid)
    assert await yuna.call("clear") == {"through": 2}
    await mina.say("three")
    texts = ["paid for", "three"]
    newcomer = await chat.client("sora")
    for client in (mina, yuna, newcomer):
        assert [text for _, _, text in client.view.visible()] == texts
    assert newcomer.snapshot["cut"] == 2


async def test_pins_and_announcements(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    sent = await yuna.call("announce", text="We begin at nine", color="green")
    assert await says_no(mina, "pin", id=sent["id"]) == "403 forbidden"
    await yuna.call("pin", id=sent["id"], duration_s=60)
    assert mina.view.state["pins"][0]["message"]["text"] == "We begin at nine"
    chat.rooms._rooms.clear()
    again = await chat.client("sora")
    assert len(again.snapshot["pins"]) == 1
    chat.clock.advance(61)
    await chat.rooms.tick()
    assert again.view.state["pins"] == []


async def test_a_deleted_message_is_not_pinned_any_more(chat: Chat) -> None:
    yuna = await chat.client("yuna", MANAGER)
    sent = await yuna.say("hello")
    await yuna.call("pin", id=sent["id"])
    await yuna.call("delete", id=sent["id"])
    assert yuna.view.state["pins"] == []


async def test_a_pin_quotes_nothing_that_is_gone_and_says_what_its_message_says(chat: Chat) -> None:
    yuna, mina = await chat.client("yuna", MANAGER), await chat.client("mina")
    asked = await mina.say("a secret")
    chat.wait(31)
    answer = await yuna.say("an answer", reply_to=asked["id"])
    await yuna.call("pin", id=answer["id"])
    assert yuna.view.state["pins"][0]["message"]["reply"]["text"] == "a secret"
    await yuna.call("edit", id=answer["id"], text="a better answer")
    await yuna.call("delete", id=asked["id"])
    told = b"".join(item.data for item in chat.crowd.stream(f"madang_chat:{chat.channel}").items)
    assert b"a secret" not in told
    for _ in range(2):
        pin = (await chat.client("sora")).snapshot["pins"][0]["message"]
        assert (pin["text"], pin["reply"]["text"]) == ("a better answer", "")
        chat.rooms._rooms.clear()


async def test_a_cut_takes_the_quotes_of_pins_along(chat: Chat) -> None:
    yuna, mina = await chat.client("yuna", MANAGER), await chat.client("mina")
    asked = await mina.say("a secret")
    chat.wait(31)
    answer = await yuna.say("an answer", reply_to=asked["id"])
    await yuna.call("pin", id=answer["id"])
    await yuna.call("ban", user=mina.user)
    told = b"".join(item.data for item in chat.crowd.stream(f"madang_chat:{chat.channel}").items)
    assert b"a secret" not in told and b"an answer" in told
    for _ in range(2):
        assert (await chat.client("sora")).snapshot["pins"][0]["message"]["reply"]["text"] == ""
        chat.rooms._rooms.clear()


async def test_presets_and_settings_are_kept(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    made = await yuna.call("preset", preset="raid")
    assert (made["slow_s"], made["unique"], made["hold"], made["guests"]) == (30, True, "newcomers", False)
    assert mina.view.state["settings"] == made
    changed = await yuna.call("settings", slow_s=5)
    assert changed["preset"] == "" and changed["unique"] is True
    chat.rooms._rooms.clear()
    assert (await chat.client("sora")).snapshot["settings"] == changed
    assert await says_no(mina, "settings", slow_s=0) == "103 permission denied"
    yuna = await Client(chat, yuna.user, "").join()
    assert await says_no(yuna, "settings", slow_s=301) == "400 invalid:settings"
    assert await says_no(yuna, "settings", nonsense=1) == "400 invalid:settings"


async def test_roles_act_on_live_connections(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    boss = await chat.client("boss", BROADCASTER)
    assert await says_no(yuna, "role", user=mina.user, role="manager") == "403 forbidden"
    await boss.call("role", user=mina.user, role="manager")
    assert chat.crowd.told(mina.user)[-1]["role"] == "manager"
    await mina.call("preset", preset="calm")
    await boss.call("role", user=mina.user, role="viewer")
    assert await says_no(mina, "preset", preset="normal") == "403 forbidden"
    until = chat.clock.wall() + 100
    await yuna.call("role", user=mina.user, role="subscriber", duration_s=100)
    assert chat.people.granted[-1][3].until == until  # type: ignore[union-attr]
    assert chat.crowd.told(mina.user)[-1]["role_until"] == int(until * 1000)
    chat.people.roles["mina-id", chat.channel] = chat.people.standing("nobody", chat.channel)
    chat.clock.advance(101)
    rechecks = chat.crowd.rechecks
    await chat.rooms.tick()
    assert chat.crowd.told(mina.user)[-1]["role"] == "viewer"
    await chat.rooms.tick()
    assert chat.crowd.rechecks == rechecks + 1, "a private channel may be theirs no more"
    for until in (chat.clock.wall() - 1, 1e300):
        refusal = await says_no(yuna, "role", user=mina.user, role="subscriber", until=until)
        assert refusal == "400 invalid:until"


async def test_foreign_roles_come_from_the_claim_alone(chat: Chat) -> None:
    claim = b'{"name":"Kim","roles":{"%b":{"role":"manager","until":%d}}}'
    until = int(chat.clock.wall()) + 60
    kim = await Client(chat, "app|42", "", claim % (chat.channel.encode(), until)).join()
    assert kim.snapshot["you"]["role"] == "manager" and kim.snapshot["you"]["name"] == "Kim"
    await kim.call("preset", preset="calm")
    chat.clock.advance(61)
    await chat.rooms.tick()
    assert chat.crowd.told(kim.user)[-1]["role"] == "viewer"
    assert await says_no(kim, "preset", preset="raid") == "403 forbidden"
    liar = await Client(chat, "app|43", "", b'{"name":"yuna","roles":{"elsewhere":{"role":"owner"}}}').join()
    assert liar.snapshot["you"]["role"] == "viewer"
    owner = await Client(chat, "app|44", "", b'{"name":"x","roles":{"*":{"role":"owner"}}}').join()
    assert owner.snapshot["you"]["role"] == "broadcaster"


async def test_nicknames_are_nobody_elses(chat: Chat) -> None:
    await chat.client("yuna", OWNER)
    mina = await chat.client("m1", GUEST, nick="미나")
    assert mina.snapshot["you"]["name"] == "미나"
    for taken in ("yuna", "YUNA", "уuna", "미 나", "관리자", "Admin"):
        other = await chat.client(f"g{taken}", GUEST, nick=taken)
        assert other.snapshot["you"]["name"].startswith("guest-")
        code = await says_no(other, "nick", nick=taken)
        assert code == "1013 name_taken"
    assert await says_no(mina, "nick", nick="\u200b") == "1014 name_invalid"
    assert await mina.call("nick", nick="미나리") == {"name": "미나리"}


async def test_the_moderators_room_is_theirs(chat: Chat) -> None:
    from madang.realtime.ports import SubscribeRequest

    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    channel = f"madang_mod:{chat.channel}"
    with pytest.raises(ReplyError, match="permission denied"):
        await chat.moderating.admit(mina.caller, channel, b"")
    await chat.moderating.admit(yuna.caller, channel, b"")
    reply = await chat.moderating.subscribe(SubscribeRequest(caller=yuna.caller, channel=channel))
    assert b'"held":[]' in reply.data
    chat.people.account("yuna", VIEWER)
    await chat.rooms.recheck()
    assert not chat.moderating.holds(yuna.caller, channel)


async def test_a_ban_that_was_written_down_is_done_whatever_cannot_be_read_then(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, mina = await chat.client("host", ChannelRole.MANAGER), await chat.client("mina")
    for _ in range(3):
        await mina.say(f"rude {_}")

    async def away(query: object) -> None:
        raise Overloaded("away")

    monkeypatch.setattr(chat.log, "find", away)
    assert await host.call("ban", user=mina.user) == {}
    assert mina.view.visible() == []
    with pytest.raises(ReplyError, match="banned"):
        await mina.say("again")


async def test_a_ban_stands_that_could_not_be_told_to_everybody(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, mina = await chat.client("host", ChannelRole.MANAGER), await chat.client("mina")
    await mina.say("rude")
    publish = chat.crowd.publish

    async def away(*told: object) -> None:
        raise BrokerError("away")

    monkeypatch.setattr(chat.crowd, "publish", away)
    assert await says_no(host, "ban", user=mina.user) == "100 internal server error"
    monkeypatch.setattr(chat.crowd, "publish", publish)
    with pytest.raises(ReplyError, match="banned"):
        await mina.say("again")
    assert await host.call("ban", user=mina.user) == {}
    assert mina.view.visible() == []


async def test_a_user_whose_name_is_no_channel_is_moderated_all_the_same(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await chat.client("host", ChannelRole.MANAGER)
    mina = await Client(chat, "https://login.example|미나", "").join()
    await mina.say("rude")

    async def publish(user: str, data: bytes, options: object) -> None:
        raise ReplyError(107, "bad request")

    monkeypatch.setattr(chat.crowd, "publish_to_user", publish)
    assert await host.call("ban", user=mina.user) == {}
    with pytest.raises(ReplyError, match="banned"):
        await mina.say("again")

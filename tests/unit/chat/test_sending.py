"""The way of one message: answered once, shown to all, refused with a reason and what remains."""

import asyncio

import pytest
from tests.harness.chatroom import Chat, Client

from madang.base.roles import ChannelRole
from madang.chat.ports import Query
from madang.realtime.broker import BrokerError
from madang.realtime.ports import ReplyError

GUEST, VIEWER, MANAGER, OWNER = (
    ChannelRole.GUEST,
    ChannelRole.VIEWER,
    ChannelRole.MANAGER,
    ChannelRole.OWNER,
)


async def refused(client: Client, text: str = "hello", **more: object) -> str:
    with pytest.raises(ReplyError) as fault:
        await client.say(text, **more)
    return f"{fault.value.number} {fault.value.message}"


async def test_a_message_is_answered_and_seen(chat: Chat) -> None:
    mina, yuna = await chat.client("mina", GUEST), await chat.client("yuna", OWNER)
    sent = await mina.say("안녕하세요", nonce="n1")
    assert sent["state"] == "sent" and sent["seq"] == 1
    (message,) = yuna.view.messages.values()
    assert message["id"] == sent["id"] and message["text"] == "안녕하세요"
    assert message["user"] == {
        "id": "madang.g.mina",
        "name": "mina",
        "role": "guest",
        "color": message["user"]["color"],
    }


async def test_a_nonce_counts_once(chat: Chat) -> None:
    mina = await chat.client("mina", GUEST)
    first, second = await asyncio.gather(mina.say("once", nonce="n"), mina.say("once", nonce="n"))
    assert first == second
    assert await mina.say("once", nonce="n") == first
    assert len(mina.view.messages) == 1


async def test_a_nonce_is_known_after_a_restart_of_the_room(chat: Chat) -> None:
    mina = await chat.client("mina", GUEST)
    first = await mina.say("once", nonce="n")
    mina.drop()
    chat.rooms._rooms.clear()
    again = await Client(chat, mina.user, "").join()
    assert await again.say("once", nonce="n") == first
    assert [m["text"] for m in again.snapshot["messages"]] == ["once"]


async def test_a_store_that_is_away_accepts_nothing(chat: Chat) -> None:
    mina = await chat.client("mina", GUEST)
    chat.log.away = True
    assert await refused(mina, nonce="n") == "100 internal server error"
    chat.log.away = False
    assert (await mina.say("hello", nonce="n"))["state"] == "sent"
    assert len(mina.view.messages) == 1


async def test_what_is_in_the_log_and_could_not_be_told_is_not_said_twice(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: the broker was away; the same nonce once more tells what is on the disk."""
    mina, yuna = await chat.client("mina", GUEST), await chat.client("yuna", OWNER)
    publish = chat.crowd.publish

    async def away(*told: object) -> None:
        raise BrokerError("away")

    monkeypatch.setattr(chat.crowd, "publish", away)
    assert await refused(mina, nonce="n") == "100 internal server error"
    assert await refused(mina, nonce="n") == "100 internal server error"
    monkeypatch.setattr(chat.crowd, "publish", publish)
    assert (await mina.say("hello", nonce="n"))["seq"] == 1
    assert len(yuna.view.messages) == 1
    rows = await chat.log.find(Query(table="chat_messages", where={"channel": chat.channel}))
    assert [row["nonce"] for row in rows] == ["n"]


async def test_who_goes_away_does_not_stop_what_was_committed(chat: Chat) -> None:
    mina, yuna = await chat.client("mina", GUEST), await chat.client("yuna", OWNER)
    task = asyncio.create_task(mina.say("hello"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await chat.pump.settle()
    assert len(yuna.view.messages) == 1


async def test_replies_and_mentions_name_people(chat: Chat) -> None:
    mina, yuna = await chat.client("mina", GUEST), await chat.client("yuna", OWNER)
    first = await mina.say("hello")
    await yuna.say("@mina, welcome", reply_to=first["id"])
    answer = list(mina.view.messages.values())[-1]
    assert answer["mentions"] == [mina.user]
    assert answer["reply"] == {"id": first["id"], "user": mina.user, "name": "mina", "text": "hello"}
    assert chat.crowd.weights[-1].kept_for == {mina.user, yuna.user}


async def test_too_fast_is_refused_with_what_remains(chat: Chat) -> None:
    """A57."""
    mina = await chat.client("mina", GUEST)
    for number in range(5):
        await mina.say(f"message {number}")
    assert await refused(mina) == "429 rate:10"
    chat.clock.advance(7)
    assert await refused(mina) == "429 rate:3"
    chat.clock.advance(3)
    await mina.say("again")


async def test_one_address_may_not_flood_with_many_names(chat: Chat) -> None:
    """A57."""
    many = [await chat.client(f"guest{n}", GUEST, peer="192.0.2.1") for n in range(5)]
    for number in range(20):
        await many[number % 5].say(f"message {number}")
    late = await chat.client("late", GUEST, peer="192.0.2.1")
    assert (await refused(late)).startswith("429 rate:")
    other = await chat.client("other", GUEST, peer="192.0.2.2")
    await other.say("hello")


async def test_slow_mode_counts_accepted_messages(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    vip = await chat.client("vip", ChannelRole.VIP)
    await yuna.call("settings", slow_s=30)
    await mina.say("one")
    assert await refused(mina) == "1003 slow_mode:30"
    chat.clock.advance(20)
    assert await refused(mina) == "1003 slow_mode:10"
    again = await Client(chat, mina.user, "").join()  # a second device, and a reconnect
    assert again.snapshot["you"]["retry_s"] == 11
    assert await refused(again) == "1003 slow_mode:10"
    chat.clock.advance(10)
    await again.say("two")
    for text in ("a", "b"):
        await vip.say(text)
        await yuna.say(text)


async def test_followers_only_says_how_long(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    guest = await chat.client("guest1", GUEST)
    await yuna.call("settings", followers_min=10)
    assert await refused(mina) == "1004 followers_only:-1"
    assert await refused(guest) == "1004 followers_only:-1"
    chat.people.followed["mina-id", chat.channel] = chat.clock.wall()
    chat.clock.advance(61)
    assert await refused(mina) == "1004 followers_only:539"
    chat.clock.advance(540)
    await mina.say("hello")


async def test_subscribers_emoji_links_unique(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", MANAGER)
    sub = await chat.client("sub", ChannelRole.SUBSCRIBER)
    await yuna.call("settings", subscribers_only=True)
    assert await refused(mina) == "1005 subscribers_only"
    await sub.say("hello")
    await yuna.call("settings", subscribers_only=False, emoji_only=True)
    assert await refused(mina) == "1006 emoji_only"
    await mina.say("🎉 👨‍👩‍👧‍👦❤️")
    await yuna.call("settings", emoji_only=False, links=False)
    assert await refused(mina, "see evil.com/x") == "1008 links_off"
    await yuna.say("our page: https://example.org")
    await yuna.call("settings", links=True, unique=True)
    await sub.say("ㅋㅋㅋㅋ")
    chat.wait(5)
    assert await refused(mina, "ㅋㅋㅋㅋㅋㅋ") == "1007 unique:25"


async def test_the_same_text_twice(chat: Chat) -> None:
    mina = await chat.client("mina")
    await mina.say("hello")
    assert await refused(mina, "HELLO !") == "1012 duplicate:30"
    chat.clock.advance(30)
    await mina.say("hello")


@pytest.mark.parametrize(
    ("frozen", "silent"),
    [("guests", {GUEST}), ("viewers", {GUEST, VIEWER}), ("all", {GUEST, VIEWER, ChannelRole.VIP})],
)
async def test_freezing_by_group(chat: Chat, frozen: str, silent: set[ChannelRole]) -> None:
    yuna = await chat.client("yuna", MANAGER)
    await yuna.call("settings", frozen=frozen)
    for role in (GUEST, VIEWER, ChannelRole.SUBSCRIBER, ChannelRole.VIP, MANAGER):
        client = await chat.client(f"someone{role.rank}", role)
        if role in silent or (frozen == "all" and role is ChannelRole.SUBSCRIBER):
            assert await refused(client) == "1009 frozen"
        else:
            await client.say(f"hello from {role.value}")


async def test_guests_may_be_refused(chat: Chat) -> None:
    mina, yuna = await chat.client("mina", GUEST), await chat.client("yuna", OWNER)
    await yuna.call("settings", guests=False)
    assert await refused(mina) == "1015 guests_off"


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\u3164", "\u2800 \u200d"])
async def test_nothing_to_see_is_no_message(chat: Chat, text: str) -> None:
    mina = await chat.client("mina")
    assert await refused(mina, text) == "400 invalid:text"


async def test_length_is_counted_in_letters_of_the_eye(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", OWNER)
    await mina.say("👨‍👩‍👧‍👦" * 100)
    assert await refused(mina, "가" * 501) == "1011 too_long:500"
    await yuna.call("settings", letters=5)
    assert await refused(mina, "여섯글자예요") == "1011 too_long:5"


async def test_edits_are_the_authors_for_a_while(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", OWNER)
    sent = await mina.say("helo")
    await mina.call("edit", id=sent["id"], text="hello")
    assert yuna.view.visible()[0][2] == "hello"
    with pytest.raises(ReplyError, match="not_found"):
        await yuna.call("edit", id=sent["id"], text="forged")
    chat.wait(301)
    with pytest.raises(ReplyError, match="too_old"):
        await mina.call("edit", id=sent["id"], text="late")


@pytest.mark.parametrize(
    ("settings", "text", "refusal"),
    [
        ({"emoji_only": True}, "words", "1006 emoji_only"),
        ({"links": False}, "naver . com", "1008 links_off"),
        ({"subscribers_only": True}, "words", "1005 subscribers_only"),
        ({"followers_min": 0}, "words", "1004 followers_only:-1"),
        ({"hold": "all"}, "words", "409 conflict:held"),
        ({"unique": True}, "Said by yuna!", "1007 unique:30"),
        ({"letters": 12}, "thirteen words", "1011 too_long:12"),
        ({"frozen": "all"}, "words", "1009 frozen"),
    ],
)
async def test_an_edit_is_no_way_around_a_rooms_modes(
    chat: Chat, settings: dict[str, object], text: str, refusal: str
) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", OWNER)
    sent = await mina.say("🎉")
    await yuna.call("settings", **settings)
    await yuna.say("said by yuna")
    with pytest.raises(ReplyError) as fault:
        await mina.call("edit", id=sent["id"], text=text)
    assert f"{fault.value.number} {fault.value.message}" == refusal
    assert mina.view.messages[sent["id"]]["text"] == "🎉"


async def test_nobody_sees_what_a_shadowed_one_makes_of_an_old_message(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", OWNER)
    sent = await mina.say("hello")
    await yuna.call("shadow", user=mina.user)
    with pytest.raises(ReplyError, match="too_old"):
        await mina.call("edit", id=sent["id"], text="vile")
    assert yuna.view.messages[sent["id"]]["text"] == "hello"


async def test_a_banned_address_edits_nothing(chat: Chat) -> None:
    yuna, mina = await chat.client("yuna", OWNER), await chat.client("mina", peer="203.0.113.7")
    second = await chat.client("second", peer="203.0.113.7")
    sent = await second.say("hello")
    await yuna.call("ban", user=mina.user, ip=True)
    with pytest.raises(ReplyError, match="banned"):
        await second.call("edit", id=sent["id"], text="vile")


@pytest.mark.parametrize(
    "nick", ["ᴀᴅᴍɪɴ", "\u3164관리자", "AdmIn", "rnadang", "\u2800", "\u3164", "mina\ufe0f", "Mlna"]
)
async def test_nobody_passes_for_another(chat: Chat, nick: str) -> None:
    await chat.client("mina")
    guest = await chat.client("guest", GUEST, nick=nick)
    assert guest.snapshot["you"]["name"].startswith("guest-")
    with pytest.raises(ReplyError, match="name_"):
        await guest.call("nick", nick=nick)


async def test_nobody_acts_in_a_room_that_they_are_not_in(chat: Chat) -> None:
    owner, mina = await chat.client("owner", OWNER), await chat.client("mina")
    sent = await mina.say("hello")
    chat.people.roles["mina-id", "01inn"] = chat.people.roles["owner-id", chat.channel]
    chat.channel = "01inn"
    here = await Client(chat, mina.user, "").join()
    with pytest.raises(ReplyError, match="not_found"):
        await here.call("delete", id=sent["id"])
    with pytest.raises(ReplyError, match="not_found"):
        await here.call("pin", id=sent["id"])
    with pytest.raises(ReplyError, match="permission denied"):
        await owner.call("clear")
    chat.channel = "01nowhere"
    with pytest.raises(ReplyError, match="permission denied"):
        await Client(chat, mina.user, "").join()

"""Commands: what is typed is what the methods do, with the same rights; help says what may be typed."""

import pytest
from tests.harness.chatroom import Chat

from madang.base.roles import ChannelRole
from madang.chat.commands import duration
from madang.chat.help import COMMANDS
from madang.realtime.ports import ReplyError

MANAGER, BROADCASTER = ChannelRole.MANAGER, ChannelRole.BROADCASTER


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("10m", 600),
        ("2h", 7200),
        ("7d", 604_800),
        ("1w", 604_800),
        ("x", None),
        ("-1", None),
        ("", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("typed", "changed"),
    [
        ("/slow 10", {"slow_s": 10}),
        ("/slow", {"slow_s": 30}),
        ("/slowoff", {"slow_s": 0}),
        ("/followers 10m", {"followers_min": 10}),
        ("/followersoff", {"followers_min": None}),
        ("/subonly", {"subscribers_only": True}),
        ("/subscribers", {"subscribers_only": True}),
        ("/emoteonly", {"emoji_only": True}),
        ("/uniquechat", {"unique": True}),
        ("/links off", {"links": False}),
        ("/freeze", {"frozen": "all"}),
        ("/freeze guests", {"frozen": "guests"}),
        ("/unfreeze", {"frozen": ""}),
        ("/hold newcomers", {"hold": "newcomers"}),
        ("/preset raid", {"preset": "raid"}),
    ],
)
async def test_settings(chat: Chat, typed: str, changed: dict[str, object]) -> None:
    yuna = await chat.client("yuna", MANAGER)
    assert (await yuna.say(typed))["state"] == "command"
    room = await chat.room()
    for name, value in changed.items():
        assert getattr(room.settings, name) == value
    assert yuna.view.visible() == []


@pytest.mark.parametrize(
    "typed", ["/slow x", "/slow 999", "/links maybe", "/freeze martians", "/preset none"]
)
async def test_mistakes_are_told(chat: Chat, typed: str) -> None:
    yuna = await chat.client("yuna", MANAGER)
    with pytest.raises(ReplyError, match="invalid"):
        await yuna.say(typed)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        *(
            (f"/{name}", "invalid:user")
            for name in ("ban", "unban", "timeout", "ipban", "shadow", "unshadow")
        ),
        *((f"/{name}", "invalid:user") for name in ("mod", "unmod", "vip", "unvip", "sub", "unsub", "user")),
        *((f"/{name} nobody", "not_found") for name in ("ban", "timeout", "shadow", "ipban", "mod", "user")),
        *(
            (f"/{name} nobody", "not_found")
            for name in ("unban", "unshadow", "delete", "pin", "unpin", "sub")
        ),
        *((f"/timeout mina {length}", "invalid:duration_s") for length in ("0", "15d", "9999999")),
        *((f"/sub mina {length}", "invalid:duration_s") for length in ("0d", "never", "3 months")),
        ("/sub mina 9999999w", "invalid:until"),
        *((f"/color {color}", "invalid:color") for color in ("", "x", "16", "²", "-1", "1.5")),
        *((f"/{name}", "invalid:text") for name in ("me", "announce", "announceblue")),
        *((f"/followers {length}", "invalid:followers_min") for length in ("x", "1000w", "9999999w")),
        *((f"/slow {length}", "invalid:slow_s") for length in ("301", "1h", "-5")),
        ("/hold", "invalid:hold"),
        ("/hold up", "invalid:hold"),
        ("/links", "invalid:links"),
        ("/preset", "invalid:user"),
        ("/nick 미나", "forbidden"),
        ("/pin", "not_found"),
        ("/unpin", "not_found"),
    ],
)
async def test_every_wrong_argument_has_its_refusal(chat: Chat, typed: str, word: str) -> None:
    yuna, mina = await chat.client("yuna", BROADCASTER), await chat.client("mina")
    with pytest.raises(ReplyError) as refusal:
        await yuna.say(typed)
    assert refusal.value.message == word
    room = await chat.room()
    assert not room.bans and room.settings.preset == "normal" and mina.view.visible() == []


async def test_a_name_may_have_spaces(chat: Chat) -> None:
    yuna = await chat.client("yuna", BROADCASTER)
    mina = await chat.client("mina", ChannelRole.GUEST)
    kim = await chat.client("kim", ChannelRole.GUEST, nick="mina kim")
    await yuna.say("/timeout mina kim 5m too loud")
    with pytest.raises(ReplyError, match="timed_out:300"):
        await kim.say("x")
    await mina.say("still here")
    await yuna.say("/ban mina kimchi is no excuse")
    with pytest.raises(ReplyError, match="banned"):
        await mina.say("x")


async def test_people(chat: Chat) -> None:
    yuna, mina = await chat.client("yuna", BROADCASTER), await chat.client("mina")
    await yuna.say("/timeout mina 5m too loud")
    with pytest.raises(ReplyError, match="timed_out:300"):
        await mina.say("x")
    await yuna.say("/untimeout @mina")
    await yuna.say("/timeout mina being rude")
    with pytest.raises(ReplyError, match="timed_out:600"):
        await mina.say("x")
    await yuna.say("/ban mina")
    with pytest.raises(ReplyError, match="banned"):
        await mina.say("x")
    await yuna.say("/unban mina")
    await yuna.say("/mod mina")
    assert chat.people.roles["mina-id", chat.channel].role is MANAGER
    assert (await mina.say("/mods"))["text"] == "mina"
    await yuna.say("/unmod mina")
    await yuna.say("/vip mina")
    await yuna.say("/sub mina 7d")
    standing = chat.people.roles["mina-id", chat.channel]
    assert standing.until == chat.clock.wall() + 604_800
    for typed in ("/ban", "/ban nobody-here", "/timeout"):
        with pytest.raises(ReplyError):
            await yuna.say(typed)


async def test_messages(chat: Chat) -> None:
    yuna = await chat.client("yuna", MANAGER)
    await yuna.say("/me waves")
    assert list(yuna.view.messages.values())[-1]["kind"] == "action"
    await yuna.say("//not a command")
    assert yuna.view.visible()[-1][2] == "/not a command"
    await yuna.say("/announceblue hello all")
    last = list(yuna.view.messages.values())[-1]
    assert (last["kind"], last["color"]) == ("announcement", "blue")
    await yuna.say("/pin")
    assert yuna.view.state["pins"][0]["id"] == last["id"]
    await yuna.say("/unpin")
    await yuna.say(f"/delete {last['id']}")
    await yuna.say("/clear")
    assert yuna.view.visible() == [] and yuna.view.state["pins"] == []


async def test_viewers_may_little(chat: Chat) -> None:
    mina, guest = await chat.client("mina"), await chat.client("guest9", ChannelRole.GUEST)
    await chat.client("yuna", MANAGER)
    for typed in (
        "/ban yuna",
        "/clear",
        "/slow 3",
        "/mod mina",
        "/announce hi",
        "/shadow yuna",
        "/ipban yuna",
    ):
        with pytest.raises(ReplyError, match="forbidden"):
            await mina.say(typed)
    assert (await mina.say("/nonsense"))["word"] == "unknown_command"
    assert (await guest.say("/nick 새이름"))["text"] == "새이름"
    with pytest.raises(ReplyError, match="forbidden"):
        await mina.say("/nick other")
    await mina.say("/color 3")
    await mina.say("hello")
    assert list(guest.view.messages.values())[-1]["user"]["color"] == 3


async def test_help_is_what_one_may_type(chat: Chat) -> None:
    yuna, mina = await chat.client("yuna", BROADCASTER), await chat.client("mina")
    every = (await yuna.call("commands"))["commands"]
    assert [one["name"] for one in every] == [command.name for command in COMMANDS]
    few = {one["name"] for one in (await mina.call("commands"))["commands"]}
    assert few == {"me", "color", "nick", "mods", "vips", "help"}
    (told,) = (await yuna.say("/help timeout"))["data"]
    assert told["usage"].startswith("/timeout") and told["help"]["ko"] and told["help"]["en"]


async def test_every_command_runs_or_sets(chat: Chat) -> None:
    from madang.chat.commands import _change

    runs = chat.handler.commands._runs
    for command in COMMANDS:
        assert command.name in runs or _change(command.name, "10")

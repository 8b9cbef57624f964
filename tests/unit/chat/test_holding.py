"""What waits for approval: seen by its author and the moderators, shown with its own time at a new place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.harness.chatroom import Chat, chatroom

from madang.base.roles import ChannelRole
from madang.chat.filter.verdict import Action, Hit, Verdict
from madang.realtime.ports import ReplyError


class Words:
    """A filter of four words."""

    def judge(self, channel: str, text: str) -> Verdict:
        for word, action in (
            ("maskme", Action.MASK),
            ("holdme", Action.HOLD),
            ("refuseme", Action.REFUSE),
            ("banme", Action.TIMEOUT),
        ):
            at = text.find(word)
            if at >= 0:
                shown = text.replace(word, "*" * len(word)) if action is Action.MASK else text
                hits = (Hit(at, at + len(word), word, "test", action),)
                return Verdict(action, shown, hits, 30 if action is Action.TIMEOUT else 0)
        return Verdict(text=text)


@pytest.fixture
async def chat(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Chat]:
    async with chatroom(tmp_path, clock, Words()) as made:
        yield made


async def test_the_filters_four_answers(chat: Chat) -> None:
    mina = await chat.client("mina")
    await mina.say("maskme please")
    assert mina.view.visible()[0][2] == "****** please"
    assert (await mina.say("holdme"))["state"] == "held"
    with pytest.raises(ReplyError, match="filtered"):
        await mina.say("refuseme")
    with pytest.raises(ReplyError, match="filtered:30"):
        await mina.say("banme")
    with pytest.raises(ReplyError, match="timed_out:30"):
        await mina.say("hello")


async def test_what_was_masked_is_not_said_again_at_once(chat: Chat) -> None:
    mina = await chat.client("mina")
    await mina.say("maskme please")
    with pytest.raises(ReplyError, match="duplicate:30"):
        await mina.say("maskme PLEASE")


async def test_moderators_words_are_their_own(chat: Chat) -> None:
    yuna = await chat.client("yuna", ChannelRole.MANAGER)
    await yuna.say("refuseme")
    assert yuna.view.visible()[0][2] == "refuseme"


async def test_nicknames_and_edits_are_judged_too(chat: Chat) -> None:
    mina = await chat.client("mina", ChannelRole.GUEST)
    with pytest.raises(ReplyError, match="name_invalid"):
        await mina.call("nick", nick="refuseme")
    sent = await mina.say("hello")
    for text in ("refuseme", "holdme"):
        with pytest.raises(ReplyError, match="filtered"):
            await mina.call("edit", id=sent["id"], text=text)


@pytest.mark.parametrize("approve", [True, False])
async def test_held_and_resolved_once(chat: Chat, approve: bool) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", ChannelRole.MANAGER)
    sora = await chat.client("sora")
    held = await mina.say("holdme", nonce="n")
    assert sora.view.visible() == []
    assert chat.crowd.told(mina.user)[-1]["message"]["held"] is True
    (told,) = chat.crowd.stream(f"madang_mod:{chat.channel}").items
    assert b'"reason":"filter"' in told.data and b'"term":"holdme"' in told.data
    chat.clock.advance(60)
    await yuna.say("between")
    with pytest.raises(ReplyError, match="forbidden"):
        await sora.call("approve", id=held["id"])
    await yuna.call("approve" if approve else "deny", id=held["id"])
    with pytest.raises(ReplyError, match="not_found"):
        await yuna.call("approve", id=held["id"])
    assert chat.crowd.told(mina.user)[-1]["state"] == ("approved" if approve else "denied")
    texts = [text for _, _, text in sora.view.visible()]
    assert texts == (["between", "holdme"] if approve else ["between"])
    if approve:
        assert sora.view.messages[held["id"]]["at"] == held["at"]
        assert (await mina.say("holdme", nonce="n"))["seq"] == 2


async def test_newcomers_wait_once(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", ChannelRole.MANAGER)
    await yuna.call("settings", hold="newcomers")
    held = await mina.say("my first words")
    assert held["state"] == "held"
    await yuna.call("approve", id=held["id"])
    mina.drop()
    chat.rooms._rooms.clear()
    again = await chat.client("mina")
    assert (await again.say("my second words"))["state"] == "sent"


async def test_hold_all_and_none(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", ChannelRole.MANAGER)
    await yuna.call("settings", hold="all")
    assert (await mina.say("hello"))["state"] == "held"
    await yuna.call("settings", hold="none")
    assert (await mina.say("holdme"))["state"] == "sent"


async def test_who_is_banned_has_nothing_waiting(chat: Chat) -> None:
    mina, yuna = await chat.client("mina"), await chat.client("yuna", ChannelRole.MANAGER)
    held = await mina.say("holdme")
    await yuna.call("ban", user=mina.user)
    with pytest.raises(ReplyError, match="not_found"):
        await yuna.call("approve", id=held["id"])
    assert (await chat.desk.held(chat.channel, None, 10)).items == []


async def test_the_queue_survives_a_restart(chat: Chat) -> None:
    mina = await chat.client("mina")
    await mina.say("holdme")
    chat.rooms._rooms.clear()
    assert (await chat.room()).held == 1
    (waiting,) = (await chat.desk.held(chat.channel, None, 10)).items
    assert waiting.message.text == "holdme"

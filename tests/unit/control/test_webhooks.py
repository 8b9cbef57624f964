"""Signed events out: in order, again until they are taken, from any moment, and to nobody else."""

import asyncio
import hashlib
import hmac
from typing import Any

import msgspec
import pytest
from tests.harness.household import Household

from madang.base.events import Event
from madang.control.errors import Conflict, Invalid, NotFound
from madang.control.records import Channel, Webhook, WebhookCursor
from madang.control.rights import Actor
from madang.control.webhooks import BACKOFF_S_MAX, CLAIM_S, GIVE_UP_S, Webhooks, sign
from madang.net.outbound import Call, OutboundError, Reply
from madang.store.rows import TableRows

URL = "https://hooks.example.org/madang"


class Receiver:
    """Takes requests, or does not."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.status = 200
        self.away = False

    async def fetch(self, call: Call) -> Reply:
        if self.away:
            raise OutboundError("unreachable", "nobody there")
        self.calls.append(call)
        return Reply(self.status, {}, b"", call.url)

    def events(self) -> list[dict[str, Any]]:
        return [event for call in self.calls for event in msgspec.json.decode(call.body)["events"]]

    def ids(self) -> list[str]:
        return [event["id"] for event in self.events()]


@pytest.fixture
async def yard(house: Household, admin: Actor) -> Channel:
    return await house.channel("yard", admin)


@pytest.fixture
def receiver(house: Household) -> Receiver:
    made = Receiver()
    house.control.webhooks.fetch = made.fetch
    return made


async def happen(house: Household, yard: Channel, *names: str, kind: str = "stream.began") -> None:
    for name in names:
        house.clock.advance(1)
        event = Event(id=name, kind=kind, room=yard.id, at=house.clock.wall(), data={"n": name})
        async with house.store.write() as work:
            await work.outbox.put(event)


async def turn(hooks: Webhooks) -> list[WebhookCursor]:
    return [await hooks.deliver(hook, cursor) for hook, cursor in await hooks.due()]


async def test_events_arrive_in_order_and_once(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    await happen(house, yard, "before")
    made = await hooks.create(admin, yard, URL, ["stream.*"])
    await happen(house, yard, "a", "b")
    await happen(house, yard, "x", kind="chat.ban")
    await happen(house, yard, "c")
    await turn(hooks)
    await turn(hooks)
    assert receiver.ids() == ["a", "b", "c"]
    (call,) = receiver.calls
    stamp = call.headers["x-madang-signature"]
    at = int(stamp.partition(",")[0].removeprefix("t="))
    expected = hmac.new(made.secret.encode(), f"{at}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert stamp == f"t={at},v1={expected}" == sign(made.secret.encode(), call.body, at)
    assert call.headers["x-madang-delivery"] == "c" and not call.follow


async def test_what_is_not_taken_comes_again_and_nothing_overtakes_it(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    await hooks.create(admin, yard, URL, ["*"])
    receiver.away = True
    await happen(house, yard, "a")
    waits = []
    for _ in range(7):
        (cursor,) = await turn(hooks)
        waits.append(cursor.next_at - house.clock.wall())
        assert await turn(hooks) == []
        await happen(house, yard, f"later{len(waits)}")
        house.clock.advance(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 64]
    receiver.away = False
    await turn(hooks)
    assert receiver.ids() == ["a", *(f"later{n}" for n in range(1, 8))]
    ((_, cursor),) = await hooks.of_channel(yard)
    assert (cursor.delivered, cursor.attempts, cursor.last_error) == (8, 0, "")


async def test_of_several_servers_one_tells_a_batch(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks, others = house.control.webhooks, Webhooks(house.control._clerk)
    others.fetch = receiver.fetch
    hooks.shared = others.shared = True
    made = await hooks.create(admin, yard, URL, ["*"])
    await happen(house, yard, "a", "b")
    due = [(one, await one.due()) for one in (hooks, others)]
    await asyncio.gather(*(one.deliver(*found[0]) for one, found in due))
    assert receiver.ids() == ["a", "b"]
    await happen(house, yard, "c")
    ((_, cursor),) = await others.due()
    assert await others._claim(cursor)  # and dies over it
    assert await turn(hooks) == []
    house.clock.advance(CLAIM_S)
    await turn(hooks)
    assert receiver.ids() == ["a", "b", "c"]
    async with house.store.write() as work:
        await work.webhook_cursors.delete(webhook=made.webhook.id)
    ((_, cursor),) = await hooks.due()
    assert await hooks._claim(cursor) and not await others._claim(cursor)


async def test_an_answer_that_is_not_well_is_no_answer(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    await hooks.create(admin, yard, URL, ["*"])
    receiver.status = 500
    await happen(house, yard, "a")
    (cursor,) = await turn(hooks)
    assert (cursor.last_status, cursor.last_error, cursor.outbox_seq) == (500, "answered 500", 0)


async def test_a_webhook_of_a_secret_that_is_lost_says_so(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    made = await house.control.webhooks.create(admin, yard, URL, ["*"])
    lost = msgspec.structs.replace(made.webhook, sealed=b"0" * 40)
    async with house.store.write() as work:
        await work.webhooks.put(lost)
    await happen(house, yard, "a")
    (cursor,) = await turn(house.control.webhooks)
    assert "make it anew" in cursor.last_error and receiver.calls == []


async def test_after_three_days_it_is_switched_off_and_goes_on_where_it_was(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    made = await hooks.create(admin, yard, URL, ["*"])
    receiver.away = True
    await happen(house, yard, "a")
    began = house.clock.wall()
    while found := await turn(hooks):
        house.clock.advance(max(0.0, found[0].next_at - house.clock.wall()))
    assert (await hooks.find(yard, made.webhook.id)).enabled is False
    assert GIVE_UP_S < house.clock.wall() - began < GIVE_UP_S + 2 * BACKOFF_S_MAX
    assert await hooks.due() == []
    receiver.away = False
    await hooks.change(admin, await hooks.find(yard, made.webhook.id), enabled=True)
    await turn(hooks)
    assert receiver.ids() == ["a"]


async def test_replay_tells_the_same_again(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    made = await hooks.create(admin, yard, URL, ["*"])
    await happen(house, yard, "a", "b", "c")
    await turn(hooks)
    await hooks.replay(admin, made.webhook, house.clock.wall() - 1.5)
    await turn(hooks)
    assert receiver.ids() == ["a", "b", "c", "b", "c"]


async def test_one_failure_after_quiet_days_switches_nothing_off(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    made = await hooks.create(admin, yard, URL, ["*"])
    await happen(house, yard, "a")
    await turn(hooks)
    house.clock.advance(2 * GIVE_UP_S)
    receiver.away = True
    await happen(house, yard, "b")
    await turn(hooks)
    assert (await hooks.find(yard, made.webhook.id)).enabled


async def test_a_replay_while_a_batch_is_told_is_not_lost(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    made = await hooks.create(admin, yard, URL, ["*"])
    await happen(house, yard, "a", "b")
    await turn(hooks)
    await happen(house, yard, "c")

    async def meanwhile(call: Call) -> Reply:
        hooks.fetch = receiver.fetch
        await hooks.replay(admin, made.webhook, 0.0)
        return await receiver.fetch(call)

    hooks.fetch = meanwhile
    await turn(hooks)
    await turn(hooks)
    assert receiver.ids() == ["a", "b", "c", "a", "b", "c"]


async def test_an_address_that_is_mended_while_the_old_one_fails_is_used_at_once(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    """The old one's last failure neither delays the new one nor takes its place."""
    hooks = house.control.webhooks
    made = await hooks.create(admin, yard, "https://old.example.org/", ["*"])
    await happen(house, yard, "a")
    receiver.away = True
    elapsed = 0.0
    while elapsed < GIVE_UP_S:
        (cursor,) = await turn(hooks)
        house.clock.advance(cursor.next_at - house.clock.wall())
        elapsed += BACKOFF_S_MAX

    async def meanwhile(call: Call) -> Reply:
        await hooks.change(admin, made.webhook, url=URL)
        raise OutboundError("unreachable", "nobody there")

    hooks.fetch = meanwhile
    await turn(hooks)
    hook = await hooks.find(yard, made.webhook.id)
    assert (hook.url, hook.enabled) == (URL, True)
    hooks.fetch, receiver.away = receiver.fetch, False
    await turn(hooks)
    assert [call.url for call in receiver.calls] == [URL]


async def test_a_batch_whose_telling_ends_while_one_looks_is_not_told_again(
    house: Household,
    admin: Actor,
    yard: Channel,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooks = house.control.webhooks
    made = await hooks.create(admin, yard, URL, ["*"])
    await happen(house, yard, "a")
    ((hook, cursor),) = await hooks.due()
    hooks._busy.add(hook.id)
    find = TableRows.find

    async def while_it_ends(rows: TableRows[Any], **equals: Any) -> list[Any]:
        found = await find(rows, **equals)
        if equals == {"enabled": True}:
            monkeypatch.undo()
            await hooks._deliver(hook, cursor)
        return found

    monkeypatch.setattr(TableRows, "find", while_it_ends)
    for late, place in await hooks.due():
        await hooks.deliver(late, place)
    assert receiver.ids() == ["a"]
    assert [one.id for one, _ in await hooks.due()] == [made.webhook.id]


async def test_whatever_clocks_say_no_event_is_passed_over(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("madang.control.webhooks.WEBHOOK_BATCH", 2)
    hooks = house.control.webhooks
    await hooks.create(admin, yard, URL, ["*"])
    for name, at in (("a", 5.0), ("b", 9.0), ("c", 1.0), ("d", 2.0), ("e", 3.0)):
        async with house.store.write() as work:
            await work.outbox.put(Event(id=name, kind="stream.began", room=yard.id, at=at, data={}))
    for _ in range(4):
        await turn(hooks)
    assert receiver.ids() == ["a", "b", "c", "d", "e"]


async def test_messages_are_a_cursor_over_the_log(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    from madang.chat.rows import put_message
    from madang.chat.words import Author, Message
    from madang.store.chatlog import ChatLog

    hooks, log = house.control.webhooks, ChatLog(house.store)
    await hooks.create(admin, yard, URL, ["chat.message", "stream.*"])
    author = Author(id="madang.g.x", name="미나", role="guest")
    for seq in (1, 2):
        house.clock.advance(1)
        at = int(house.clock.wall() * 1000)
        message = Message(id=f"m{seq}", seq=seq, at=at, kind="message", user=author, text=f"word {seq}")
        log.commit([put_message(yard.id, message, "")], lambda fault: None)
        await happen(house, yard, f"e{seq}")
    await log.close()
    async with house.store.write() as work:
        from sqlalchemy import update

        from madang.store.crowd_schema import chat_messages

        gone = update(chat_messages).where(chat_messages.c.id == "m2").values(deleted_at=1)
        await work._connection.execute(gone)  # type: ignore[attr-defined]
    await turn(hooks)
    assert receiver.ids() == ["m1", "e1", "m2", "e2"]
    first, _, second, _ = receiver.events()
    assert first["data"]["text"] == "word 1" and first["data"]["user"]["name"] == "미나"
    assert second["data"] == {"id": "m2", "seq": 2, "kind": "message", "deleted": True}


async def test_another_channels_events_are_not_told(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    inn = await house.channel("inn", admin)
    made = await hooks.create(admin, yard, URL, ["*"])
    await happen(house, inn, "a")
    await turn(hooks)
    assert receiver.calls == []
    with pytest.raises(NotFound):
        await hooks.find(inn, made.webhook.id)


@pytest.mark.parametrize("url", ["ftp://x.org/", "https://user:pw@x.org/", "http://", "//x.org", "x" * 3000])
async def test_addresses_that_cannot_be(house: Household, admin: Actor, yard: Channel, url: str) -> None:
    with pytest.raises(Invalid, match="bad_url"):
        await house.control.webhooks.create(admin, yard, url, ["*"])


async def test_kinds_that_are_not_and_too_many(house: Household, admin: Actor, yard: Channel) -> None:
    hooks = house.control.webhooks
    with pytest.raises(Invalid, match="no_such_kind"):
        await hooks.create(admin, yard, URL, ["nonsense.*"])
    for _ in range(20):
        await hooks.create(admin, yard, URL, ["*"])
    with pytest.raises(Conflict, match="too_many_webhooks"):
        await hooks.create(admin, yard, URL, ["*"])


async def test_the_secret_is_kept_sealed(house: Household, admin: Actor, yard: Channel) -> None:
    made = await house.control.webhooks.create(admin, yard, URL, ["*"])
    ((hook, _),) = await house.control.webhooks.of_channel(yard)
    assert isinstance(hook, Webhook) and made.secret.encode() not in hook.sealed


async def test_a_test_says_what_was_answered(
    house: Household, admin: Actor, yard: Channel, receiver: Receiver
) -> None:
    hooks = house.control.webhooks
    made = await hooks.create(admin, yard, URL, ["*"])
    assert await hooks.test(made.webhook) == (200, "")
    receiver.away = True
    assert await hooks.test(made.webhook) == (0, "unreachable")
    assert receiver.events()[0]["kind"] == "webhook.test"


async def test_a_broadcast_is_told(house: Household, admin: Actor, yard: Channel, receiver: Receiver) -> None:
    hooks = house.control.webhooks
    await hooks.create(admin, yard, URL, ["stream.*"])
    key = await house.control.keys.create(admin, yard, "test")
    await house.publish(key.value)
    await house.control.book.flush()
    await turn(hooks)
    (event,) = receiver.events()
    assert event["kind"] == "stream.began" and event["data"]["broadcast"]

"""What other rooms and other nodes ask of the crowd: publish, disconnect, subscribe, refresh, block."""

import asyncio
import json
from typing import Any

import jwt
import msgspec
import pytest
from tests.unit.realtime.conftest import OPEN, OWN, Yard

from madang.realtime import nodes
from madang.realtime.broker import Stretch
from madang.realtime.channel import BUILT_IN_PREFIX, is_built_in, is_private, limited_users, namespace_of
from madang.realtime.gate import Caller, ServerSubscription
from madang.realtime.limiter import Buckets
from madang.realtime.memory import MemoryBroker
from madang.realtime.ports import Crowd, Refreshed, ReplyError, Target
from madang.realtime.publication import Position, PublishOptions


def crowd(yard: Yard) -> Crowd:
    """The engine is what the port says."""
    return yard.engine


async def test_publishing(yard: Yard) -> None:
    guest = await yard.member("open:1")
    once = PublishOptions(idempotency_key="k")
    first = await crowd(yard).publish("open:1", b"1", once)
    again = await crowd(yard).publish("open:1", b"1", once)
    assert (first.offset, again.offset, again.suppressed) == (1, 1, True)
    assert await guest.publications() == [1]
    with pytest.raises(ReplyError) as caught:
        await crowd(yard).publish("nowhere:1", b"1")
    assert caught.value.number == 102
    with pytest.raises(ReplyError) as caught:
        await crowd(yard).publish("open:1", b"1", PublishOptions(tags={"k": "v" * 5000}))
    assert caught.value.number == 107


async def test_broadcasting(yard: Yard) -> None:
    guest = await yard.member("open:2")
    found = await crowd(yard).broadcast(["open:1", "nowhere:1", "open:2"], b"1")
    assert [getattr(each, "number", 0) for each in found] == [0, 102, 0]
    assert await guest.publications() == [1]


async def test_our_own_users_have_a_channel_of_their_own(yard: Yard) -> None:
    token = jwt.encode({"sub": "madang.g.1", "iss": "madang"}, OWN, "HS256", headers={"kid": "madang"})
    guest = yard.visitor()
    reply = await guest.connect(token=token)
    assert list(reply["connect"]["subs"]) == ["madang_user:#madang.g.1"]
    await crowd(yard).publish_to_user("madang.g.1", b'{"only":"you"}')
    assert await guest.publications() == [{"only": "you"}]
    other = await yard.guest("ann")
    assert (await other.subscribe("madang_user:#madang.g.1"))["error"]["code"] == 103
    assert (await other.ask(publish={"channel": "madang_user:#madang.g.1", "data": 1}))["error"][
        "code"
    ] == 103


async def test_disconnecting_a_user_spares_whom_it_should(yard: Yard) -> None:
    first, second, other = await yard.guest("ann"), await yard.guest("ann"), await yard.guest("bob")
    spared = second.session.caller.client
    await crowd(yard).disconnect(Target(user="ann", spare=(spared,)), 4501, "out")
    assert [visitor.ended for visitor in (first, second, other)] == [4501, 0, 0]
    await crowd(yard).disconnect(Target(user="ann", client=spared))
    assert second.ended == 3503


async def test_unsubscribing_a_user(yard: Yard) -> None:
    guest = await yard.member("open:1", "ann")
    guest.heard()
    await crowd(yard).unsubscribe(Target(user="ann"), "open:1")
    assert guest.pushes() == [
        {"channel": "open:1", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
    ]
    assert crowd(yard).subscribers("open:1") == 0


async def test_subscribing_a_user(yard: Yard) -> None:
    guest = await yard.guest("ann")
    await yard.publish("open:1", 1)
    await crowd(yard).subscribe(Target(user="ann"), "open:1", ServerSubscription(data=b'{"hi":1}'))
    (push,) = guest.pushes()
    assert push["channel"] == "open:1" and push["subscribe"]["data"] == {"hi": 1}
    await yard.publish("open:1", 2)
    assert await guest.publications() == [2]


@pytest.mark.parametrize("how", ["goes", "subscribes"])
async def test_subscribing_a_user_of_whose_connections_one_is_faster(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It goes, or subscribes by itself, while the broker is asked: the others are subscribed all the same."""
    first, second = await yard.guest("ann"), await yard.guest("ann")
    history, asked = yard.broker.history, asyncio.Event()

    async def slowly(*question: Any) -> Stretch:
        if not asked.is_set():
            asked.set()
            await yard.settle()
        return await history(*question)

    monkeypatch.setattr(yard.broker, "history", slowly)
    told = ServerSubscription(force_recovery=True)
    subscribing = asyncio.create_task(crowd(yard).subscribe(Target(user="ann"), "open:1", told))
    await asked.wait()
    if how == "goes":
        first.session.close()
    else:
        assert "subscribe" in await first.subscribe("open:1")
    await subscribing
    assert [push["channel"] for push in second.pushes() if "subscribe" in push] == ["open:1"]
    assert first.ended == 0


async def test_refreshing_a_user(yard: Yard) -> None:
    guest = await yard.guest("ann")
    await crowd(yard).refresh(Target(user="ann"), Refreshed(expires_at=yard.clock.wall() + 60, info=b"5"))
    assert guest.pushes() == [{"refresh": {"expires": True, "ttl": 60}}]
    assert guest.session.caller.info == b"5"
    await crowd(yard).refresh(Target(user="ann"), Refreshed(expired=True))
    assert guest.ended == 3005


async def test_blocking_and_revoking(yard: Yard) -> None:
    now = yard.clock.wall()
    guest = await yard.guest("ann")
    await yard.engine.block("ann", now + 60)
    assert guest.ended == 3503
    refused = yard.visitor()
    await refused.connect(token=yard.token("ann"))
    assert refused.ended == 3503
    yard.pass_time(61)
    await yard.guest("ann")
    await yard.engine.revoke_tokens("ann", yard.clock.wall(), yard.clock.wall() + 60)
    old, new = yard.visitor(), yard.visitor()
    await old.connect(token=yard.token("ann", iat=int(yard.clock.wall()) - 5))
    await new.connect(token=yard.token("ann", iat=int(yard.clock.wall()) + 1))
    assert (old.ended, new.ended) == (0, 0) and new.session.is_open
    assert (await old.ask(ping={})) == {} and old.ended == 3501  # nothing more after a failed connect


async def test_a_block_and_older_tokens_are_two_things(yard: Yard) -> None:
    now = yard.clock.wall()
    await yard.engine.block("ann", now + 100)
    await yard.engine.revoke_tokens("ann", now, now + 100)
    refused = yard.visitor()
    await refused.connect(token=yard.token("ann", iat=int(now) + 1))
    assert refused.ended == 3503
    await yard.engine.block("ann", 0)
    await yard.guest("ann", iat=int(now) + 1)
    older = yard.visitor()
    assert (await older.connect(token=yard.token("ann", iat=1)))["error"]["code"] == 109
    yard.pass_time(101)
    await yard.guest("ann", iat=1)


class Doorkeeper:
    """Admits whom it likes, while it likes."""

    def __init__(self) -> None:
        self.liked = {"ann"}

    async def admit(self, caller: Caller, channel: str, data: bytes) -> None:
        if not self.holds(caller, channel):
            raise ReplyError(103, "permission denied")

    def holds(self, caller: Caller, channel: str) -> bool:
        return caller.user in self.liked


class Events:
    def __init__(self) -> None:
        self.told: list[str] = []

    def occupied(self, channel: str) -> None:
        self.told.append("+" + channel)

    def vacated(self, channel: str) -> None:
        self.told.append("-" + channel)


async def test_gates_are_asked_again_and_events_tell_of_rooms(yard: Yard) -> None:
    keeper, events = Doorkeeper(), Events()
    yard.engine.bind("madang_x", OPEN, gate=keeper, events=events)
    ann, bob = await yard.guest("ann"), await yard.guest("bob")
    assert (await bob.subscribe("madang_x:1"))["error"]["code"] == 103
    assert "subscribe" in await ann.subscribe("madang_x:1")
    keeper.liked.clear()
    yard.engine.recheck()
    await yard.settle()
    assert ann.pushes()[-1]["unsubscribe"]["code"] == 2000 and not ann.ended
    assert events.told == ["+madang_x:1", "-madang_x:1"]


async def test_gates_are_asked_again_of_who_is_on_the_way_in(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Doorkeeper()
    yard.engine.bind("madang_x", OPEN, gate=keeper)
    ann, history = await yard.guest("ann"), yard.engine.core.broker.history

    async def while_it_closes(*asked: Any) -> Stretch:
        keeper.liked.clear()
        yard.engine.recheck()
        return await history(*asked)

    monkeypatch.setattr(yard.engine.core.broker, "history", while_it_closes)
    told = await ann.subscribe("madang_x:1", recoverable=True)
    assert told["error"]["code"] == 103 and not ann.session.subscriptions
    assert yard.engine.subscribers("madang_x:1") == 0


async def test_lists(yard: Yard) -> None:
    ann = await yard.member("open:1", "ann")
    await yard.member("plain:1", "bob")
    (found,) = crowd(yard).connections("ann")
    assert found.caller.client == ann.session.caller.client and found.channels == ("open:1",)
    assert len(crowd(yard).connections()) == 2 and len(crowd(yard).connections(channel="plain:1")) == 1
    assert yard.engine.channels() == {"open:1": 1, "plain:1": 1}
    assert yard.engine.channels("pl*") == {"plain:1": 1}
    answers = await yard.engine.survey("info")
    assert json.loads(answers[yard.engine.node]) == {
        "num_clients": 2, "num_users": 2, "num_subs": 2, "num_channels": 2
    }  # fmt: skip


async def test_draining_tells_everybody_to_come_back(yard: Yard) -> None:
    guest = await yard.member("open:1")
    yard.engine.drain()
    assert guest.ended == 3001 and not yard.engine.core.rooms and not yard.engine.core.guests


async def test_presence_is_refreshed_while_somebody_is_there(yard: Yard) -> None:
    await yard.member("open:1", "ann")
    for _ in range(5):
        yard.clock.advance(28)
        yard.sweeper.now += 28
        yard.engine.sweep()
        await yard.settle()
    assert len(await crowd(yard).presence("open:1")) == 1


def test_messages_between_nodes_survive_the_wire() -> None:
    target = Target(user="ann", spare=("x",))
    told: list[Any] = [
        nodes.DisconnectTold(target, 3503, "out"),
        nodes.SubscribeTold(target, "c", ServerSubscription(presence=True), None),
        nodes.BlockTold("ann", 5.0),
        nodes.EmulationTold("s", b"\xff"),
    ]
    assert [nodes.decode(nodes.encode(each)) for each in told] == told
    assert nodes.decode(b"\xff") is None and nodes.decode(msgspec.msgpack.encode({"t": "later"})) is None


async def test_what_other_nodes_say_is_done(yard: Yard) -> None:
    ann, bob = await yard.guest("ann"), await yard.guest("bob")
    say = yard.engine.core.on_node_message
    say("other", nodes.encode(nodes.SubscribeTold(Target(user="bob"), "open:1", ServerSubscription())))
    say("other", nodes.encode(nodes.DisconnectTold(Target(user="ann"), 4500, "out")))
    say("other", b"nonsense")
    await yard.settle()
    assert ann.ended == 4500 and bob.session.channels == ("open:1",)


async def test_a_question_of_another_node_is_answered(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, object]] = []

    async def tell(broker: MemoryBroker, message: bytes, node: str = "") -> bool:
        sent.append((node, nodes.decode(message)))
        return True

    monkeypatch.setattr(MemoryBroker, "tell", tell)
    await yard.member("open:1")
    yard.engine.core.on_node_message("other", nodes.encode(nodes.AskTold(7, "channels", "open:*")))
    await yard.settle()
    assert sent == [("other", nodes.AnswerTold(7, b'{"open:1":1}'))]


async def test_a_gap_of_the_bus_is_found_by_comparing_positions(yard: Yard) -> None:
    guest = await yard.member("open:1", recoverable=True)
    room = yard.engine.core.rooms["open:1"]
    yard.engine.core.on_gap(None)
    await yard.settle()
    assert guest.session.channels
    assert room.top is not None
    room.top = Position(5, room.top.epoch)
    guest.heard()
    yard.engine.core.on_gap(["open:1", "open:2"])
    await yard.settle()
    assert guest.pushes()[0]["unsubscribe"]["code"] == 2500


def test_names_of_channels() -> None:
    assert [namespace_of(name) for name in ("a:b", "$a:b:c", "b", "a:b#1")] == ["a", "a", "", "a"]
    assert is_private("$a:b") and not is_private("a:$b")
    assert limited_users("a:b#1,2") == ("1", "2") and limited_users("a:b") is None
    assert is_built_in(f"{BUILT_IN_PREFIX}chat:1") and not is_built_in("chat:madang_chat")


def test_buckets() -> None:
    buckets = Buckets(2, 3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("b", 0.0) and buckets.take("a", 0.5) and not buckets.take("a", 0.5)
    assert all(Buckets(0).take("a", 0.0) for _ in range(1000))

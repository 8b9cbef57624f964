"""Questions and news between the same rooms of two nodes, and a snapshot that another node made."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.conftest import FakeClock
from tests.unit.realtime.conftest import NAMESPACES, OPEN, Make, Visitor, Yard
from tests.unit.realtime.polls import CHANNEL, batch, bind, settings_with, viewer
from tests.unit.realtime.polls import Backend as Polled

from madang.realtime import neighbours, room
from madang.realtime.broker import BrokerError
from madang.realtime.memory import MemoryBroker
from madang.realtime.poll_items import Value
from madang.realtime.ports import (
    Disconnect,
    Does,
    Joined,
    NobodyListensError,
    PublishReply,
    PublishRequest,
    RefreshReply,
    ReplyError,
    RpcRequest,
    SubscribeReply,
    SubscribeRequest,
)
from madang.realtime.publication import Position, Publication
from madang.realtime.settings import RealtimeSettings


class Bus(MemoryBroker):
    """A broker whose nodes hear each other at once."""

    in_process = False
    nodes: dict[str, Any]
    away = False

    async def start(self, node: str, subscriber: Any) -> None:
        await super().start(node, subscriber)
        self.node = node
        self.nodes[node] = subscriber

    async def tell(self, message: bytes, node: str = "") -> bool:
        if self.away:
            raise BrokerError("away")
        heard = [name for name in self.nodes if name != self.node and node in ("", name)]
        for name in heard:
            self.nodes[name].on_node_message(self.node, message)
        return not node or bool(heard)


@pytest.fixture
async def two(make: Make, settings: RealtimeSettings) -> AsyncIterator[tuple[Yard, Yard]]:
    shared: dict[str, Any] = {}
    made = []
    for name in ("one", "two"):
        yard = make(settings)
        bus = Bus(yard.clock, lambda size: bytes(size))
        bus.nodes = shared
        yard.engine.use(bus, yard.outbound)
        yard.engine.node = yard.engine.core.node = name
        await yard.engine.start()
        made.append(yard)
    yield made[0], made[1]


async def test_a_question_is_answered_or_its_error_comes_back(two: tuple[Yard, Yard]) -> None:
    one, other = (yard.engine.neighbours for yard in two)

    async def answer(sender: str, data: bytes) -> bytes:
        if data == b"no":
            raise ReplyError(1003, "slow_mode:3", temporary=True)
        if data == b"out":
            raise Disconnect(4500, "out")
        if data == b"bug":
            raise KeyError("x")
        return sender.encode() + b" " + data

    other.on_question("chat", answer)
    assert not one.alone
    assert await one.ask("two", "chat", b"hello", 5.0) == b"one hello"
    with pytest.raises(ReplyError, match="slow_mode") as refused:
        await one.ask("two", "chat", b"no", 5.0)
    assert refused.value.number == 1003 and refused.value.temporary
    with pytest.raises(Disconnect, match="out"):
        await one.ask("two", "chat", b"out", 5.0)
    for data, topic in ((b"bug", "chat"), (b"x", "nobody's")):
        with pytest.raises(ReplyError) as failed:
            await one.ask("two", topic, data, 5.0)
        assert failed.value.number == 100


async def test_questions_end(two: tuple[Yard, Yard], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (yard.engine.neighbours for yard in two)

    async def sleep(sender: str, data: bytes) -> bytes:
        await asyncio.sleep(3600)
        return b""

    other.on_question("chat", sleep)
    with pytest.raises(NobodyListensError):
        await one.ask("three", "chat", b"", 5.0)
    with pytest.raises(ReplyError) as late:
        await one.ask("two", "chat", b"", 0.01)
    assert late.value.number == 100
    monkeypatch.setattr(neighbours, "NODE_QUESTIONS", 1)
    first = asyncio.ensure_future(one.ask("two", "chat", b"", 0.05))
    await two[0].settle()
    with pytest.raises(ReplyError):
        await one.ask("two", "chat", b"", 5.0)
    with pytest.raises(ReplyError):
        await first
    monkeypatch.setattr(Bus, "away", True)
    for work in (one.ask("two", "chat", b"", 5.0), one.say("chat", b"")):
        with pytest.raises(ReplyError):
            await work


async def test_news_reach_the_others(two: tuple[Yard, Yard]) -> None:
    one, other = (yard.engine.neighbours for yard in two)
    heard: list[tuple[str, bytes]] = []
    other.on_news("chat", lambda sender, data: heard.append((sender, data)))
    await one.say("chat", b"hi")
    await one.say("else", b"nobody hears")
    assert heard == [("one", b"hi")]


async def test_values_of_shared_polls_reach_all_nodes(two: tuple[Yard, Yard]) -> None:
    viewers = []
    for yard in two:
        core = yard.engine.core
        core.settings = settings_with(core.settings)
        bind(yard, Polled(), mode="versioned", publish_enabled=True)
        viewers.append(await viewer(yard))
        await viewers[-1].track(batch("a"))
    await two[0].engine.publish_poll(CHANNEL, Value("a", b"[1]", 7), "")
    await two[1].settle()
    assert [await each.told() for each in viewers] == [[("a", [1], 7)]] * 2


class Relayed:
    """A handler whose snapshot another node made, `behind` publications ago."""

    does = Does(subscribe=True)

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.behind = 0
        self.epoch = ""

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply:
        stream = self.yard.broker._stream(request.channel)
        since = Position(stream.top - self.behind, self.epoch or stream.epoch)

        def snapshot(joined: Joined) -> bytes:
            return b"true" if joined.recovered else b"false"

        return SubscribeReply(snapshot=snapshot, since=since, force_recovery=True)

    async def publish(self, request: PublishRequest) -> PublishReply:
        return PublishReply()

    async def rpc(self, request: RpcRequest) -> bytes:
        return b"null"

    async def refresh(self, caller: Any) -> RefreshReply:
        return RefreshReply()

    async def sub_refresh(self, caller: Any, channel: str) -> RefreshReply:
        return RefreshReply()

    def unsubscribed(self, caller: Any, channel: str) -> None:
        return None


async def test_what_was_published_after_the_snapshot_follows_the_reply(yard: Yard) -> None:
    handler = Relayed(yard)
    yard.engine.bind("madang_far", OPEN, handler)
    await yard.publish("madang_far:1", *range(10))
    handler.behind = 3
    guest = await yard.guest("ann")
    guest.session.on_message(json.dumps({"id": 9, "subscribe": {"channel": "madang_far:1"}}))
    await yard.settle()
    await yard.publish("madang_far:1", "new")
    await yard.settle()
    reply, *rest = (each for each in guest.heard() if each)
    assert reply["subscribe"]["offset"] == 7 and reply["subscribe"]["data"] is False
    told = [(each["push"]["pub"]["offset"], each["push"]["pub"]["data"]) for each in rest]
    assert told == [(8, 7), (9, 8), (10, 9), (11, "new")]


async def test_who_recovers_needs_nothing_of_it(yard: Yard) -> None:
    handler = Relayed(yard)
    yard.engine.bind("madang_far", OPEN, handler)
    await yard.publish("madang_far:1", *range(10))
    handler.behind = 3
    epoch = yard.broker._stream("madang_far:1").epoch
    guest = await yard.guest("ann")
    reply = await guest.subscribe("madang_far:1", recover=True, offset=5, epoch=epoch)
    assert reply["subscribe"]["data"] is True
    assert [pub["data"] for pub in reply["subscribe"]["publications"]] == [5, 6, 7, 8, 9]
    late = await yard.guest("bob")
    reply = await late.subscribe("madang_far:1", recover=True, offset=5, epoch="another")
    assert reply["subscribe"]["data"] is False and reply["subscribe"]["offset"] == 7
    assert not reply["subscribe"].get("recovered")


async def test_a_snapshot_of_another_stream_is_of_no_use(yard: Yard) -> None:
    handler = Relayed(yard)
    handler.epoch = "another"
    yard.engine.bind("madang_far", OPEN, handler)
    await yard.publish("madang_far:1", 1)
    guest = await yard.guest("ann")
    await guest.subscribe("madang_far:1")
    assert guest.ended == 3010


class LateBus(MemoryBroker):
    """A broker of several nodes: its history has a publication before its bus brings it."""

    in_process = False

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock, lambda size: bytes(size))
        self.late: list[tuple[str, Publication, Position]] | None = None

    def _fan_out(self, channel: str, publication: Publication, top: Position) -> None:
        if self.late is None:
            super()._fan_out(channel, publication, top)
        else:
            self.late.append((channel, publication, top))

    def bring(self) -> None:
        late, self.late = self.late or [], None
        for each in late:
            super()._fan_out(*each)


async def over_a_late_bus(clock: FakeClock) -> tuple[Yard, LateBus, Visitor]:
    yard = Yard(clock, RealtimeSettings(namespaces={"open": NAMESPACES["open"]}, allow_anonymous=True))
    bus = LateBus(clock)
    yard.engine.use(bus, yard.outbound)
    await yard.engine.start()
    steady = await yard.member("open:1", recoverable=True)
    await yard.publish("open:1", 1)
    assert await steady.publications() == [1]
    bus.late = []
    await yard.publish("open:1", 2)
    return yard, bus, steady


async def test_who_enters_before_the_bus_has_brought_it_takes_nothing_from_the_others(
    clock: FakeClock,
) -> None:
    """F14: the history, read for one, is ahead of what the others were given."""
    yard, bus, steady = await over_a_late_bus(clock)
    late = await yard.guest()
    late.session.on_message('{"id":9,"subscribe":{"channel":"open:1","recoverable":true}}')
    await yard.settle()
    assert not late.heard()
    bus.bring()
    await yard.publish("open:1", 3)
    assert await steady.publications() == [2, 3]
    heard = late.heard()
    assert heard[0]["subscribe"]["offset"] == 3 or [p["push"]["pub"]["data"] for p in heard[1:]] == [3]


async def test_a_position_is_not_compared_before_the_bus_has_brought_it(clock: FakeClock) -> None:
    yard, bus, steady = await over_a_late_bus(clock)
    yard.engine.core.on_gap(None)
    await yard.settle()
    bus.bring()
    assert await steady.publications() == [2]
    assert yard.engine.counters.gaps == 0


async def test_what_the_bus_never_brings_is_a_gap(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REALTIME_BUS_S", 0.01)
    yard, bus, steady = await over_a_late_bus(clock)
    late = await yard.guest()
    late.session.on_message('{"id":9,"subscribe":{"channel":"open:1","recoverable":true}}')
    async with asyncio.timeout(60):
        while not yard.engine.counters.gaps:  # noqa: ASYNC110  told by synchronous calls
            await asyncio.sleep(0.01)
    await yard.settle()
    assert [push["unsubscribe"]["code"] for push in steady.pushes()] == [2500]
    assert late.heard()[0]["subscribe"]["offset"] == 2

"""What a broker promises, asked of memory, of a real Redis and, where it applies, of a real NATS server."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis as RedisClient
from tests.conftest import FakeClock
from tests.harness import brokers
from tests.harness.patience import PATIENCE_S
from tests.unit.realtime.conftest import OPEN, Visitor, Yard

from madang.app.clock import SystemClock
from madang.base.secret import Secret
from madang.realtime.broker import Broker, BrokerError, HistoryQuery, Outgoing
from madang.realtime.memory import MemoryBroker
from madang.realtime.ports import ReplyError
from madang.realtime.publication import (
    ClientInfo,
    Position,
    Publication,
    Published,
    PublishOptions,
    Retention,
    Weight,
)
from madang.realtime.settings import RealtimeSettings
from madang.store import nats_broker, redis_broker
from madang.store.nats_broker import NatsBroker
from madang.store.redis_broker import RedisBroker

KEPT = Retention(5, 60.0)
OPTIONS = PublishOptions(retention=KEPT)
MINA = ClientInfo("mina", "c1", b'{"name":"Mina"}', b"")


class Heard:
    """What a node was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.publications: list[tuple[str, Publication, Position]] = []

    def on_publication(self, channel: str, publication: Publication, top: Position) -> None:
        self.publications.append((channel, publication, top))

    def on_join(self, channel: str, info: ClientInfo) -> None:
        self.told.append(("join", channel, info))

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        self.told.append(("leave", channel, info))

    def on_redact(self, channel: str, offset: int, data: bytes) -> None:
        self.told.append(("redact", channel, offset, data))

    def on_node_message(self, sender: str, message: bytes) -> None:
        self.told.append(("node", sender, message))

    def on_gap(self, channels: object) -> None:
        self.told.append(("gap",))

    async def until(self, found: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not found():  # noqa: ASYNC110  told by synchronous calls
                await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def redis() -> Iterator[brokers.Redis]:
    with brokers.redis() as server:
        yield server


@pytest.fixture(scope="module")
def nats() -> Iterator[str]:
    with brokers.nats() as url:
        yield url


Make = Callable[[str], Broker]


@pytest.fixture(params=["memory", "redis", "nats"])
def make(request: pytest.FixtureRequest) -> Make:
    memory = MemoryBroker(SystemClock(), os.urandom)
    prefix = os.urandom(4).hex()
    if request.param == "memory":
        return lambda node: memory
    if request.param == "redis":
        url = Secret(request.getfixturevalue("redis").url)
        return lambda node: RedisBroker(url, os.urandom, prefix)
    url = Secret(request.getfixturevalue("nats"))
    return lambda node: NatsBroker(url, MemoryBroker(SystemClock(), os.urandom), prefix)


Joined = tuple[Broker, Heard]


@pytest.fixture
async def join(make: Make) -> AsyncIterator[Callable[[str], "asyncio.Future[Joined]"]]:
    async with AsyncExitStack() as stack:

        async def started(node: str) -> Joined:
            broker, heard = make(node), Heard()
            await until_there(broker, node, heard)
            stack.push_async_callback(broker.close)
            return broker, heard

        yield started  # type: ignore[misc]


async def until_there(broker: Broker, node: str, heard: Heard) -> None:
    """A server that has just been started may not listen yet."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await broker.start(node, heard)
            except BrokerError:
                await asyncio.sleep(0.05)


async def test_a_publication_is_heard_with_all_that_belongs_to_it(join) -> None:  # type: ignore[no-untyped-def]
    broker, heard = await join("one")
    await broker.subscribe("news:a b.*>")
    options = PublishOptions(
        info=MINA, tags={"k": "msg"}, delta=True, weight=Weight.URGENT, kept_for=frozenset({"mina"})
    )
    assert await broker.publish("news:a b.*>", b'{"x":1}', options) == Published()
    await heard.until(lambda: heard.publications)
    channel, publication, top = heard.publications[0]
    assert (channel, top) == ("news:a b.*>", Position(0, ""))
    expected = Publication(
        data=b'{"x":1}',
        info=MINA,
        tags={"k": "msg"},
        delta=True,
        weight=Weight.URGENT,
        kept_for=frozenset({"mina"}),
    )
    assert publication == expected


async def test_people_come_and_go(join) -> None:  # type: ignore[no-untyped-def]
    broker, heard = await join("one")
    await broker.subscribe("c")
    await broker.publish_join("c", MINA)
    await broker.publish_leave("c", MINA)
    await heard.until(lambda: len(heard.told) == 2)
    assert heard.told == [("join", "c", MINA), ("leave", "c", MINA)]
    await broker.add_presence("c", MINA)
    await broker.add_presence("c", MINA)
    await broker.add_presence("c", ClientInfo("mina", "c2"))
    await broker.add_presence("c", ClientInfo("유나", "c3"))
    assert (await broker.presence("c"))["c3"] == ClientInfo("유나", "c3")
    assert tuple(await broker.presence_stats("c")) == (3, 2)
    assert await broker.remove_presence("c", "c1", "mina")
    assert not await broker.remove_presence("c", "c1", "mina")
    assert tuple(await broker.presence_stats("c")) == (2, 2)


async def test_history_has_positions_a_size_and_directions(join) -> None:  # type: ignore[no-untyped-def]
    broker, heard = await join("one")
    if not broker.keeps_history:
        assert await broker.history("c", HistoryQuery(), KEPT) == ((), Position(0, ""))
        return
    await broker.subscribe("c")
    epoch = (await broker.history("c", HistoryQuery(limit=0), KEPT)).top.epoch
    for number in range(1, 8):
        published = await broker.publish("c", b"%d" % number, OPTIONS)
        assert published == Published(number, epoch)

    async def offsets(**query: object) -> list[int]:
        stretch = await broker.history("c", HistoryQuery(**query), KEPT)  # type: ignore[arg-type]
        assert stretch.top == Position(7, epoch)
        assert [b"%d" % item.offset for item in stretch.publications] == [
            item.data for item in stretch.publications
        ]
        return [item.offset for item in stretch.publications]

    assert await offsets() == [3, 4, 5, 6, 7]
    assert await offsets(limit=0) == []
    assert await offsets(limit=2) == [3, 4]
    assert await offsets(limit=2, reverse=True) == [7, 6]
    assert await offsets(since=Position(5, epoch)) == [6, 7]
    assert await offsets(since=Position(1, epoch), limit=1) == [3]
    assert await offsets(since=Position(5, epoch), reverse=True) == [4, 3]
    assert await offsets(since=Position(9, epoch)) == []
    assert await offsets(since=Position(90, epoch), limit=2, reverse=True) == [7, 6]
    await heard.until(lambda: len(heard.publications) == 7)
    assert [top.offset for _, _, top in heard.publications] == [1, 2, 3, 4, 5, 6, 7]
    await broker.remove_history("c")
    assert await offsets() == []
    assert (await broker.publish("c", b"8", OPTIONS)).offset == 8


async def test_the_same_key_and_old_versions_publish_once(join) -> None:  # type: ignore[no-untyped-def]
    broker, _ = await join("one")
    if not broker.keeps_history:
        return
    keyed = PublishOptions(retention=KEPT, idempotency_key="k")
    first = await broker.publish("c", b"1", keyed)
    again = await broker.publish("c", b"1", keyed)
    assert (again.offset, again.epoch, again.suppressed) == (first.offset, first.epoch, True)
    for version, suppressed in ((2, False), (2, True), (1, True), (3, False)):
        options = PublishOptions(retention=KEPT, version=version, version_epoch="e")
        assert (await broker.publish("v", b"1", options)).suppressed is suppressed
    assert (await broker.history("v", HistoryQuery(limit=0), KEPT)).top.offset == 2
    many = await broker.publish_many([Outgoing("c", b"2", OPTIONS), Outgoing("d", b"3", OPTIONS)])
    assert [published.offset for published in many if isinstance(published, Published)] == [2, 1]


async def test_a_redacted_text_is_gone_from_history_and_keeps_its_place(join) -> None:  # type: ignore[no-untyped-def]
    broker, heard = await join("one")
    await broker.subscribe("c")
    if not broker.keeps_history:
        assert not await broker.redact("c", 1, b"x")
        return
    for number in range(7):
        await broker.publish("c", b"%d" % number, PublishOptions(retention=KEPT, info=MINA))
    assert await broker.redact("c", 5, b"gone")
    assert not await broker.redact("c", 1, b"x")
    assert not await broker.redact("c", 8, b"x")
    found = (await broker.history("c", HistoryQuery(), KEPT)).publications
    assert [item.data for item in found] == [b"2", b"3", b"gone", b"5", b"6"]
    assert found[2].info == MINA
    await heard.until(lambda: heard.told)
    assert heard.told == [("redact", "c", 5, b"gone")]


async def test_nodes_hear_each_other(join) -> None:  # type: ignore[no-untyped-def]
    one, heard = await join("one")
    if one.in_process:
        assert await one.tell(b"hello")
        assert not await one.tell(b"hello", "two")
        return
    _, other = await join("two")
    async with asyncio.timeout(20):
        while not await one.tell(b"to two", "two"):  # the broker may not have heard of it yet
            await asyncio.sleep(0.05)
    assert await one.tell(b"to all")
    assert not await one.tell(b"to nobody", "three")
    await other.until(lambda: len(other.told) == 2)
    assert sorted(other.told, key=str) == [("node", "one", b"to all"), ("node", "one", b"to two")]
    assert heard.told == []


async def test_what_one_process_publishes_another_hears_and_finds(join) -> None:  # type: ignore[no-untyped-def]
    one, _ = await join("one")
    if one.in_process:
        return
    two, heard = await join("two")
    await two.subscribe("c")
    for number in range(50):
        await one.publish("c", b"%d" % number, PublishOptions(retention=Retention(100, 60.0)))
    await heard.until(lambda: len(heard.publications) == 50)
    assert [publication.data for _, publication, _ in heard.publications] == [b"%d" % n for n in range(50)]
    await two.unsubscribe("c")
    if one.keeps_history:
        assert len((await two.history("c", HistoryQuery(), Retention(100, 60.0))).publications) == 50


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is away: a broker that is slow to answer is a busy machine's."""
    for module in (redis_broker, nats_broker):
        monkeypatch.setattr(module, "BROKER_ANSWER_S", PATIENCE_S)


@pytest.mark.usefixtures("patient")
async def test_many_channels_are_subscribed_side_by_side(join) -> None:  # type: ignore[no-untyped-def]
    broker, heard = await join("one")
    names = [f"room:{number}" for number in range(1500)]
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(broker.subscribe(name))
    await broker.publish_many([Outgoing(name, b"1", PublishOptions()) for name in names])
    await heard.until(lambda: len(heard.publications) == len(names))


async def test_the_first_node_in_a_channel_and_the_last(redis: brokers.Redis) -> None:
    one, two = (RedisBroker(Secret(redis.url), os.urandom, "occupied") for _ in range(2))
    assert await one.occupy("c", "one") and not await two.occupy("c", "two")
    assert not await one.occupy("c", "one"), "it says so again"
    assert not await one.vacate("c", "one") and not await one.vacate("c", "one")
    assert await two.vacate("c", "two")
    await two.told_vacated("c")
    assert await two.occupy("c", "two")
    for broker in (one, two):
        await broker.close()


async def test_what_a_dead_node_had_ends_by_itself(redis: brokers.Redis) -> None:
    """Presence is gone when its time is over, and one of those who live tells that its channels are empty:
    again, until somebody says that it was told."""
    dead, one, two = (RedisBroker(Secret(redis.url), os.urandom, "dead", 1.5) for _ in range(3))
    stays = RedisBroker(Secret(redis.url), os.urandom, "dead", PATIENCE_S)
    await dead.occupy("left", "dead")
    await dead.occupy("shared", "dead")
    await stays.keep_occupied(["shared"], "stays")
    await dead.add_presence("left", MINA)
    assert await dead.presence("left") and not await one.abandoned()
    await dead.close()
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await one.abandoned()):
            await asyncio.sleep(0.05)
    assert found == ["left"] and not await two.abandoned(), "once, and not the one that is still occupied"
    assert not await one.presence("left") and await one.presence_stats("left") == (0, 0)
    async with asyncio.timeout(PATIENCE_S):
        while not (again := await two.abandoned()):
            await asyncio.sleep(0.05)
    assert again == ["left"], "the first did not say that it had told"
    await two.told_vacated("left")
    asker = RedisClient.from_url(redis.url)
    assert await asker.zrange("dead.oc", 0, -1) == [b"shared"]
    await asker.aclose()
    for broker in (one, two, stays):
        await broker.close()


async def test_who_is_there_is_told_in_parts_and_not_all_at_once(
    clock: FakeClock, redis: brokers.Redis
) -> None:
    """Thousands of connections: so many commands a second as a round has seconds, in few round trips."""
    settings = RealtimeSettings(namespaces={"open": OPEN}, allow_anonymous=True, presence_s=30.0)
    yard = Yard(clock, settings)
    broker = RedisBroker(Secret(redis.url), os.urandom, "parts", 30.0)
    yard.engine.use(broker, yard.outbound)
    await until_there(broker, yard.engine.node, yard.engine.core)
    crowd = 1000
    for _ in range(crowd):
        visitor = yard.visitor()
        visitor.session.on_message('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"open:1"}}')
        while yard.tasks:
            await asyncio.wait(yard.tasks)
    asker = RedisClient.from_url(redis.url)

    async def calls() -> tuple[int, int]:
        found = await asker.info("commandstats")
        return found["cmdstat_evalsha"]["calls"], found.get("cmdstat_script|exists", {"calls": 0})["calls"]

    shares, before, trips = [], (await calls())[0], (await calls())[1]
    for _ in range(20):
        yard.pass_time(1.0)
        yard.engine.sweep()
        while yard.tasks:
            await asyncio.wait(yard.tasks)
        now = (await calls())[0]
        shares.append(now - before)
        before = now
    assert sum(shares) >= 2 * crowd, "everybody twice in two rounds"
    assert max(shares) <= crowd / 10 + 10, shares
    assert (await calls())[1] - trips <= 25, "a batch is one round trip"
    assert (await broker.presence_stats("open:1")).clients == crowd
    await asker.aclose()
    await yard.engine.close()


class Viewer:
    """Follows a channel as Centrifugo's clients do: comes back with what it had seen, or begins anew."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.seen: list[int] = []
        self.position: dict[str, object] = {}
        self.anew = 0

    async def enter(self) -> None:
        number = next(self.visitor._ids)
        recover = {"recover": True, **self.position} if self.position else {}
        asked = {"channel": "open:1", "recoverable": True, **recover}
        self.visitor.session.on_message(json.dumps({"id": number, "subscribe": asked}))
        self.position = {}

    def look(self) -> int:
        """Hear what came; how many publications that makes."""
        for told in self.visitor.heard():
            push, reply = told.get("push", {}), told.get("subscribe")
            if "pub" in push:
                self._take(push["pub"])
            elif reply is not None:
                self.position = {"epoch": reply["epoch"], "offset": reply.get("offset", 0)}
                self.anew += bool(reply.get("was_recovering")) and not reply.get("recovered")
                for publication in reply.get("publications", ()):
                    self._take(publication)
            elif "unsubscribe" in push:
                assert push["unsubscribe"]["code"] == 2500
                self._again = asyncio.ensure_future(self.enter())
            elif "error" in told:
                assert told["error"] == {"code": 100, "message": "internal server error", "temporary": True}
                self._again = asyncio.ensure_future(self.enter())
        return len(self.seen)

    def _take(self, publication: dict[str, Any]) -> None:
        self.seen.append(publication["data"])
        self.position["offset"] = publication["offset"]


@pytest.mark.usefixtures("patient")
async def test_who_follows_over_a_redis_that_is_emptied_and_dies(clock: FakeClock) -> None:
    """F13: whoever was promised continuity is told to come back, and told that it begins anew."""
    with brokers.redis() as server:
        yards = [Yard(clock, RealtimeSettings(namespaces={"open": OPEN}, allow_anonymous=True)) for _ in "12"]
        for yard in yards:
            yard.engine.use(RedisBroker(Secret(server.url), os.urandom), yard.outbound)
        async with AsyncExitStack() as stack:
            for yard in yards:
                await until_there(yard.engine.core.broker, yard.engine.node, yard.engine.core)
                stack.push_async_callback(yard.engine.close)
            viewers = [Viewer(yard.visitor()) for yard in yards for _ in range(3)]
            for viewer in viewers:
                viewer.visitor.session.on_message('{"id":1,"connect":{}}')
                next(viewer.visitor._ids)
                await viewer.enter()
            told = 0

            async def tell(count: int) -> None:
                """Publish until so many are acknowledged, and everybody who could see them has."""
                nonlocal told
                for number in range(count):
                    await yards[number % 2].publish("open:1", told)
                    told += 1

            async def until(found: Callable[[Viewer], object]) -> None:
                async with asyncio.timeout(PATIENCE_S):
                    while not all([(viewer.look(), found(viewer))[1] for viewer in viewers]):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)

            await until(lambda viewer: viewer.position)
            await tell(20)
            await until(lambda viewer: viewer.seen == list(range(20)))

            cleaner = RedisClient.from_url(server.url)
            await cleaner.flushall()
            await cleaner.aclose()
            await tell(1)
            await until(lambda viewer: viewer.anew and viewer.position)
            await tell(5)
            await until(lambda viewer: viewer.seen[-5:] == list(range(21, 26)))
            for viewer in viewers:
                viewer.anew = 0

            server.kill()
            with pytest.raises(ReplyError) as caught:
                await tell(1)
            assert caught.value.number == 100 and caught.value.temporary
            server.start()
            await until(lambda viewer: viewer.anew and viewer.position)
            await tell(5)
            await until(lambda viewer: viewer.seen[-5:] == list(range(26, 31)))
            for viewer in viewers:
                assert viewer.seen == sorted(set(viewer.seen)), "nothing twice, nothing out of order"
                viewer.visitor.session.close()
            await asyncio.gather(*(task for yard in yards for task in yard.tasks), return_exceptions=True)


async def test_a_redis_that_dies_is_an_error_and_comes_back_with_a_gap() -> None:
    """F13: nothing hangs, positions are checked, new publications are heard again."""
    with brokers.redis() as server:
        broker, heard = RedisBroker(Secret(server.url), os.urandom), Heard()
        await until_there(broker, "one", heard)
        await broker.subscribe("c")
        await broker.publish("c", b"1", OPTIONS)
        await heard.until(lambda: heard.publications)
        server.kill()
        with pytest.raises(BrokerError):
            await broker.publish("c", b"2", OPTIONS)
        with pytest.raises(BrokerError):
            await broker.history("c", HistoryQuery(), KEPT)
        server.start()
        await heard.until(lambda: ("gap",) in heard.told)
        await broker.publish("c", b"3", OPTIONS)
        await heard.until(lambda: len(heard.publications) == 2)
        assert heard.publications[1][1].data == b"3"
        await broker.close()


async def until_away(broker: NatsBroker) -> None:
    """The end of the connection is noticed."""
    async with asyncio.timeout(PATIENCE_S):
        while broker._client.is_connected:
            await asyncio.sleep(0.01)


async def test_a_nats_that_dies_is_an_error_in_time_and_comes_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: what waits for an answer has a deadline together; what is heard afterwards is heard once."""
    with brokers.a_nats() as server:
        broker, heard = NatsBroker(Secret(server.url), MemoryBroker(SystemClock(), os.urandom)), Heard()
        await until_there(broker, "one", heard)
        await broker.subscribe("c")
        server.kill()
        loop = asyncio.get_running_loop()
        began = loop.time()
        names = [f"other{number}" for number in range(40)]
        await until_away(broker)
        with monkeypatch.context() as patch:
            patch.setattr(nats_broker, "BROKER_ANSWER_S", 1.0)
            found = await asyncio.gather(*map(broker.subscribe, names), return_exceptions=True)
            assert all(isinstance(error, BrokerError) for error in found), found
            with pytest.raises(BrokerError):
                await broker.publish("c", b"0", OPTIONS)
        assert loop.time() - began < 20, "not one after the other"
        server.start()
        await heard.until(lambda: ("gap",) in heard.told)
        await asyncio.gather(*map(broker.subscribe, names))
        for name in ("c", *names):
            await broker.publish(name, b"1", OPTIONS)
        await heard.until(lambda: len(heard.publications) >= 41)
        assert sorted(channel for channel, *_ in heard.publications) == sorted(["c", *names])
        said = [line for line in caplog.messages if line.startswith("nats: ")]
        assert len(said) == 2 and "not there" in said[0] and "back after" in said[1], said
        await broker.close()


async def test_a_redis_that_vanishes_without_a_word_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its host lost its network: the connection stands, and nothing comes."""
    monkeypatch.setattr(redis_broker, "BROKER_SILENCE_S", 0.2)
    monkeypatch.setattr(redis_broker, "BROKER_ANSWER_S", 2.0)
    with brokers.redis() as server:
        broker, heard = RedisBroker(Secret(server.url), os.urandom), Heard()
        await until_there(broker, "one", heard)
        await broker.subscribe("c")
        await asyncio.sleep(0.9)
        assert ("gap",) not in heard.told, "silence alone is no fault: it answers"
        server.freeze()
        with pytest.raises(BrokerError):
            await broker.publish("c", b"1", OPTIONS)
        await asyncio.sleep(1.0)
        server.thaw()
        await heard.until(lambda: ("gap",) in heard.told)
        await broker.publish("c", b"2", OPTIONS)
        await heard.until(lambda: any(each.data == b"2" for _, each, _ in heard.publications))
        await broker.close()


async def test_who_is_cancelled_leaves_its_answer_to_nobody(redis: brokers.Redis) -> None:
    """A66: connections are shared; each reply carries its own channel's name."""
    broker, dice = RedisBroker(Secret(redis.url), os.urandom, "cancelled"), random.Random(66)
    await until_there(broker, "one", Heard())
    names = [f"c{number}" for number in range(8)]
    for name in names:
        await broker.publish(name, name.encode(), OPTIONS)
    answered: list[tuple[str, list[bytes]]] = []

    async def ask(name: str) -> None:
        stretch = await broker.history(name, HistoryQuery(limit=5), KEPT)
        answered.append((name, [each.data for each in stretch.publications]))

    async def impatient(name: str) -> None:
        deed = asyncio.create_task(ask(name))
        await asyncio.wait([deed], timeout=None if dice.random() < 0.2 else dice.random() * 0.01)
        deed.cancel()
        await asyncio.wait([deed])
        assert deed.cancelled() or deed.exception() is None

    for _ in range(20):
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(impatient(dice.choice(names)))
    assert 0 < len(answered) < 1000
    for name in names:
        await ask(name)
    assert all(told == [name.encode()] for name, told in answered)
    await broker.close()


async def test_rubbish_under_our_prefix_is_passed_over(redis: brokers.Redis) -> None:
    broker, heard = RedisBroker(Secret(redis.url), os.urandom, "rubbish"), Heard()
    await until_there(broker, "one", heard)
    await broker.subscribe("c")
    stranger = RedisClient.from_url(redis.url)
    for data in (b"", b"p", b"pxx:y:z", b"p1:e:\xc1", b"j\xc1", b"rx:y", b"?"):
        await stranger.publish("rubbish.c.c", data)
    await stranger.publish("rubbish.n.", b"nothing")
    await stranger.rpush("rubbish.h.{c}", b"\xc1")
    await stranger.hset("rubbish.m.{c}", mapping={"e": "e", "s": 1})
    with pytest.raises(BrokerError):
        await broker.history("c", HistoryQuery(), KEPT)
    await stranger.aclose()
    await broker.remove_history("c")
    await broker.publish("c", b"1", OPTIONS)
    await heard.until(lambda: heard.publications)
    await broker.close()

"""The connection by which a node hears Redis: one, whatever is asked for while it is made."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from madang.base.secret import Secret
from madang.realtime.broker import BrokerError
from madang.store import redis_broker
from madang.store.redis_broker import RedisBroker


class Wire:
    """A connection to a Redis that only listens."""

    retry = Retry(NoBackoff(), 0)
    db, credential_provider = 0, None

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def register_connect_callback(self, callback: object) -> None: ...

    def deregister_connect_callback(self, callback: object) -> None: ...

    async def connect(self) -> None: ...

    async def send_command(self, *words: Any, **more: object) -> None:
        self.said.append(words)


class Pool:
    """Hands out connections, none before the line is free."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.free = asyncio.Event()

    async def get_connection(self) -> Wire:
        await self.free.wait()
        self.wires.append(Wire())
        return self.wires[-1]

    def pubsub(self) -> PubSub:
        pool: Any = self
        return PubSub(pool, encoder=Redis().get_encoder())  # type: ignore[no-untyped-call]


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def broker(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> RedisBroker:
    made = RedisBroker(Secret("redis://127.0.0.1:1"), lambda size: b"\0" * size)
    monkeypatch.setattr(made, "_ear", pool)
    made._heard = {b"madang.n."}
    return made


async def a_while() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_channel_that_is_wanted_during_the_return_makes_no_second_connection(
    broker: RedisBroker, pool: Pool
) -> None:
    async with asyncio.TaskGroup() as tasks:
        speaking = tasks.create_task(broker._keep_subscribed())
        returning = tasks.create_task(broker._listen())
        await a_while()
        wanting = tasks.create_task(broker.subscribe("yard"))
        await a_while()
        pool.free.set()
        await returning
        await a_while()
        assert [wire.said for wire in pool.wires] == [
            [("SUBSCRIBE", b"madang.n."), ("SUBSCRIBE", b"madang.c.yard")]
        ], "two connections, of which one is never read"
        broker._confirmed[b"madang.c.yard"].set_result(None)
        await wanting
        speaking.cancel()


async def test_a_channel_that_was_given_up_unconfirmed_is_asked_for_again(
    broker: RedisBroker, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.free.set()
    await broker._listen()
    async with asyncio.TaskGroup() as tasks:
        speaking = tasks.create_task(broker._keep_subscribed())
        with monkeypatch.context() as patch, pytest.raises(BrokerError):
            patch.setattr(redis_broker, "BROKER_ANSWER_S", 0.01)
            await broker.subscribe("yard")
        await broker.unsubscribe("yard")
        await a_while()
        again = tasks.create_task(broker.subscribe("yard"))
        await a_while()
        again.cancel()
        speaking.cancel()
    yard = b"madang.c.yard"
    assert pool.wires[0].said[1:] == [("SUBSCRIBE", yard), ("UNSUBSCRIBE", yard), ("SUBSCRIBE", yard)]

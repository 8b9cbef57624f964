"""The broker over Redis: several servers behave as one.

Publishing adds to the history and fans out in one step of Redis (`redis_scripts`). One connection hears what
is published; when it breaks it comes back by itself, and every channel's position is checked (`on_gap`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from madang.base.limits import (
    BROKER_ANSWER_S,
    BROKER_CONNECTIONS,
    BROKER_RETURN_S,
    BROKER_SILENCE_S,
    REALTIME_IDEMPOTENCY_S,
    REALTIME_META_S,
    REALTIME_PRESENCE_S,
)
from madang.base.secret import Secret
from madang.realtime.broker import (
    BrokerError,
    HistoryQuery,
    Outgoing,
    PresenceStats,
    Present,
    Stretch,
    Subscriber,
)
from madang.realtime.driving import settle
from madang.realtime.publication import ClientInfo, Position, Published, PublishOptions, Retention
from madang.store import redis_scripts as scripts
from madang.store.carried import pack, pack_who, redacted, unpack, unpack_who
from madang.store.outage import Outage
from madang.store.redis_maps import RedisMaps

log = logging.getLogger(__name__)
_SUBSCRIBE_BATCH: Final = 512
_ABANDONED: Final = 100
_FAULTS: Final = (RedisError, OSError, TimeoutError)
Entropy = Callable[[int], bytes]


class RedisBroker:
    """Implements `Broker`. `url` is `redis://`, `rediss://` or `unix://`, and may hold a password."""

    in_process = False
    keeps_history = True

    def __init__(
        self,
        url: Secret,
        entropy: Entropy,
        prefix: str = "madang",
        presence_s: float = REALTIME_PRESENCE_S,
    ) -> None:
        self._entropy = entropy
        self._prefix = prefix
        self._presence_ms = int(presence_s * 1000)
        self._outage = Outage(log, "redis")
        retry = Retry(NoBackoff(), 0)
        pool = BlockingConnectionPool.from_url(
            url.reveal(),
            max_connections=BROKER_CONNECTIONS,
            timeout=BROKER_ANSWER_S,
            socket_timeout=BROKER_ANSWER_S,
            socket_connect_timeout=BROKER_ANSWER_S,
            retry=retry,
        )
        self._redis = Redis(connection_pool=pool)
        self._ear = Redis.from_url(
            url.reveal(), socket_timeout=None, socket_connect_timeout=BROKER_ANSWER_S, retry=retry
        )
        self._register()
        self.maps = RedisMaps(self._redis, self._ask, prefix, self._bus, self._epoch)
        self._node = ""
        self._subscriber: Subscriber | None = None
        self._pubsub: PubSub | None = None
        self._connects = asyncio.Lock()
        """Held while the ear is told what to hear: two who do that before it is connected make two
        connections, of which one is never read."""
        self._heard: set[bytes] = set()
        """What this process wants to hear."""
        self._confirmed: dict[bytes, asyncio.Future[None]] = {}
        self._asked: list[bytes] = []
        self._left: list[bytes] = []
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def _register(self) -> None:
        self._publish, self._history, self._redact = map(
            self._redis.register_script, (scripts.PUBLISH, scripts.HISTORY, scripts.REDACT)
        )
        self._add, self._remove, self._present, self._stats = map(
            self._redis.register_script,
            (scripts.ADD_PRESENCE, scripts.REMOVE_PRESENCE, scripts.PRESENCE, scripts.PRESENCE_STATS),
        )
        self._occupy, self._vacate, self._told_vacated, self._abandoned = map(
            self._redis.register_script,
            (scripts.OCCUPY, scripts.VACATE, scripts.TOLD_VACATED, scripts.ABANDONED),
        )

    async def start(self, node: str, subscriber: Subscriber) -> None:
        """Raises BrokerError when Redis is not there."""
        self._node, self._subscriber = node, subscriber
        self._heard = {self._bus_of_nodes(), self._bus_of_nodes(node)}
        await self._ask(self._listen())
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._hear()), loop.create_task(self._keep_subscribed())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._fail_waiting()
        await self._drop_ear()
        for client in (self._redis, self._ear):
            with suppress(*_FAULTS):
                await client.aclose()
            await client.connection_pool.disconnect()
        self._subscriber = None

    # --- channels -------------------------------------------------------------------------------------

    async def subscribe(self, channel: str) -> None:
        """Returns when Redis has confirmed: what is published from then on is heard."""
        bus = self._bus(channel)
        self._heard.add(bus)
        waited = self._confirmed.get(bus)
        if waited is None:
            waited = self._confirmed[bus] = asyncio.get_running_loop().create_future()
            self._asked.append(bus)
            self._wake.set()
        await self._ask(asyncio.shield(waited))

    async def unsubscribe(self, channel: str) -> None:
        """Nobody waits for it any more: what was not confirmed is asked for again by who wants it next."""
        bus = self._bus(channel)
        self._heard.discard(bus)
        self._confirmed.pop(bus, None)
        self._left.append(bus)
        self._wake.set()

    async def publish(self, channel: str, data: bytes, options: PublishOptions) -> Published:
        asked = self._publish(*self._publication(channel, data, options))
        return _published(await self._ask(asked))

    async def publish_many(self, items: Sequence[Outgoing]) -> Sequence[Published | BrokerError]:
        await settle()
        pipeline = self._redis.pipeline(transaction=False)
        for channel, data, options in items:
            await self._publish(*self._publication(channel, data, options), client=pipeline)
        found = await self._ask(pipeline.execute(raise_on_error=False))
        return [
            BrokerError(str(answer)) if isinstance(answer, Exception) else _published(answer)
            for answer in found
        ]

    async def publish_join(self, channel: str, info: ClientInfo) -> None:
        await self._ask(self._redis.publish(self._bus(channel), b"j" + pack_who(info)))

    async def publish_leave(self, channel: str, info: ClientInfo) -> None:
        await self._ask(self._redis.publish(self._bus(channel), b"l" + pack_who(info)))

    def _publication(self, channel: str, data: bytes, options: PublishOptions) -> tuple[list[str], list[Any]]:
        kept = options.retention.kept and not options.skip_history
        retention, key = options.retention, options.idempotency_key
        return (
            [*self._keys(channel, "h", "m"), f"{self._prefix}.i.{{{channel}}}.{key}"],
            [
                pack(data, options),
                self._bus(channel),
                retention.size if kept else 0,
                int(retention.ttl_s * 1000),
                _meta_ms(retention),
                self._epoch(),
                options.version if kept else 0,
                options.version_epoch,
                int(REALTIME_IDEMPOTENCY_S * 1000) if key else 0,
            ],
        )

    # --- history --------------------------------------------------------------------------------------

    async def history(self, channel: str, query: HistoryQuery, retention: Retention) -> Stretch:
        since = -1 if query.since is None else query.since.offset
        arguments: list[Any] = [query.limit, since, int(query.reverse), self._epoch(), _meta_ms(retention)]
        answer = await self._ask(self._history(self._keys(channel, "h", "m"), arguments))
        top, epoch, first, items = answer
        found = [unpack(item, offset) for offset, item in enumerate(items, int(first))]
        if query.reverse:
            found.reverse()
        return Stretch(found, Position(int(top), epoch.decode()))

    async def remove_history(self, channel: str) -> None:
        await self._ask(self._redis.delete(*self._keys(channel, "h")))

    async def redact(self, channel: str, offset: int, data: bytes) -> bool:
        """The old bytes are compared in Redis: a history that moved meanwhile is looked at again."""
        keys = self._keys(channel, "h", "m")
        asked: list[Any] = [1, offset - 1, 0, self._epoch(), 0]
        for _ in range(3):
            _, _, first, items = await self._ask(self._history(keys, asked))
            if not items or int(first) != offset:
                return False
            new = redacted(items[0], data)
            if await self._ask(self._redact(keys, [offset, new, items[0], self._bus(channel), data])):
                return True
        return False

    # --- presence -------------------------------------------------------------------------------------

    async def add_presence(self, channel: str, info: ClientInfo) -> None:
        await self._ask(self._add(*self._presence(channel, info)))

    async def keep_presence(self, present: Sequence[Present]) -> None:
        await settle()
        pipeline = self._redis.pipeline(transaction=False)
        for channel, info in present:
            await self._add(*self._presence(channel, info), client=pipeline)
        await self._ask(pipeline.execute())

    def _presence(self, channel: str, info: ClientInfo) -> tuple[list[str], list[Any]]:
        arguments = [info.client, info.user, pack_who(info), self._presence_ms]
        return self._keys(channel, "pe", "pi", "pu"), arguments

    async def remove_presence(self, channel: str, client: str, user: str) -> bool:
        return bool(await self._ask(self._remove(self._keys(channel, "pe", "pi", "pu"), [client])))

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        answer = await self._ask(self._present(self._keys(channel, "pe", "pi", "pu"), []))
        found: dict[str, ClientInfo] = {}
        for client, kept in zip(answer[::2], answer[1::2], strict=True):
            length, _, rest = kept.partition(b":")
            found[client.decode()] = unpack_who(rest[int(length) :])
        return found

    async def presence_stats(self, channel: str) -> PresenceStats:
        return PresenceStats(*await self._ask(self._stats(self._keys(channel, "pe", "pi", "pu"), [])))

    async def occupy(self, channel: str, node: str) -> bool:
        return bool(await self._ask(self._occupy(*self._occupied(channel, node))))

    async def keep_occupied(self, channels: Sequence[str], node: str) -> None:
        await settle()
        pipeline = self._redis.pipeline(transaction=False)
        for channel in channels:
            await self._occupy(*self._occupied(channel, node), client=pipeline)
        await self._ask(pipeline.execute())

    def _occupied(self, channel: str, node: str) -> tuple[list[str], list[Any]]:
        return [*self._keys(channel, "on"), self._all_occupied()], [node, self._presence_ms, channel]

    async def vacate(self, channel: str, node: str) -> bool:
        return bool(await self._ask(self._vacate(self._keys(channel, "on"), [node])))

    async def told_vacated(self, channel: str) -> None:
        keys = [*self._keys(channel, "on"), self._all_occupied()]
        await self._ask(self._told_vacated(keys, [channel]))

    async def abandoned(self) -> Sequence[str]:
        asked = self._abandoned([self._all_occupied()], [self._presence_ms, _ABANDONED])
        return [channel.decode() for channel in await self._ask(asked)]

    # --- nodes ----------------------------------------------------------------------------------------

    async def tell(self, message: bytes, node: str = "") -> bool:
        bus = self._bus_of_nodes(node)
        heard = await self._ask(self._redis.publish(bus, b"%b\n%b" % (self._node.encode(), message)))
        return not node or bool(heard)

    def sweep(self) -> None:
        """Redis forgets by itself."""

    # --- names ----------------------------------------------------------------------------------------

    def _keys(self, channel: str, *kinds: str) -> list[str]:
        return [f"{self._prefix}.{kind}.{{{channel}}}" for kind in kinds]

    def _all_occupied(self) -> str:
        return f"{self._prefix}.oc"

    def _bus(self, channel: str) -> bytes:
        return f"{self._prefix}.c.{channel}".encode()

    def _bus_of_nodes(self, node: str = "") -> bytes:
        return f"{self._prefix}.n.{node}".encode()

    def _epoch(self) -> str:
        return self._entropy(4).hex()

    async def _ask(self, asked: Awaitable[Any]) -> Any:
        await settle()
        try:
            async with asyncio.timeout(BROKER_ANSWER_S):
                return await asked
        except _FAULTS as error:
            raise BrokerError(f"redis: {error or type(error).__name__}") from error

    # --- the ear --------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """A new connection that hears everything wanted."""
        async with self._connects:
            await self._drop_ear()
            pubsub = self._ear.pubsub()
            self._pubsub = pubsub
            wanted = tuple(self._heard)
            try:
                for start in range(0, len(wanted), _SUBSCRIBE_BATCH):
                    await pubsub.subscribe(*wanted[start : start + _SUBSCRIBE_BATCH])
            except BaseException:
                await self._drop_ear()
                raise

    async def _drop_ear(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            with suppress(*_FAULTS):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _hear(self) -> None:
        """For as long as the server runs: read; when the connection breaks, come back and say so."""
        while True:
            try:
                await self._read_all()
            except _FAULTS as error:
                self._outage.begin(error)
                self._fail_waiting()
            while True:
                await asyncio.sleep(BROKER_RETURN_S)
                with suppress(*_FAULTS):
                    async with asyncio.timeout(BROKER_ANSWER_S):
                        await self._listen()
                        break
            self._outage.end()
            if self._subscriber is not None:
                self._subscriber.on_gap(None)

    async def _read_all(self) -> None:
        """A Redis that vanished says nothing, not even goodbye: who is silent is asked."""
        asked = False
        while True:
            pubsub = cast(PubSub, self._pubsub)
            message = await pubsub.get_message(timeout=BROKER_ANSWER_S if asked else BROKER_SILENCE_S)
            if message is None:
                if asked:
                    raise TimeoutError("nothing is heard any more")
                await pubsub.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "message":
                self._on_message(message["channel"], message["data"])
            elif message["type"] == "subscribe":
                waited = self._confirmed.pop(message["channel"], None)
                if waited is not None and not waited.done():
                    waited.set_result(None)

    async def _keep_subscribed(self) -> None:
        """Many channels go to Redis with one command."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            asked, left = self._asked[:_SUBSCRIBE_BATCH], self._left[:_SUBSCRIBE_BATCH]
            del self._asked[:_SUBSCRIBE_BATCH], self._left[:_SUBSCRIBE_BATCH]
            if self._asked or self._left:
                self._wake.set()
            try:
                async with self._connects:
                    await self._tell_ear(asked, left)
            except _FAULTS as error:
                self._outage.begin(error)
                self._fail_waiting()

    async def _tell_ear(self, asked: Sequence[bytes], left: Sequence[bytes]) -> None:
        pubsub = self._pubsub
        if pubsub is None:
            self._fail_waiting()
            return
        if gone := [bus for bus in left if bus not in self._heard]:
            await pubsub.unsubscribe(*gone)
        if asked:
            await pubsub.subscribe(*asked)

    def _fail_waiting(self) -> None:
        waiting, self._confirmed = self._confirmed, {}
        for waited in waiting.values():
            if not waited.done():
                waited.set_exception(BrokerError("redis: the subscription broke"))
                waited.exception()

    def _on_message(self, bus: bytes, data: bytes) -> None:
        subscriber = self._subscriber
        if subscriber is None:
            return
        try:
            self._dispatch(subscriber, bus.decode(), data)
        except (BrokerError, ValueError) as error:
            log.warning("redis: passed over: %s", error)

    def _dispatch(self, subscriber: Subscriber, bus: str, data: bytes) -> None:
        name = bus.removeprefix(self._prefix + ".")
        if name.startswith("n."):
            sender, _, message = data.partition(b"\n")
            if sender.decode() != self._node:
                subscriber.on_node_message(sender.decode(), message)
            return
        channel, kind, rest = name.removeprefix("c."), data[:1], data[1:]
        if kind == b"p":
            offset, epoch, packed = rest.split(b":", 2)
            publication = unpack(packed, int(offset))
            subscriber.on_publication(channel, publication, Position(int(offset), epoch.decode()))
        elif kind == b"d":
            offset, epoch, size, both = rest.split(b":", 3)
            before = unpack(both[: int(size)], 0)
            publication = unpack(both[int(size) :], int(offset))
            publication = msgspec.structs.replace(publication, prev=before.data)
            subscriber.on_publication(channel, publication, Position(int(offset), epoch.decode()))
        elif kind == b"c":
            subscriber.on_clear(channel)
        elif kind == b"j":
            subscriber.on_join(channel, unpack_who(rest))
        elif kind == b"l":
            subscriber.on_leave(channel, unpack_who(rest))
        elif kind == b"r":
            offset, _, text = rest.partition(b":")
            subscriber.on_redact(channel, int(offset), text)


def _published(answer: Sequence[Any]) -> Published:
    offset, epoch, suppressed = answer
    return Published(int(offset), epoch.decode(), suppressed=bool(suppressed))


def _meta_ms(retention: Retention) -> int:
    return int(max(retention.meta_ttl_s or REALTIME_META_S, retention.ttl_s) * 1000)

"""The broker over NATS: publish and subscribe between servers, at most once, without history.

Channels are spread over buckets, one subscription each: the client keeps a task for every subscription.
Presence is this process's own, as NATS keeps none.
"""

import asyncio
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from zlib import crc32

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError, StaleConnectionError, UnexpectedEOF

from madang.base.limits import BROKER_ANSWER_S, BROKER_RETURN_S, BROKER_SILENCE_S
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
from madang.realtime.memory import MemoryBroker
from madang.realtime.publication import ClientInfo, Position, Published, PublishOptions, Retention
from madang.store.carried import pack, pack_who, unpack, unpack_who
from madang.store.outage import Outage

log = logging.getLogger(__name__)
_BUCKETS: Final = 64
_FAULTS: Final = (NatsError, OSError, TimeoutError)
_BROKEN: Final = (UnexpectedEOF, StaleConnectionError, OSError)
"""Told of by who comes back."""
_NOWHERE: Final = Position(0, "")


class NatsBroker:
    """Implements `Broker`; `present` keeps presence. History is not available and positions are always 0."""

    in_process = False
    keeps_history = False
    maps = None

    def __init__(self, url: Secret, present: MemoryBroker, prefix: str = "madang") -> None:
        self._url = url
        self._present = present
        self._prefix = prefix
        self._node = ""
        self._client = Client()
        self._subscriber: Subscriber | None = None
        self._channels: dict[int, set[str]] = {}
        self._buckets: dict[int, Subscription] = {}
        self._turn = asyncio.Lock()
        self._outage = Outage(log, "nats")

    async def start(self, node: str, subscriber: Subscriber) -> None:
        """Raises BrokerError when NATS is not there."""
        self._node, self._subscriber = node, subscriber
        connected = nats.connect(
            self._url.reveal(),
            name=f"madang {node}",
            connect_timeout=int(BROKER_ANSWER_S),
            reconnect_time_wait=BROKER_RETURN_S,
            max_reconnect_attempts=-1,
            allow_reconnect=True,
            ping_interval=int(BROKER_SILENCE_S),
            max_outstanding_pings=1,
            error_cb=self._say,
            disconnected_cb=self._left,
            reconnected_cb=self._returned,
        )
        self._client = await _ask(connected)
        for name in ("", node):
            await _ask(self._client.subscribe(f"{self._prefix}.n.{name or 'all'}", cb=self._on_node))
        await _ask(self._client.flush(int(BROKER_ANSWER_S)))

    async def close(self) -> None:
        self._subscriber = None
        with suppress(*_FAULTS):
            await self._client.close()

    async def subscribe(self, channel: str) -> None:
        bucket = _bucket(channel)
        self._channels.setdefault(bucket, set()).add(channel)
        await settle()
        try:
            async with asyncio.timeout(BROKER_ANSWER_S), self._turn:
                if bucket not in self._buckets:
                    self._check()
                    await self._open(bucket)
                    self._check()
        except TimeoutError as error:  # others waited for the same answer
            raise BrokerError("nats: no answer in time") from error

    async def _open(self, bucket: int) -> None:
        subject = f"{self._prefix}.c.{bucket}.*"
        subscription = await _ask(self._client.subscribe(subject, cb=self._on_channel))
        try:
            await _ask(self._client.flush(int(BROKER_ANSWER_S)))
        except BaseException:
            with suppress(*_FAULTS):
                await subscription.unsubscribe()  # else a second one would hear everything twice
            raise
        self._buckets[bucket] = subscription

    async def unsubscribe(self, channel: str) -> None:
        bucket = _bucket(channel)
        self._channels.get(bucket, set()).discard(channel)
        async with self._turn:
            if self._channels.get(bucket):
                return
            if (subscription := self._buckets.pop(bucket, None)) is not None:
                await _ask(subscription.unsubscribe())

    async def publish(self, channel: str, data: bytes, options: PublishOptions) -> Published:
        self._check()
        await _ask(self._client.publish(self._subject(channel), b"p" + pack(data, options)))
        return Published()

    async def publish_many(self, items: Sequence[Outgoing]) -> Sequence[Published | BrokerError]:
        found: list[Published | BrokerError] = []
        for item in items:
            try:
                found.append(await self.publish(*item))
            except BrokerError as error:
                found.append(error)
        return found

    async def publish_join(self, channel: str, info: ClientInfo) -> None:
        await _ask(self._client.publish(self._subject(channel), b"j" + pack_who(info)))

    async def publish_leave(self, channel: str, info: ClientInfo) -> None:
        await _ask(self._client.publish(self._subject(channel), b"l" + pack_who(info)))

    async def history(self, channel: str, query: HistoryQuery, retention: Retention) -> Stretch:
        """Nothing is kept."""
        return Stretch((), _NOWHERE)

    async def remove_history(self, channel: str) -> None:
        """Nothing is kept."""

    async def redact(self, channel: str, offset: int, data: bytes) -> bool:
        return False

    async def add_presence(self, channel: str, info: ClientInfo) -> None:
        await self._present.add_presence(channel, info)

    async def keep_presence(self, present: Sequence[Present]) -> None:
        await self._present.keep_presence(present)

    async def remove_presence(self, channel: str, client: str, user: str) -> bool:
        return await self._present.remove_presence(channel, client, user)

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        return await self._present.presence(channel)

    async def presence_stats(self, channel: str) -> PresenceStats:
        return await self._present.presence_stats(channel)

    async def occupy(self, channel: str, node: str) -> bool:
        """Of this server alone."""
        return True

    async def keep_occupied(self, channels: Sequence[str], node: str) -> None:
        """Of this server alone."""

    async def vacate(self, channel: str, node: str) -> bool:
        return True

    async def told_vacated(self, channel: str) -> None:
        """Of this server alone."""

    async def abandoned(self) -> Sequence[str]:
        return ()

    async def tell(self, message: bytes, node: str = "") -> bool:
        """To one node as a request, which it answers empty: so we know that it is there."""
        self._check()
        said = self._node.encode() + b"\n" + message
        if not node:
            await _ask(self._client.publish(f"{self._prefix}.n.all", said))
            return True
        await settle()
        try:
            await self._client.request(f"{self._prefix}.n.{node}", said, timeout=BROKER_ANSWER_S)
        except NoRespondersError:
            return False
        except _FAULTS as error:
            raise BrokerError(f"nats: {error or type(error).__name__}") from error
        return True

    def sweep(self) -> None:
        self._present.sweep()

    def _subject(self, channel: str) -> str:
        return f"{self._prefix}.c.{_bucket(channel)}.{_token(channel)}"

    def _check(self) -> None:
        """The client would keep what it cannot send, and call it sent."""
        if not self._client.is_connected:
            raise BrokerError("nats: not there")

    async def _say(self, error: Exception) -> None:
        if self._client.is_connected and not isinstance(error, _BROKEN):
            log.warning("nats: %s", error or type(error).__name__)

    async def _left(self) -> None:
        if self._subscriber is not None:
            self._outage.begin(ConnectionError("the connection broke"))

    async def _returned(self) -> None:
        self._outage.end()
        if self._subscriber is not None:
            self._subscriber.on_gap(None)

    async def _on_node(self, message: Msg) -> None:
        sender, _, said = message.data.partition(b"\n")
        if message.reply:
            await message.respond(b"")
        if self._subscriber is not None and sender.decode() != self._node:
            self._subscriber.on_node_message(sender.decode(), said)

    async def _on_channel(self, message: Msg) -> None:
        subscriber = self._subscriber
        try:
            channel = _channel(message.subject.rpartition(".")[2])
            if subscriber is None or channel not in self._channels.get(_bucket(channel), ()):
                return
            kind, rest = message.data[:1], message.data[1:]
            if kind == b"p":
                subscriber.on_publication(channel, unpack(rest, 0), _NOWHERE)
            elif kind == b"j":
                subscriber.on_join(channel, unpack_who(rest))
            elif kind == b"l":
                subscriber.on_leave(channel, unpack_who(rest))
        except (BrokerError, ValueError) as error:
            log.warning("nats: passed over: %s", error)


async def _ask(asked: Awaitable[Any]) -> Any:
    await settle()
    try:
        return await asked
    except _FAULTS as error:
        raise BrokerError(f"nats: {error or type(error).__name__}") from error


def _bucket(channel: str) -> int:
    return crc32(channel.encode()) % _BUCKETS


def _token(channel: str) -> str:
    """One token of a subject: channels may hold dots and stars."""
    return urlsafe_b64encode(channel.encode()).rstrip(b"=").decode()


def _channel(token: str) -> str:
    """Raises ValueError for what is not one of `_token`'s."""
    return urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()

"""The broker of one process: history, presence and fan-out in memory. Calls never wait.

Positions survive their publications for the channel's meta ttl; the epoch is new with each start.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from madang.base.clock import Clock
from madang.base.limits import (
    REALTIME_IDEMPOTENCY_KEYS,
    REALTIME_IDEMPOTENCY_S,
    REALTIME_META_S,
    REALTIME_PRESENCE_S,
)
from madang.realtime.broker import (
    BrokerError,
    HistoryQuery,
    Outgoing,
    PresenceStats,
    Present,
    Stretch,
    Subscriber,
)
from madang.realtime.memory_maps import MemoryMaps
from madang.realtime.publication import (
    ClientInfo,
    Position,
    Publication,
    Published,
    PublishOptions,
    Retention,
)

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
Entropy = Callable[[int], bytes]


class _Stream:
    """One channel's history."""

    __slots__ = ("epoch", "expires", "forget", "items", "top", "versions")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.top = 0
        self.items: deque[Publication] = deque()
        self.expires = 0.0
        """When the publications are forgotten."""
        self.forget = 0.0
        """When the position is."""
        self.versions: tuple[str, int] = ("", 0)


class _Present(NamedTuple):
    info: ClientInfo
    until: float


class MemoryBroker:
    """Implements `Broker`. `sweep` forgets what is over; call it every few seconds."""

    in_process = True
    keeps_history = True

    def __init__(self, clock: Clock, entropy: Entropy, presence_s: float = REALTIME_PRESENCE_S) -> None:
        self._clock = clock
        self._entropy = entropy
        self._presence_s = presence_s
        self._streams: dict[str, _Stream] = {}
        self._present: dict[str, dict[str, _Present]] = {}
        self._results: OrderedDict[tuple[str, str], tuple[float, Published]] = OrderedDict()
        self._subscriber: Subscriber | None = None
        self.maps: MemoryMaps = MemoryMaps(clock, entropy)

    async def start(self, node: str, subscriber: Subscriber) -> None:
        self._subscriber = self.maps.subscriber = subscriber

    async def close(self) -> None:
        self._subscriber = self.maps.subscriber = None

    async def subscribe(self, channel: str) -> None:
        """Everything is heard anyway."""

    async def unsubscribe(self, channel: str) -> None:
        """Nothing to do."""

    async def publish(self, channel: str, data: bytes, options: PublishOptions) -> Published:
        return self.put(channel, data, options)

    def put(self, channel: str, data: bytes, options: PublishOptions) -> Published:
        """Publish without a coroutine."""
        key = options.idempotency_key
        if key and (known := self._recall(channel, key)) is not None:
            return Published(known.offset, known.epoch, suppressed=True)
        retention = options.retention
        if retention.kept and not options.skip_history:
            published = self._add(channel, data, options)
        else:
            published = Published()
            self._fan_out(channel, _publication(data, 0, options), Position(0, ""))
        if key and not published.suppressed:
            self._results[channel, key] = self._clock.monotonic() + REALTIME_IDEMPOTENCY_S, published
            if len(self._results) > REALTIME_IDEMPOTENCY_KEYS:
                self._results.popitem(last=False)
        return published

    def _add(self, channel: str, data: bytes, options: PublishOptions) -> Published:
        stream, retention, now = self._stream(channel), options.retention, self._clock.monotonic()
        if options.version:
            epoch, version = stream.versions
            if epoch == options.version_epoch and options.version <= version:
                return Published(stream.top, stream.epoch, suppressed=True)
            stream.versions = options.version_epoch, options.version
        stream.top += 1
        stream.expires = now + retention.ttl_s
        stream.forget = now + max(retention.meta_ttl_s or REALTIME_META_S, retention.ttl_s)
        publication = _publication(data, stream.top, options)
        stream.items.append(publication)
        while len(stream.items) > retention.size:
            stream.items.popleft()
        self._fan_out(channel, publication, Position(stream.top, stream.epoch))
        return Published(stream.top, stream.epoch)

    def _fan_out(self, channel: str, publication: Publication, top: Position) -> None:
        if self._subscriber is not None:
            self._subscriber.on_publication(channel, publication, top)

    async def publish_many(self, items: Sequence[Outgoing]) -> Sequence[Published | BrokerError]:
        return [self.put(*item) for item in items]

    async def publish_join(self, channel: str, info: ClientInfo) -> None:
        if self._subscriber is not None:
            self._subscriber.on_join(channel, info)

    async def publish_leave(self, channel: str, info: ClientInfo) -> None:
        if self._subscriber is not None:
            self._subscriber.on_leave(channel, info)

    async def history(self, channel: str, query: HistoryQuery, retention: Retention) -> Stretch:
        stream = self._stream(channel)
        now = self._clock.monotonic()
        stream.forget = max(stream.forget, now + (retention.meta_ttl_s or REALTIME_META_S))
        if stream.items and stream.expires <= now:
            stream.items.clear()
        top = Position(stream.top, stream.epoch)
        if query.limit == 0:
            return Stretch((), top)
        return Stretch(_select(stream.items, query), top)

    async def remove_history(self, channel: str) -> None:
        if (stream := self._streams.get(channel)) is not None:
            stream.items.clear()

    async def redact(self, channel: str, offset: int, data: bytes) -> bool:
        stream = self._streams.get(channel)
        if stream is None or not stream.items:
            return False
        index = offset - stream.items[0].offset
        if not 0 <= index < len(stream.items):
            return False
        stream.items[index] = msgspec.structs.replace(stream.items[index], data=data)
        if self._subscriber is not None:
            self._subscriber.on_redact(channel, offset, data)
        return True

    async def add_presence(self, channel: str, info: ClientInfo) -> None:
        until = self._clock.monotonic() + self._presence_s
        self._present.setdefault(channel, {})[info.client] = _Present(info, until)

    async def keep_presence(self, present: Sequence[Present]) -> None:
        for channel, info in present:
            await self.add_presence(channel, info)

    async def remove_presence(self, channel: str, client: str, user: str) -> bool:
        present = self._present.get(channel)
        if present is None or present.pop(client, None) is None:
            return False
        if not present:
            del self._present[channel]
        return True

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        return {client: entry.info for client, entry in self._present.get(channel, {}).items()}

    async def presence_stats(self, channel: str) -> PresenceStats:
        present = self._present.get(channel, {})
        return PresenceStats(len(present), len({entry.info.user for entry in present.values()}))

    async def occupy(self, channel: str, node: str) -> bool:
        return True

    async def keep_occupied(self, channels: Sequence[str], node: str) -> None:
        """Nobody else asks."""

    async def vacate(self, channel: str, node: str) -> bool:
        return True

    async def told_vacated(self, channel: str) -> None:
        """Nothing is kept of it."""

    async def abandoned(self) -> Sequence[str]:
        return ()

    async def tell(self, message: bytes, node: str = "") -> bool:
        return not node

    def sweep(self) -> None:
        """Forget streams, results and presence whose time is over."""
        self.maps.sweep()
        now = self._clock.monotonic()
        while self._results and (first := next(iter(self._results.items())))[1][0] <= now:
            del self._results[first[0]]
        for channel, stream in tuple(self._streams.items()):
            if stream.items and stream.expires <= now:
                stream.items.clear()
            if not stream.items and stream.forget <= now:
                del self._streams[channel]
        for channel, present in tuple(self._present.items()):
            for client in [client for client, entry in present.items() if entry.until <= now]:
                del present[client]
            if not present:
                del self._present[channel]

    def _stream(self, channel: str) -> _Stream:
        stream = self._streams.get(channel)
        if stream is None:
            epoch = "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._entropy(8))
            stream = self._streams[channel] = _Stream(epoch)
            stream.forget = self._clock.monotonic() + REALTIME_META_S
        return stream

    def _recall(self, channel: str, key: str) -> Published | None:
        found = self._results.get((channel, key))
        return found[1] if found is not None and found[0] > self._clock.monotonic() else None


def _publication(data: bytes, offset: int, options: PublishOptions) -> Publication:
    return Publication(
        data=data,
        offset=offset,
        info=options.info,
        tags=options.tags,
        delta=options.delta,
        weight=options.weight,
        kept_for=options.kept_for,
    )


def _select(items: deque[Publication], query: HistoryQuery) -> list[Publication]:
    """Offsets in `items` are without holes, so places are computed."""
    if not items:
        return []
    first, count = items[0].offset, len(items)
    limit = count if query.limit < 0 else query.limit
    if not query.reverse:
        start = max(query.since.offset + 1 - first, 0) if query.since is not None else 0
        return list(islice(items, start, start + limit))
    end = min(max(query.since.offset - first, 0), count) if query.since is not None else count
    return [items[index] for index in range(end - 1, max(end - limit, 0) - 1, -1)]

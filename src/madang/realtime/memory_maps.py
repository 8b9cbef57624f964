"""Maps of one process, in memory. Calls never wait."""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from itertools import count, islice
from typing import Final

import msgspec

from madang.base.clock import Clock
from madang.base.limits import (
    REALTIME_IDEMPOTENCY_KEYS,
    REALTIME_IDEMPOTENCY_S,
    REALTIME_MAP_BYTES,
    REALTIME_MAP_KEYS,
    REALTIME_MAP_PAGE_BYTES,
    REALTIME_MAPS_BYTES,
)
from madang.realtime.broker import Subscriber
from madang.realtime.maps import (
    KeyKept,
    KeyOptions,
    KeyPublished,
    MapFullError,
    MapRetention,
    RetentionOf,
    StatePage,
)
from madang.realtime.publication import Position, Publication, Stretch

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OVERHEAD: Final = 400
"""Bytes that an entry takes beside its key and data."""
_NEVER: Final = float("inf")
_SPARE: Final = 1000
"""Lines of keys that are gone, beside as many as there are keys."""
Entropy = Callable[[int], bytes]


class _Entry:
    """A key's value. It is the same object for as long as the key is there."""

    __slots__ = ("expires", "publication", "split", "version", "version_epoch")

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self.expires = _NEVER
        self.version = 0
        self.version_epoch = ""
        self.split = False
        """Subscribers were told other data than are kept: they have no common base for a delta."""

    @property
    def size(self) -> int:
        return _size(self.publication)


def _size(publication: Publication) -> int:
    return len(publication.key) + len(publication.data) + _OVERHEAD


class _Map:
    """One channel's keys and changes."""

    __slots__ = ("epoch", "expires", "forget", "keeps", "keys", "size", "state", "stream", "top")

    def __init__(self, epoch: str, keeps: MapRetention) -> None:
        self.epoch = epoch
        self.keeps = keeps
        self.top = 0
        self.state: dict[str, _Entry] = {}
        self.keys: list[str] = []
        """Sorted, as their bytes are."""
        self.size = 0
        self.stream: deque[Publication] = deque()
        self.expires = _NEVER
        """When the changes are forgotten."""
        self.forget = _NEVER
        """When all of it is, if there is no key then."""

    @property
    def position(self) -> Position:
        return Position(self.top, self.epoch)


class MemoryMaps:
    """Implements `maps.MapBroker`."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._maps: dict[str, _Map] = {}
        self._size = 0
        self._count = 0
        self._due: list[tuple[float, int, str, _Entry]] = []
        """When keys may be over: one that was published again finds out then, and waits on."""
        self._lines = count()
        self._results: OrderedDict[tuple[str, str], tuple[float, KeyPublished]] = OrderedDict()
        self.subscriber: Subscriber | None = None

    # --- changes ---------------------------------------------------------------------------------------

    async def publish(self, channel: str, key: str, data: bytes, options: KeyOptions) -> KeyPublished:
        return self.put(channel, key, data, options)

    def put(self, channel: str, key: str, data: bytes, options: KeyOptions) -> KeyPublished:
        """Publish without a coroutine."""
        if (known := self._known(channel, options)) is not None:
            return known
        now, keeps = self._clock.monotonic(), options.retention
        found = self._map(channel, keeps)
        entry = found.state.get(key)
        reason = _refused(entry, options)
        expires = now + keeps.key_ttl_s if keeps.key_ttl_s else _NEVER
        if reason:
            if reason == "key_exists" and options.refresh and entry is not None:
                self._last(channel, entry, expires)
                found.forget = now + keeps.meta_ttl_s if keeps.meta_ttl_s else _NEVER
            return KeyPublished(found.top, found.epoch, reason)
        publication = Publication(
            data=data, offset=found.top + 1, info=options.info, tags=options.tags, key=key,
            delta=options.delta,
        )  # fmt: skip
        told = publication
        if options.stream_data:
            told = msgspec.structs.replace(publication, data=options.stream_data)
        elif options.delta and entry is not None and not entry.split:
            told = msgspec.structs.replace(publication, prev=entry.publication.data)
        entry = self._set(found, publication, entry)
        entry.version, entry.version_epoch = options.version, options.version_epoch
        entry.split = bool(options.stream_data)
        self._last(channel, entry, expires)
        return self._change(channel, found, told, options)

    def _set(self, found: _Map, publication: Publication, entry: _Entry | None) -> _Entry:
        """The publication in its place. Raises MapFullError."""
        grown = _size(publication) - (entry.size if entry is not None else 0)
        if grown > 0 and (
            found.size + grown > REALTIME_MAP_BYTES or self._size + grown > REALTIME_MAPS_BYTES
        ):
            raise MapFullError
        if entry is None:
            if len(found.state) >= REALTIME_MAP_KEYS:
                raise MapFullError
            entry = found.state[publication.key] = _Entry(publication)
            insort(found.keys, publication.key)
            self._count += 1
        entry.publication = publication
        found.size += grown
        self._size += grown
        return entry

    def _last(self, channel: str, entry: _Entry, until: float) -> None:
        """The key stays until then."""
        if entry.expires == _NEVER and until != _NEVER:
            heappush(self._due, (until, next(self._lines), channel, entry))
        entry.expires = until

    def _change(
        self, channel: str, found: _Map, publication: Publication, options: KeyOptions
    ) -> KeyPublished:
        """The next offset, which everybody is told."""
        found.top = publication.offset
        self._keep_change(found, publication, options.retention)
        published = KeyPublished(found.top, found.epoch)
        if options.idempotency_key:
            until = self._clock.monotonic() + REALTIME_IDEMPOTENCY_S
            self._results[channel, options.idempotency_key] = until, published
            if len(self._results) > REALTIME_IDEMPOTENCY_KEYS:
                self._results.popitem(last=False)
        if self.subscriber is not None:
            self.subscriber.on_publication(channel, publication, found.position)
        return published

    def _keep_change(self, found: _Map, publication: Publication, keeps: MapRetention) -> None:
        now = self._clock.monotonic()
        found.forget = now + keeps.meta_ttl_s if keeps.meta_ttl_s else _NEVER
        if keeps.size:
            found.stream.append(publication)
            found.expires = now + keeps.ttl_s
            while len(found.stream) > keeps.size:
                found.stream.popleft()
        else:
            found.stream.clear()

    async def remove(self, channel: str, key: str, options: KeyOptions) -> KeyPublished:
        if (known := self._known(channel, options)) is not None:
            return known
        found = self._map(channel, options.retention)
        entry = found.state.get(key)
        if entry is None:
            return KeyPublished(found.top, found.epoch, "key_not_found")
        return self._take(channel, found, entry, options)

    def _take(self, channel: str, found: _Map, entry: _Entry, options: KeyOptions) -> KeyPublished:
        key = entry.publication.key
        del found.state[key]
        del found.keys[bisect_left(found.keys, key)]
        self._count -= 1
        found.size -= entry.size
        self._size -= entry.size
        publication = Publication(
            data=b"", offset=found.top + 1, info=options.info, key=key, removed=True,
            tags=options.tags or entry.publication.tags,
        )  # fmt: skip
        return self._change(channel, found, publication, options)

    async def keep(self, kept: Sequence[KeyKept]) -> None:
        for channel, key, options in kept:
            self.put(channel, key, b"", options)

    def _known(self, channel: str, options: KeyOptions) -> KeyPublished | None:
        key = options.idempotency_key
        known = self._results.get((channel, key)) if key else None
        if known is None or known[0] <= self._clock.monotonic():
            return None
        return KeyPublished(known[1].offset, known[1].epoch, "idempotency")

    # --- what there is ---------------------------------------------------------------------------------

    async def state(self, channel: str, cursor: str, limit: int, retention: MapRetention) -> StatePage:
        found = self._map(channel, retention)
        start = bisect_right(found.keys, cursor) if cursor else 0
        entries: list[Publication] = []
        size = 0
        for key in islice(found.keys, start, start + limit):
            entry = found.state[key]
            entries.append(entry.publication)
            size += entry.size
            if size >= REALTIME_MAP_PAGE_BYTES:
                break
        more = entries and start + len(entries) < len(found.keys)
        return StatePage(entries, found.position, entries[-1].key if more else "")

    async def entry(self, channel: str, key: str, retention: MapRetention) -> StatePage:
        found = self._map(channel, retention)
        entry = found.state.get(key)
        return StatePage([entry.publication] if entry is not None else [], found.position, "")

    async def stream(
        self, channel: str, since: int, limit: int, retention: MapRetention, *, reverse: bool = False
    ) -> Stretch:
        found = self._map(channel, retention)
        if found.expires <= self._clock.monotonic():
            found.stream.clear()
        if reverse:
            changes = [each for each in found.stream if since < 0 or each.offset < since]
            return Stretch(changes[::-1][:limit], found.position)
        first = found.top - len(found.stream) + 1
        start = max(since + 1 - first, 0) if since >= 0 else 0
        stop = min(start + limit, len(found.stream))
        return Stretch([found.stream[index] for index in range(start, stop)], found.position)

    async def count(self, channel: str) -> int:
        found = self._maps.get(channel)
        return len(found.state) if found is not None else 0

    async def clear(self, channel: str) -> None:
        found = self._maps.pop(channel, None)
        if found is not None:
            self._size -= found.size
            self._count -= len(found.state)
        if self.subscriber is not None:
            self.subscriber.on_clear(channel)

    # --- time ------------------------------------------------------------------------------------------

    async def expire(self, retention_of: RetentionOf) -> None:
        now = self._clock.monotonic()
        if len(self._due) > 2 * self._count + _SPARE:
            self._due = [line for line in self._due if self._is_there(line[2], line[3])]
            heapify(self._due)
        while self._due and self._due[0][0] <= now:
            _, line, channel, entry = heappop(self._due)
            if not self._is_there(channel, entry):
                continue
            if entry.expires > now:
                heappush(self._due, (entry.expires, line, channel, entry))
                continue
            found = self._maps[channel]
            self._take(channel, found, entry, KeyOptions(retention=found.keeps))

    def _is_there(self, channel: str, entry: _Entry) -> bool:
        found = self._maps.get(channel)
        return found is not None and found.state.get(entry.publication.key) is entry

    def sweep(self) -> None:
        """Forget changes, results and maps whose time is over."""
        now = self._clock.monotonic()
        while self._results and (first := next(iter(self._results.items())))[1][0] <= now:
            del self._results[first[0]]
        for channel, found in tuple(self._maps.items()):
            if found.stream and found.expires <= now:
                found.stream.clear()
            if not found.state and found.forget <= now:
                del self._maps[channel]

    def _map(self, channel: str, keeps: MapRetention) -> _Map:
        found = self._maps.get(channel)
        if found is None:
            epoch = "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._entropy(8))
            found = self._maps[channel] = _Map(epoch, keeps)
            if keeps.meta_ttl_s:
                found.forget = self._clock.monotonic() + keeps.meta_ttl_s
        found.keeps = keeps
        return found


def _refused(entry: _Entry | None, options: KeyOptions) -> str:
    """Why a key is not published."""
    if entry is None:
        return "key_not_found" if options.key_mode == "if_exists" else ""
    if options.key_mode == "if_new":
        return "key_exists"
    same = entry.version_epoch == options.version_epoch
    return "version" if options.version and same and options.version <= entry.version else ""

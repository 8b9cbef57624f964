"""Maps over Redis: every change is one step of it, told on the bus of the channel's publications."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from madang.base.limits import (
    REALTIME_IDEMPOTENCY_S,
    REALTIME_MAP_EXPIRED,
    REALTIME_MAP_KEYS,
    REALTIME_MAP_PAGE_BYTES,
)
from madang.realtime.driving import settle
from madang.realtime.maps import (
    KeyKept,
    KeyOptions,
    KeyPublished,
    MapFullError,
    MapRetention,
    RetentionOf,
    StatePage,
)
from madang.realtime.publication import Position, PublishOptions, Stretch
from madang.store import redis_map_scripts as scripts
from madang.store import redis_scripts
from madang.store.carried import pack, unpack

_DUE: Final = 100
_CLAIMED_MS: Final = 5000
"""A channel whose keys one node removes is left to it for so long."""
Ask = Callable[[Awaitable[Any]], Awaitable[Any]]


class RedisMaps:
    """Implements `maps.MapBroker`. `ask` bounds what Redis is asked; `bus` names a channel's."""

    def __init__(
        self,
        redis: Redis,
        ask: Ask,
        prefix: str,
        bus: Callable[[str], bytes],
        epoch: Callable[[], str],
    ) -> None:
        self._redis = redis
        self._ask = ask
        self._prefix = prefix
        self._bus = bus
        self._epoch = epoch
        self._publish, self._remove, self._state, self._stream = map(
            redis.register_script, (scripts.PUBLISH, scripts.REMOVE, scripts.STATE, redis_scripts.HISTORY)
        )
        self._expire, self._due, self._clear = map(
            redis.register_script, (scripts.EXPIRE, scripts.DUE, scripts.CLEAR)
        )

    # --- changes ---------------------------------------------------------------------------------------

    async def publish(self, channel: str, key: str, data: bytes, options: KeyOptions) -> KeyPublished:
        return _published(await self._ask(self._publish(*self._asked(channel, key, data, options))))

    async def keep(self, kept: Sequence[KeyKept]) -> None:
        await settle()
        pipeline = self._redis.pipeline(transaction=False)
        for channel, key, options in kept:
            await self._publish(*self._asked(channel, key, b"", options), client=pipeline)
        await self._ask(pipeline.execute())

    def _asked(self, channel: str, key: str, data: bytes, options: KeyOptions) -> tuple[list[str], list[Any]]:
        keeps = options.retention
        told = options.stream_data
        return self._keys(channel, options.idempotency_key), [
            channel,
            self._bus(channel),
            key,
            _packed(key, data, options),
            _packed(key, told, options) if told else b"",
            _removal(key, options),
            options.key_mode,
            int(options.refresh),
            int(keeps.key_ttl_s * 1000),
            keeps.size,
            max(int(keeps.ttl_s * 1000), 1),
            _meta_ms(keeps),
            self._epoch(),
            options.version,
            options.version_epoch,
            int(REALTIME_IDEMPOTENCY_S * 1000) if options.idempotency_key else 0,
            int(options.delta),
            REALTIME_MAP_KEYS,
        ]

    async def remove(self, channel: str, key: str, options: KeyOptions) -> KeyPublished:
        keeps = options.retention
        arguments: list[Any] = [
            self._bus(channel),
            key,
            _removal(key, options) if options.tags else b"",
            keeps.size,
            max(int(keeps.ttl_s * 1000), 1),
            _meta_ms(keeps),
            self._epoch(),
            int(REALTIME_IDEMPOTENCY_S * 1000) if options.idempotency_key else 0,
        ]
        keys = self._keys(channel, options.idempotency_key)
        return _published(await self._ask(self._remove(keys, arguments)))

    # --- what there is ---------------------------------------------------------------------------------

    async def state(self, channel: str, cursor: str, limit: int, retention: MapRetention) -> StatePage:
        return await self._page(channel, cursor, limit, retention, "")

    async def entry(self, channel: str, key: str, retention: MapRetention) -> StatePage:
        return await self._page(channel, "", 1, retention, key)

    async def _page(
        self, channel: str, cursor: str, limit: int, retention: MapRetention, one: str
    ) -> StatePage:
        arguments: list[Any] = [
            cursor,
            limit,
            self._epoch(),
            _meta_ms(retention),
            one,
            REALTIME_MAP_PAGE_BYTES,
        ]
        top, epoch, following, found = await self._ask(self._state(self._keys(channel), arguments))
        entries = [
            unpack(packed, int(offset)) for offset, packed in zip(found[::2], found[1::2], strict=True)
        ]
        return StatePage(entries, Position(int(top), epoch.decode()), following.decode())

    async def stream(
        self, channel: str, since: int, limit: int, retention: MapRetention, *, reverse: bool = False
    ) -> Stretch:
        _, _, _, changes, meta, _, _ = self._keys(channel)
        arguments: list[Any] = [limit, since, int(reverse), self._epoch(), _meta_ms(retention)]
        top, epoch, first, items = await self._ask(self._stream([changes, meta], arguments))
        found = [unpack(item, offset) for offset, item in enumerate(items, int(first))]
        return Stretch(found[::-1] if reverse else found, Position(int(top), epoch.decode()))

    async def count(self, channel: str) -> int:
        return int(await self._ask(self._redis.hlen(self._keys(channel)[0])))

    async def clear(self, channel: str) -> None:
        await self._ask(self._clear(self._keys(channel), [channel, self._bus(channel)]))

    # --- time ------------------------------------------------------------------------------------------

    async def expire(self, retention_of: RetentionOf) -> None:
        """Each channel is claimed by one node at a time."""
        asked = self._due([f"{self._prefix}.md"], [_DUE, _CLAIMED_MS])
        for channel in [name.decode() for name in await self._ask(asked)]:
            keeps = retention_of(channel) or MapRetention()
            await self._ask(
                self._expire(
                    self._keys(channel),
                    [
                        channel,
                        self._bus(channel),
                        keeps.size,
                        max(int(keeps.ttl_s * 1000), 1),
                        REALTIME_MAP_EXPIRED,
                    ],
                )
            )

    def _keys(self, channel: str, result: str = "") -> list[str]:
        kinds = (f"{self._prefix}.{kind}.{{{channel}}}" for kind in ("ms", "mk", "mx", "ml", "mm"))
        return [*kinds, f"{self._prefix}.md", f"{self._prefix}.mi.{{{channel}}}.{result}"]


def _packed(key: str, data: bytes, options: KeyOptions) -> bytes:
    how = PublishOptions(info=options.info, tags=options.tags, delta=options.delta)
    return pack(data, how, key=key)


def _removal(key: str, options: KeyOptions) -> bytes:
    return pack(b"", PublishOptions(tags=options.tags), key=key, removed=True)


def _published(answer: Sequence[Any]) -> KeyPublished:
    offset, epoch, reason = answer
    if reason == b"full":
        raise MapFullError
    return KeyPublished(int(offset), epoch.decode(), reason.decode())


def _meta_ms(keeps: MapRetention) -> int:
    """0 for ever. Keys must not outlive where they stand."""
    return int(max(keeps.meta_ttl_s, 2 * keeps.key_ttl_s) * 1000) if keeps.meta_ttl_s else 0

"""Maps of keys to values that clients mirror: what they keep, and the port of who keeps them.

Every change has the next offset of its channel, in every mode, so that what is heard can be compared with
what is read. Implemented in memory by `realtime.memory_maps` and over Redis in `store`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from madang.base.limits import REALTIME_MAP_PAGE, REALTIME_META_S
from madang.realtime.publication import NO_TAGS, ClientInfo, Position, Publication, Stretch

Mode = Literal["", "ephemeral", "recoverable", "persistent"]
KeyMode = Literal["", "if_new", "if_exists"]
ClientKey = Literal["", "client_id", "user_id"]
_STREAM_SIZE: Final = 100
_STREAM_S: Final = 60.0
_METAS: Final = 10


class MapOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a namespace of maps, named as in Centrifugo's configuration, durations in seconds."""

    mode: Mode = ""
    """`ephemeral` keeps no changes; `recoverable` and `persistent` do, and keys of the last one stay until
    they are removed."""
    key_ttl_s: float = 0.0
    stream_size: int = 0
    stream_ttl_s: float = 0.0
    meta_ttl_s: float = 0.0
    """How long the position outlives the last change; 0 for ten times the changes' own time."""
    client_key: ClientKey = ""
    """What a client's own key is, whatever it says."""
    remove_client_on_unsubscribe: bool = False
    allow_publish_for_client: bool = False
    allow_publish_for_subscriber: bool = False
    allow_publish_for_anonymous: bool = False
    allow_remove_for_client: bool = False
    allow_remove_for_subscriber: bool = False
    allow_remove_for_anonymous: bool = False
    publish_proxy_name: str = ""
    """The backend that decides instead."""
    remove_proxy_name: str = ""
    default_page_size: int = 100
    min_page_size: int = 100
    max_page_size: int = REALTIME_MAP_PAGE
    live_transition_max_publication_limit: int = 0
    """Changes that may be missing when a client goes live; 0 for `max_page_size`."""
    subscribe_catch_up_timeout_s: float = 5.0
    """How long a client may take for all pages."""

    @property
    def keeps(self) -> "MapRetention":
        """How long things are kept, with what follows from what is not said."""
        if self.mode == "ephemeral":
            return MapRetention(key_ttl_s=self.key_ttl_s, meta_ttl_s=max(self.key_ttl_s, _STREAM_S))
        ttl_s = self.stream_ttl_s or _STREAM_S
        if self.mode == "persistent":
            return MapRetention(size=self.stream_size or _STREAM_SIZE, ttl_s=ttl_s)
        return MapRetention(
            key_ttl_s=self.key_ttl_s,
            size=self.stream_size or _STREAM_SIZE,
            ttl_s=ttl_s,
            meta_ttl_s=max(self.meta_ttl_s or _METAS * ttl_s, ttl_s, self.key_ttl_s),
        )

    def page(self, asked: int) -> int:
        """How many entries of a page, where so many are asked for."""
        most = min(self.max_page_size or REALTIME_MAP_PAGE, REALTIME_MAP_PAGE)
        return min(max(asked if asked > 0 else self.default_page_size, self.min_page_size, 1), most)

    @property
    def behind(self) -> int:
        """How many changes a client that goes live may have missed."""
        return self.live_transition_max_publication_limit or min(self.max_page_size, REALTIME_MAP_PAGE)


class MapRetention(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a map, and for how long; 0 seconds are for ever."""

    key_ttl_s: float = 0.0
    size: int = 0
    """Changes; 0 for a map without a stream of them."""
    ttl_s: float = 0.0
    meta_ttl_s: float = 0.0


class KeyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a key is published or removed."""

    info: ClientInfo | None = None
    tags: Mapping[str, str] = NO_TAGS
    key_mode: KeyMode = ""
    refresh: bool = False
    """A key that is there already stays for another `key_ttl_s`, where `if_new` publishes nothing."""
    idempotency_key: str = ""
    version: int = 0
    """Not above that of the key's value: nothing is published; 0 for none."""
    version_epoch: str = ""
    delta: bool = False
    """Subscribers that agreed to deltas get the difference to the key's last value."""
    stream_data: bytes = b""
    """What subscribers get in place of the data that are kept."""
    retention: MapRetention = MapRetention()


class KeyPublished(msgspec.Struct, frozen=True):
    """What became of it: the map's position, and why nothing was done, if nothing was."""

    offset: int = 0
    epoch: str = ""
    reason: str = ""
    """`idempotency`, `version`, `key_exists`, `key_not_found`; empty where the map has changed."""


class StatePage(NamedTuple):
    """Entries in the order of their keys' bytes, where the map stood, and the cursor of the next page."""

    entries: Sequence[Publication]
    top: Position
    cursor: str
    """Empty on the last page."""


class KeyKept(NamedTuple):
    """A key that stays: of somebody who is still there."""

    channel: str
    key: str
    options: KeyOptions


RetentionOf = Callable[[str], MapRetention | None]
"""What a channel of maps keeps; None for channels that are none."""


class MapFullError(Exception):
    """The map, or the memory for all maps, has reached its bound: error 106."""


KEY_OPTIONS: Final = KeyOptions()
FOR_EVER: Final = REALTIME_META_S


class MapBroker(Protocol):
    """Maps of all nodes. Changes are told through the broker's subscriber. Every call may raise BrokerError;
    `publish` also MapFullError."""

    async def publish(self, channel: str, key: str, data: bytes, options: KeyOptions) -> KeyPublished:
        """Set a key, and tell its subscribers, atomically."""
        ...

    async def remove(self, channel: str, key: str, options: KeyOptions) -> KeyPublished:
        """Remove a key, with the tags that it had unless others are given."""
        ...

    async def keep(self, kept: Sequence[KeyKept]) -> None:
        """Publish many keys that are there already, or nearly always are, in one round trip."""
        ...

    async def state(self, channel: str, cursor: str, limit: int, retention: MapRetention) -> StatePage:
        """Entries behind the cursor, as many as `limit` and REALTIME_MAP_PAGE_BYTES allow. Creates the map's
        epoch."""
        ...

    async def entry(self, channel: str, key: str, retention: MapRetention) -> StatePage:
        """One key's entry, or none."""
        ...

    async def stream(
        self, channel: str, since: int, limit: int, retention: MapRetention, *, reverse: bool = False
    ) -> Stretch:
        """Changes after an offset, or before it when reversed; a negative offset is either end."""
        ...

    async def count(self, channel: str) -> int:
        """Keys of a map."""
        ...

    async def clear(self, channel: str) -> None:
        """Forget keys, changes and position. Told to all nodes through `on_clear`."""
        ...

    async def expire(self, retention_of: RetentionOf) -> None:
        """Called every second: remove keys whose time is over, as if somebody had."""
        ...

"""The words of the crowd: a publication, who sent it, where it stands in its channel, and how it is
published."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

NO_TAGS: Final[Mapping[str, str]] = {}


class Weight(IntEnum):
    """What a publication is worth to a viewer who reads too slowly, and how soon it must go."""

    PLAIN = 0
    """May be left out for a slow viewer of a namespace that sheds; merged into the channel's tick."""
    KEPT = 1
    """Never left out."""
    URGENT = 2
    """Never left out, and goes at once: moderation."""


class ClientInfo(msgspec.Struct, frozen=True):
    """Who: `conn_info` belongs to the connection, `chan_info` to its subscription; JSON or any bytes."""

    user: str
    client: str
    conn_info: bytes = b""
    chan_info: bytes = b""


class Position(NamedTuple):
    """A place in a channel's stream: offsets count from 1 while the epoch is the same."""

    offset: int
    epoch: str


NOWHERE: Final = Position(0, "")


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One publication as brokers keep and carry it. `offset` is 0 in channels without history."""

    data: bytes
    offset: int = 0
    info: ClientInfo | None = None
    tags: Mapping[str, str] = NO_TAGS
    delta: bool = False
    """Subscribers that agreed to deltas may get it as one."""
    weight: Weight = Weight.PLAIN
    kept_for: frozenset[str] = frozenset()
    """Users for whom it is never left out: its author, and whom it mentions."""
    epoch: str = ""
    """Told with the first publication of a stream, to who subscribed before there was one."""
    key: str = ""
    """Of a map or a shared poll: what this is the value of."""
    removed: bool = False
    """The key is gone; there are no data."""
    prev: bytes = b""
    """Of a map: what the key's value was before, where subscribers may get the difference to it."""
    version: int = 0
    """Of a shared poll: the value's."""


class Stretch(NamedTuple):
    """A part of a channel's history, oldest first unless reversed, and the channel's top."""

    publications: Sequence[Publication]
    top: Position


class Retention(msgspec.Struct, frozen=True):
    """How much history a channel keeps; none where either of size and ttl is 0."""

    size: int = 0
    ttl_s: float = 0.0
    meta_ttl_s: float = 0.0
    """How long offset and epoch outlive the publications; 0 for the server's default."""

    @property
    def kept(self) -> bool:
        return self.size > 0 and self.ttl_s > 0


class PublishOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to publish; the engine fills `retention` from the channel's namespace."""

    info: ClientInfo | None = None
    tags: Mapping[str, str] = NO_TAGS
    skip_history: bool = False
    idempotency_key: str = ""
    """The same key in the same channel within five minutes publishes once; the result is repeated."""
    version: int = 0
    """A publication whose version is not above the last one's is suppressed; 0 for none."""
    version_epoch: str = ""
    delta: bool = False
    weight: Weight = Weight.PLAIN
    kept_for: frozenset[str] = frozenset()
    retention: Retention = Retention()


class Published(msgspec.Struct, frozen=True):
    """What became of a publication: its position, and whether it was suppressed as a repetition."""

    offset: int = 0
    epoch: str = ""
    suppressed: bool = False


DEFAULT: Final = PublishOptions()

"""The port between processes: fan-out, history, presence and messages from node to node.

Implemented in memory by `realtime.memory` and over Redis and NATS in `store`. A broker hands what it receives
to its `Subscriber`, in the order of each channel; the subscriber must not raise and does not wait.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from madang.realtime.maps import MapBroker
from madang.realtime.publication import (
    ClientInfo,
    Position,
    Publication,
    Published,
    PublishOptions,
    Retention,
)
from madang.realtime.publication import Stretch as Stretch


class BrokerError(Exception):
    """The broker does not answer: error 100 to clients, who come again."""


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a channel's history: `limit` 0 asks for the position alone, -1 for everything."""

    limit: int = -1
    since: Position | None = None
    """Publications after it, or before it when reversed; the epoch is not compared."""
    reverse: bool = False


class Outgoing(NamedTuple):
    """One of `publish_many`."""

    channel: str
    data: bytes
    options: PublishOptions


class Present(NamedTuple):
    """Somebody who is still there."""

    channel: str
    info: ClientInfo


class PresenceStats(NamedTuple):
    """Connections and distinct users present in a channel."""

    clients: int
    users: int


class Subscriber(Protocol):
    """The engine, as brokers see it."""

    def on_publication(self, channel: str, publication: Publication, top: Position) -> None:
        """`top` is the publication's own position; offset 0 where no history is kept."""
        ...

    def on_join(self, channel: str, info: ClientInfo) -> None: ...

    def on_leave(self, channel: str, info: ClientInfo) -> None: ...

    def on_redact(self, channel: str, offset: int, data: bytes) -> None:
        """History has changed at this offset: what was made from the old text must not be sent any more."""
        ...

    def on_clear(self, channel: str) -> None:
        """A map was emptied: what its subscribers know of it is void."""
        ...

    def on_node_message(self, sender: str, message: bytes) -> None:
        """Another process said something to all, or to this one."""
        ...

    def on_gap(self, channels: Sequence[str] | None) -> None:
        """Publications may have been missed, in these channels or in all: check positions now."""
        ...


class Broker(Protocol):
    """Fan-out, history and presence for all nodes. Every call may raise BrokerError, within its own
    deadline."""

    in_process: bool
    """Calls never wait and nobody else publishes: true for memory alone."""
    keeps_history: bool

    @property
    def maps(self) -> MapBroker | None:
        """Who keeps maps; None where nobody does."""
        ...

    async def start(self, node: str, subscriber: Subscriber) -> None: ...

    async def close(self) -> None: ...

    async def subscribe(self, channel: str) -> None:
        """This process has its first subscriber of a channel. Idempotent."""
        ...

    async def unsubscribe(self, channel: str) -> None:
        """This process has no subscriber of a channel any more. Idempotent."""
        ...

    async def publish(self, channel: str, data: bytes, options: PublishOptions) -> Published:
        """Add to history, where it is kept, and fan out, atomically; the own node is told through its
        subscriber."""
        ...

    async def publish_many(self, items: Sequence[Outgoing]) -> Sequence[Published | BrokerError]:
        """The same for many in one round trip, in order; each succeeds or fails alone."""
        ...

    async def publish_join(self, channel: str, info: ClientInfo) -> None: ...

    async def publish_leave(self, channel: str, info: ClientInfo) -> None: ...

    async def history(self, channel: str, query: HistoryQuery, retention: Retention) -> Stretch:
        """Redacted items come with their new data at their old offsets. Creates the stream's epoch."""
        ...

    async def remove_history(self, channel: str) -> None:
        """Forget the publications; the position stays."""
        ...

    async def redact(self, channel: str, offset: int, data: bytes) -> bool:
        """Replace the data of one publication in history, recovery and cache; False when it is not kept any
        more.
        The offset stays. Told to all nodes through `on_redact`."""
        ...

    async def add_presence(self, channel: str, info: ClientInfo) -> None:
        """Enter or refresh; an entry that is not refreshed is forgotten after the settings' `presence_s`."""
        ...

    async def keep_presence(self, present: Sequence[Present]) -> None:
        """Refresh many in one round trip."""
        ...

    async def remove_presence(self, channel: str, client: str, user: str) -> bool:
        """Whether it was there."""
        ...

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """By client id."""
        ...

    async def presence_stats(self, channel: str) -> PresenceStats: ...

    async def occupy(self, channel: str, node: str) -> bool:
        """A node has subscribers in a channel, for `presence_s` unless it says so again. Whether it is the
        first."""
        ...

    async def keep_occupied(self, channels: Sequence[str], node: str) -> None:
        """Say so again of many, in one round trip."""
        ...

    async def vacate(self, channel: str, node: str) -> bool:
        """A node has none any more. Whether it was the last: then it tells, and says `told_vacated`."""
        ...

    async def told_vacated(self, channel: str) -> None:
        """Somebody was told that nobody is there: unless this is said, `abandoned` brings the channel up."""
        ...

    async def abandoned(self) -> Sequence[str]:
        """Channels of nodes that are gone, which nobody told of; each node that asks gets others."""
        ...

    async def tell(self, message: bytes, node: str = "") -> bool:
        """Say something to all other nodes, or to one; False when nobody of that name listens."""
        ...

    def sweep(self) -> None:
        """Called every few seconds: forget what this process keeps and is over."""
        ...

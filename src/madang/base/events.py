"""Events that leave the server, and the outbox that delivers them at least once."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

Plain = str | int | float | bool | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: `kind` like `stream.began`, `room` orders events of one channel."""

    id: str
    kind: str
    room: str
    at: float
    """Seconds since 1970-01-01 UTC."""
    data: Mapping[str, Plain]


class Outbox(Protocol):
    """Keeps an event in the same transaction as its cause; delivery follows, in order per room."""

    async def put(self, event: Event) -> None: ...

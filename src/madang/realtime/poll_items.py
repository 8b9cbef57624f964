"""Keys of one shared poll: what is known of each, which connections want it, and what an answer of the
backend changes. No time, no transport."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from madang.base.limits import REALTIME_POLL_KEPT_BYTES
from madang.protocols.centrifugo.codes import Code
from madang.realtime.wires import Wire

NO_DIGEST: Final = 0


class Value(NamedTuple):
    """What the backend says of one key. `version` is 0 where it counts none."""

    key: str
    data: bytes = b""
    version: int = 0
    removed: bool = False
    previous: bytes = b""
    """The data before, for deltas, where the backend says them."""


class Base(NamedTuple):
    """What a delta is made against."""

    version: int
    data: bytes


class Change(NamedTuple):
    """News of one key for whoever has an older version."""

    key: str
    version: int = 0
    data: bytes = b""
    base: Base | None = None
    removed: bool = False


class Wanted(NamedTuple):
    """A key that a connection may track, and what it has of it."""

    key: str
    version: int
    expires_at: float


class Listener(Protocol):
    """A connection as polls write to it."""

    wire: Wire

    def send(self, frames: bytes) -> None: ...

    def end_subscription(self, channel: str, code: Code) -> None: ...

    def disconnect(self, code: Code) -> None: ...


class Tracked:
    """One key of one connection."""

    __slots__ = ("based", "expires_at", "version")

    def __init__(self, version: int, expires_at: float) -> None:
        self.version = version
        """What it has, or is about to get."""
        self.expires_at = expires_at
        """Seconds since 1970-01-01 UTC; 0 for never."""
        self.based = False
        """It got that version from here, and may get a delta against it."""


class Tracking:
    """All keys of one connection in one channel."""

    __slots__ = ("delta", "epoch", "keys", "listener")

    def __init__(self, listener: Listener, epoch: str, *, delta: bool) -> None:
        self.listener = listener
        self.epoch = epoch
        """As its subscribe was answered."""
        self.delta = delta
        self.keys: dict[str, Tracked] = {}

    def first_expiry(self) -> float:
        """0 where nothing expires."""
        return min((each.expires_at for each in self.keys.values() if each.expires_at), default=0.0)


class Item:
    """One key."""

    __slots__ = ("answered", "data", "digest", "followers", "fresh", "unsure", "version")

    def __init__(self) -> None:
        self.version = 0
        """0 while nothing is known."""
        self.digest = NO_DIGEST
        """Of the data, where versions are counted here."""
        self.data: bytes | None = None
        """Kept where the namespace asks for it."""
        self.fresh = False
        """Published since the last poll: the next one leaves it out."""
        self.unsure = False
        """Somebody has an older version, or none, and nothing is kept to tell them."""
        self.answered = 0
        """Number of the question whose answer was taken last."""
        self.followers: dict[Tracking, Tracked] = {}


class Budget:
    """What all polls of this node may keep together."""

    __slots__ = ("bytes", "keys")

    def __init__(self) -> None:
        self.bytes = 0
        self.keys = 0

    def allows(self, more: int) -> bool:
        return self.bytes + more <= REALTIME_POLL_KEPT_BYTES


class Items:
    """The keys of one channel."""

    __slots__ = ("_budget", "_count", "_items")

    def __init__(self, budget: Budget) -> None:
        self._items: dict[str, Item] = {}
        self._budget = budget
        self._count = 0
        """The last version that was counted here."""

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def get(self, key: str) -> Item | None:
        return self._items.get(key)

    def follow(self, tracking: Tracking, wanted: Wanted) -> Item:
        """Let a connection follow a key from the version that it has."""
        item = self._items.get(wanted.key)
        if item is None:
            item = self._items[wanted.key] = Item()
            self._budget.keys += 1
        tracked = Tracked(wanted.version, wanted.expires_at)
        item.followers[tracking] = tracking.keys[wanted.key] = tracked
        return item

    def unfollow(self, tracking: Tracking, keys: Iterable[str]) -> None:
        """A key that nobody follows is forgotten."""
        for key in keys:
            if tracking.keys.pop(key, None) is None:
                continue
            item = self._items[key]
            del item.followers[tracking]
            if not item.followers:
                self._forget(key, item)

    def remove(self, key: str) -> None:
        """The backend has it no more: nor has anybody else."""
        item = self._items.get(key)
        if item is None:
            return
        for tracking in item.followers:
            del tracking.keys[key]
        self._forget(key, item)

    def reset(self) -> None:
        """Versions begin anew."""
        for item in self._items.values():
            self._keep(item, None)
            item.version = item.answered = 0
            item.digest, item.fresh, item.unsure = NO_DIGEST, False, False

    def due(self) -> list[str]:
        """The keys that the next poll asks for."""
        found = [key for key, item in self._items.items() if not item.fresh]
        for item in self._items.values():
            item.fresh = False
        return sorted(found)

    def question(self, keys: Iterable[str], *, counts: bool) -> list[tuple[str, int | None]]:
        """Keys that are still followed, with the versions that are known where the backend counts them."""
        found = ((key, self._items[key]) for key in keys if key in self._items)
        return [(key, None if not counts else 0 if item.unsure else item.version) for key, item in found]

    def take(self, values: Sequence[Value], number: int, *, counts: bool, keeps: bool) -> list[Change]:
        """What the answer to question `number` changes. A key that the answer to a later question told of
        already is as it was."""
        changes = []
        for value in values:
            item = self._items.get(value.key)
            if item is None or item.answered > number:
                continue
            item.answered = number
            if value.removed:
                changes.append(Change(value.key, removed=True))
            elif (change := self._change(item, value, counts=counts, keeps=keeps)) is not None:
                changes.append(change)
        return changes

    def put(self, value: Value, *, keeps: bool) -> Change | None:
        """A value that was published. None where it is not newer, or nobody follows the key."""
        item = self._items.get(value.key)
        if item is None or value.version <= item.version:
            return None
        item.fresh = True
        return self._renew(item, value, value.version, keeps)

    def _change(self, item: Item, value: Value, *, counts: bool, keeps: bool) -> Change | None:
        version = value.version
        if not counts and not version:
            digest = hash(value.data)
            if not item.version or digest != item.digest:
                item.digest = digest
                self._count += 1
                version = self._count
        if version > item.version:
            return self._renew(item, value, version, keeps) if value.data else None
        if not item.unsure or not item.version or not value.data:
            return None
        item.unsure = False
        return Change(value.key, item.version, value.data)

    def _renew(self, item: Item, value: Value, version: int, keeps: bool) -> Change:
        before = value.previous if item.data is None else item.data
        base = Base(item.version, before) if before and item.version else None
        item.version = version
        item.unsure = False
        self._keep(item, value.data if keeps else None)
        return Change(value.key, version, value.data, base)

    def _keep(self, item: Item, data: bytes | None) -> None:
        """Within what all may keep."""
        self._budget.bytes -= len(item.data or b"")
        item.data = data if data is not None and self._budget.allows(len(data)) else None
        self._budget.bytes += len(item.data or b"")

    def _forget(self, key: str, item: Item) -> None:
        self._keep(item, None)
        self._budget.keys -= 1
        del self._items[key]

"""Members of a channel who get the same bytes, and what waits for them."""

from typing import NamedTuple, Protocol

from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import Code
from madang.realtime.publication import Publication
from madang.realtime.wires import Wire


class Writable(Protocol):
    """The sending half of a transport."""

    def write(self, data: bytes) -> None: ...


class Entry(NamedTuple):
    """A frame that waits for the tick, or for a slow reader."""

    frame: bytes
    sequence: int
    """Counts what the room was given; who joined after it does not get it."""
    plain: bool
    """May be left out."""
    kept_for: frozenset[str]
    full: bytes
    """In a group with deltas: the same for who has no base."""
    publication: Publication | None


Batch = list[Entry]


class Member(Protocol):
    """A connection as rooms write to it."""

    transport: Writable

    @property
    def held(self) -> object | None:
        """Not None while the connection is slow: then `hold` takes what it should get."""
        ...

    def hold(self, batch: Batch) -> None: ...

    def disconnect(self, code: Code) -> None: ...

    def end_subscription(self, channel: str, code: Code) -> None:
        """From the server's side, telling the client."""
        ...

    def lose(self, channel: str) -> None:
        """A publication was missed: who was promised continuity must recover."""
        ...


class Fresh(NamedTuple):
    """A member since the last sweep, or one without a base for deltas."""

    sequence: int
    based: bool


class Group:
    """The same wire, with or without deltas, behind the same filter."""

    __slots__ = ("base", "delta", "filter", "fresh", "joins", "keyed", "members", "pending", "wire")

    def __init__(self, key: "GroupKey", *, keyed: bool = False) -> None:
        self.wire, self.delta, self.filter, self.joins = key
        self.keyed = keyed
        """Deltas are of a key's values, which every member has."""
        self.members: dict[Member, None] = {}
        self.fresh: dict[Member, Fresh] = {}
        self.pending: Batch = []
        self.base: bytes | None = None
        """Data of the last publication that went to this group; the base of its next delta."""

    @property
    def key(self) -> "GroupKey":
        return self.wire, self.delta, self.filter, self.joins

    def __len__(self) -> int:
        return len(self.members) + len(self.fresh)

    def add(self, member: Member, sequence: int, base: bytes | None) -> None:
        """Let a member in. `base` is what it has, for deltas."""
        based = not self.delta or self.keyed or (base is not None and base == self.base)
        if self.pending or not based:
            self.fresh[member] = Fresh(sequence, based)
        else:
            self.members[member] = None

    def remove(self, member: Member) -> None:
        if self.fresh.pop(member, None) is None:
            self.members.pop(member, None)

    def take(self) -> "Work":
        """The batch that waits, and to whom it goes; the fresh get theirs apart."""
        batch, self.pending = self.pending, []
        data = batch[0].frame if len(batch) == 1 else b"".join([entry.frame for entry in batch])
        targets = list(self.members)
        return Work(batch, data, targets, self._admit(batch))

    def _admit(self, batch: Batch) -> list[tuple[Member, Batch]]:
        """What each fresh member gets: what came after it, the first in full where it has no base."""
        fresh, self.fresh = self.fresh, {}
        given: list[tuple[Member, Batch]] = []
        for member, (sequence, based) in fresh.items():
            own = [entry for entry in batch if entry.sequence > sequence]
            if not own and not based:
                self.fresh[member] = Fresh(sequence, based)
                continue
            if not based:
                own[0] = own[0]._replace(frame=own[0].full)
            self.members[member] = None
            if own:
                given.append((member, own))
        return given


class Work(NamedTuple):
    """One group's part of a sweep."""

    batch: Batch
    data: bytes
    """The batch's frames joined."""
    targets: list[Member]
    fresh: list[tuple[Member, Batch]]


GroupKey = tuple[Wire, bool, m.FilterNode | None, bool]
"""Wire, with deltas, filter, and whether joins and leaves are what it gets."""

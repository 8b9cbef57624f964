"""A house without a database and without rooms: rows in memory, a door that writes down what it was told."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from madang.base.roles import ChannelRole
from madang.chat.filter import Rules, Verdict, compile_rules
from madang.chat.ports import Change, Demand, Done, Drop, Fenced, Put, Query, Set
from madang.chat.settings import RoomSettings
from madang.chat.superchat.door import Guest, Note
from madang.chat.words import Author
from madang.realtime.gate import Caller

_UNIQUE = {
    "paid_orders": (("provider", "payment"), ("channel", "user_id", "nonce"), ("id",)),
    "poll_votes": (("poll", "user_id"),),
}


class MemoryLog:
    """Implements `chat.ports.Log`: a commit is whole or not at all."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def commit(self, changes: Sequence[Change], done: Done) -> None:
        before = {name: [dict(row) for row in rows] for name, rows in self.tables.items()}
        try:
            for change in changes:
                self._apply(change)
        except (Fenced, ValueError) as fault:
            self.tables = defaultdict(list, before)
            done(fault)
            return
        done(None)

    async def find(self, query: Query) -> list[dict[str, Any]]:
        rows = [row for row in self.tables[query.table] if _equals(row, query.where)]
        if query.above is not None:
            rows = [row for row in rows if row[query.order] is not None and row[query.order] > query.above]
        if query.below is not None:
            rows = [row for row in rows if row[query.order] is not None and row[query.order] < query.below]
        rows.sort(key=lambda row: (row[query.order] is not None, row[query.order]), reverse=query.newest)
        return [dict(row) for row in rows[: query.limit]]

    def _apply(self, change: Change) -> None:
        rows = self.tables[change.table]
        if isinstance(change, Put):
            if change.key:
                rows[:] = [r for r in rows if any(r[k] != change.row[k] for k in change.key)]
            for unique in _UNIQUE.get(change.table, ()):
                for row in rows:
                    if all(row[k] is not None and row[k] == change.row[k] for k in unique):
                        raise ValueError(f"not unique: {unique}")
            rows.append(dict(change.row))
        elif isinstance(change, Set):
            for row in rows:
                if _equals(row, change.where):
                    row.update(change.values)
        elif isinstance(change, Drop):
            rows[:] = [row for row in rows if not _equals(row, change.where)]
        elif isinstance(change, Demand) and not any(_equals(row, change.where) for row in rows):
            raise Fenced(change.table)


def _equals(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(row[name] == value for name, value in where.items())


class WrittenDoor:
    """Implements `chat.superchat.door.Door`."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.room = RoomSettings()
        self.posted: list[Note] = []
        self.taken: list[str] = []
        self.told: list[tuple[str, Any]] = []
        self.moderators: list[Any] = []
        self.logged: list[tuple[str, str, str]] = []
        self.parts: dict[str, Any] = {}

    async def who(self, caller: Caller, channel: str) -> Guest:
        return guest(caller.user)

    async def settings(self, channel: str) -> RoomSettings:
        return self.room

    async def commit(self, channel: str, changes: Sequence[Change]) -> None:
        faults: list[BaseException | None] = []
        self.log.commit(changes, faults.append)
        if faults[0] is not None:
            raise faults[0]

    async def happen(self, channel: str, changes: Sequence[Change]) -> None:
        await self.commit(channel, changes)

    async def post(self, channel: str, note: Note, changes: Sequence[Change]) -> None:
        await self.commit(channel, changes)
        self.posted.append(note)

    async def take_down(self, channel: str, message: str, by: str, changes: Sequence[Change] = ()) -> None:
        await self.commit(channel, changes)
        self.taken.append(message)

    async def tell(self, channel: str, kind: str, data: bytes) -> None:
        self.told.append((kind, msgspec.json.decode(data)))

    async def set_part(self, channel: str, name: str, value: bytes) -> None:
        self.parts[name] = msgspec.json.decode(value)

    async def tell_moderators(self, channel: str, data: bytes) -> None:
        self.moderators.append(msgspec.json.decode(data))

    async def decided(self, channel: str, by: str, action: str, note: Note) -> None:
        self.logged.append((by, action, note.text))


class Judge:
    """Implements `chat.ports.TextFilter` by the lists that come with the server."""

    def judge(self, channel: str, text: str) -> Verdict:
        return compile_rules(Rules()).check(text)


def guest(user: str, *can: str, role: ChannelRole = ChannelRole.VIEWER) -> Guest:
    author = Author(id=user, name=user.rpartition(".")[2], role=role.value)
    return Guest(author=author, role=role, can=can or ("send", "effects", "poll", "paid"))


def counter() -> Callable[[], str]:
    """Ids that sort in the order in which they were made."""
    made = iter(range(1, 1_000_000))
    return lambda: f"{next(made):026}"

"""What paid messages, polls and effects ask of the room they happen in."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from madang.base.roles import ChannelRole
from madang.chat.ports import Change
from madang.chat.settings import RoomSettings
from madang.chat.words import Author
from madang.realtime.gate import Caller


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a room, as it knows them now."""

    author: Author
    role: ChannelRole
    can: tuple[str, ...]


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the server posts for somebody who paid."""

    id: str
    author: Author
    text: str
    paid: bytes
    """JSON: amount, tier, colours."""


class Door(Protocol):
    """Rooms, from outside. Calls may raise ReplyError; those that commit raise Fenced when a demand fails."""

    async def who(self, caller: Caller, channel: str) -> Guest:
        """ReplyError 103 for whoever is not in the room."""
        ...

    async def settings(self, channel: str) -> RoomSettings: ...

    async def commit(self, channel: str, changes: Sequence[Change]) -> None:
        """Commit for a room wherever it is run, in one order with everything else that happens in it."""
        ...

    async def happen(self, channel: str, changes: Sequence[Change]) -> None:
        """Commit for a room that is run here; DeposedError, and nothing was written, where another node runs
        it."""
        ...

    async def post(self, channel: str, note: Note, changes: Sequence[Change]) -> None:
        """Post a message; its row and `changes` are one commit, and nobody sees it before."""
        ...

    async def take_down(self, channel: str, message: str, by: str, changes: Sequence[Change]) -> None:
        """Delete a message as a moderator, in one commit with `changes`; one that is gone already is no
        fault."""
        ...

    async def tell(self, channel: str, kind: str, data: bytes) -> None:
        """Publish JSON to everybody in the room; `kind` is its tag `k`."""
        ...

    async def set_part(self, channel: str, name: str, value: bytes) -> None:
        """`poll`, `paid` or `goal` of the snapshot is another, and everybody is told."""
        ...

    async def tell_moderators(self, channel: str, data: bytes) -> None: ...

    async def decided(self, channel: str, by: str, action: str, note: Note) -> None:
        """A line of the moderators' log: what `by` decided about a message that was not shown yet."""
        ...

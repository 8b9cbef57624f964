"""The door into the rooms of this process: paid messages, polls and effects come in by it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from madang.chat import rights, rows
from madang.chat.leases import ElsewhereError
from madang.chat.members import ACCOUNT, Member
from madang.chat.nodes import Nodes
from madang.chat.ports import Cell, Change, DeposedError, Set
from madang.chat.questions import Keep, Part, Post, TakeDown
from madang.chat.room import CHAT, MODERATORS, Room
from madang.chat.rooms import Rooms
from madang.chat.sending import Sending
from madang.chat.settings import RoomSettings
from madang.chat.superchat.door import Guest, Note
from madang.chat.words import Audited, AuditEntry, Delete, Message, encode
from madang.realtime.gate import Caller
from madang.realtime.ports import PERMISSION_DENIED
from madang.realtime.publication import PublishOptions, Weight

Q = TypeVar("Q", Post, TakeDown, Part, Keep)


class RoomDoor:
    """Implements `chat.superchat.door.Door`."""

    def __init__(self, rooms: Rooms, sending: Sending) -> None:
        self._rooms, self._sending = rooms, sending
        self.nodes: Nodes | None = None
        """Where several nodes share rooms."""

    async def who(self, caller: Caller, channel: str) -> Guest:
        room = self._rooms.known(channel)
        if room is None:
            raise PERMISSION_DENIED
        if not caller.client:
            return guest_of(
                room, room.members.absent(caller.user.removeprefix(ACCOUNT), room.yard.clock.wall())
            )
        member = room.members.get(caller.user)
        if member is None or caller.client not in member.clients:
            raise PERMISSION_DENIED
        self._sending.rates.admit_call(member, room.yard.clock.monotonic())
        return guest_of(room, member)

    async def settings(self, channel: str) -> RoomSettings:
        return (await self._rooms.look(channel)).settings

    async def commit(self, channel: str, changes: Sequence[Change]) -> None:
        """A channel that is gone has no room that could be run twice; its orders go on all the same."""
        if self.nodes is None or self._rooms.yard.identity.place(channel) is None:
            await self._rooms.yard.pump.do(changes, _nothing)
        else:
            await self._in(Keep(channel, tuple(changes)), self.do_keep)

    async def do_keep(self, room: Room, keep: Keep) -> None:
        """In a room that is run here."""
        await room.happen(keep.changes, _nothing)

    async def happen(self, channel: str, changes: Sequence[Change]) -> None:
        try:
            room = self._rooms.known(channel) or await self._rooms.open(channel)
        except ElsewhereError:
            raise DeposedError(channel) from None
        try:
            await room.happen(changes, _nothing)
        except DeposedError:
            self._rooms.give_up(channel)
            raise

    async def post(self, channel: str, note: Note, changes: Sequence[Change]) -> None:
        await self._in(
            Post(channel, note.id, note.author, note.text, note.paid, tuple(changes)), self.do_post
        )

    async def do_post(self, room: Room, post: Post) -> None:
        """In a room that is run here."""
        message = Message(
            id=post.id,
            seq=0,
            at=room.yard.now_ms(),
            kind="paid",
            user=post.author,
            text=post.text,
            paid=msgspec.Raw(post.paid),
        )
        await self._sending.post(room, message, *post.changes)

    async def take_down(self, channel: str, message: str, by: str, changes: Sequence[Change] = ()) -> None:
        if self._rooms.yard.identity.place(channel) is None:
            await self.commit(channel, changes)  # its messages went with it
        else:
            await self._in(TakeDown(channel, message, by, tuple(changes)), self.do_take_down)

    async def do_take_down(self, room: Room, down: TakeDown) -> None:
        """In a room that is run here."""
        message, by = down.message, down.by
        seen = room.view.get(message)
        here = {"channel": room.channel, "id": message}
        values: dict[str, Cell] = {"deleted_at": room.yard.now_ms(), "deleted_by": by}
        actor = room.members.get(by)
        entry = room.entry(actor, "delete", message=seen.text if seen else "", reason="paid")

        async def deed() -> None:
            if seen is not None:
                await room.vanish(seen)
            event = Delete(ids=(message,), by=actor.name if actor else "")
            await room.tell(event, "mod", weight=Weight.URGENT)
            await room.tell_audit(entry)

        gone = Set("chat_messages", here, values)
        await room.happen([*down.changes, gone, *room.audit(entry)], deed)

    async def tell(self, channel: str, kind: str, data: bytes) -> None:
        """Any node may publish what leaves no trace in the room."""
        room = self._rooms.known(channel) if self.nodes is not None else await self._rooms.open(channel)
        weight = Weight.PLAIN if kind == "fx" else Weight.KEPT
        if room is not None:
            await room.tell_raw(data, kind, weight)
        else:
            options = PublishOptions(tags={"k": kind}, weight=weight)
            await self._rooms.yard.crowd.publish(CHAT + channel, data, options)

    async def set_part(self, channel: str, name: str, value: bytes) -> None:
        await self._in(Part(channel, name, value), self.do_part)

    async def do_part(self, room: Room, part: Part) -> None:
        """In a room that is run here."""
        if room.parts.get(part.name) != part.value:
            await room.set_part(part.name, part.value)

    async def tell_moderators(self, channel: str, data: bytes) -> None:
        options = PublishOptions(weight=Weight.URGENT)
        await self._rooms.yard.crowd.publish(MODERATORS + channel, data, options)

    async def decided(self, channel: str, by: str, action: str, note: Note) -> None:
        yard = self._rooms.yard
        person = yard.identity.person(by.removeprefix(ACCOUNT))
        entry = AuditEntry(
            id=yard.new_id(),
            at=yard.now_ms(),
            action=action,
            actor=by,
            actor_name=person.display_name if person else "",
            target=note.author.id,
            target_name=note.author.name,
            message=note.text,
            reason="paid",
        )
        await self.commit(channel, [rows.put_audit(channel, entry)])
        await self.tell_moderators(channel, encode(Audited(entry=entry)))

    async def _in(self, asked: Q, do: Callable[[Room, Q], Awaitable[None]]) -> None:
        """Where the room is run."""
        if self.nodes is not None:
            await self.nodes.done(asked, partial(_given, do, asked))
        else:
            await do(await self._rooms.open(asked.channel), asked)


async def _nothing() -> None:
    return None


async def _given(do: Callable[[Room, Q], Awaitable[None]], asked: Q, room: Room) -> None:
    await do(room, asked)


def guest_of(room: Room, member: Member) -> Guest:
    """Somebody as paid messages, polls and effects know them."""
    muted = room.muted(member.user) is not None
    can = () if member.is_gone else rights.abilities(member.role, muted=muted)
    return Guest(author=member.author(), role=member.role, can=can)

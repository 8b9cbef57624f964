"""The door into the rooms of this process: paid messages, polls and effects come in by it."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from madang.chat import rights
from madang.chat.ports import Cell, Change, Set
from madang.chat.room import MODERATORS, Room
from madang.chat.rooms import Rooms
from madang.chat.sending import Sending
from madang.chat.settings import RoomSettings
from madang.chat.superchat.door import Guest, Note
from madang.chat.words import Delete, Message
from madang.realtime.gate import Caller
from madang.realtime.ports import PERMISSION_DENIED
from madang.realtime.publication import PublishOptions, Weight


class RoomDoor:
    """Implements `chat.superchat.door.Door`."""

    def __init__(self, rooms: Rooms, sending: Sending) -> None:
        self._rooms, self._sending = rooms, sending

    async def who(self, caller: Caller, channel: str) -> Guest:
        room = self._rooms.known(channel)
        member = room.members.get(caller.user) if room is not None else None
        if room is None or member is None or caller.client not in member.clients:
            raise PERMISSION_DENIED
        self._sending.rates.admit_call(member, room.yard.clock.monotonic())
        can = rights.abilities(member.role, muted=room.muted(member.user) is not None)
        return Guest(author=member.author(), role=member.role, can=can)

    async def settings(self, channel: str) -> RoomSettings:
        return (await self._rooms.open(channel)).settings

    async def commit(
        self, changes: Sequence[Change], deed: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        async def nothing() -> None:
            return None

        await self._rooms.yard.pump.do(changes, deed or nothing)

    async def post(self, channel: str, note: Note, changes: Sequence[Change]) -> None:
        room = await self._rooms.open(channel)
        message = Message(
            id=note.id,
            seq=0,
            at=room.yard.now_ms(),
            kind="paid",
            user=note.author,
            text=note.text,
            paid=msgspec.Raw(note.paid),
        )
        await self._sending.post(room, message, *changes)

    async def take_down(self, channel: str, message: str, by: str) -> None:
        room = await self._rooms.open(channel)
        seen = room.view.get(message)
        here = {"channel": channel, "id": message}
        values: dict[str, Cell] = {"deleted_at": room.yard.now_ms(), "deleted_by": by}
        actor = room.members.get(by)
        entry = room.entry(actor, "delete", message=seen.text if seen else "", reason="paid")

        async def deed() -> None:
            if seen is not None:
                await room.vanish(seen)
            event = Delete(ids=(message,), by=actor.name if actor else "")
            await room.tell(event, "mod", weight=Weight.URGENT)
            await room.tell_audit(entry)

        await room.happen([Set("chat_messages", here, values), *room.audit(entry)], deed)

    async def tell(self, channel: str, kind: str, data: bytes) -> None:
        room = await self._rooms.open(channel)
        await room.tell_raw(data, kind, Weight.PLAIN if kind == "fx" else Weight.KEPT)

    async def set_part(self, channel: str, name: str, value: bytes) -> None:
        room = await self._rooms.open(channel)
        if room.parts.get(name) != value:
            await room.set_part(name, value)

    async def tell_moderators(self, channel: str, data: bytes) -> None:
        room: Room = await self._rooms.open(channel)
        options = PublishOptions(weight=Weight.URGENT)
        await room.yard.crowd.publish(MODERATORS + channel, data, options)

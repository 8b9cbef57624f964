"""What the log has of a room: its newest messages, pins and quotes, without what was hidden since."""

import contextlib
from collections.abc import Sequence

import msgspec

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_HELD, CHAT_ROOM_MESSAGES, CHAT_SNAPSHOT_MESSAGES
from madang.chat import rows
from madang.chat.ports import Query
from madang.chat.room import Room
from madang.chat.view import is_cut, unquoted, without
from madang.chat.words import Message, Pin, Tombstone


async def hide(room: Room, user: str, through: int) -> None:
    """A cut acts on memory, on what may be recovered, and on pins."""
    room.cuts[user] = max(through, room.cuts.get(user, 0))
    for message in room.view.hidden_by(through, user):
        await room.vanish(message)
    room.changed()
    quoted = [pin.message.reply for pin in room.pins if pin.message.reply is not None]
    gone = {reply.id for reply in quoted if user in ("", reply.user) and room.view.get(reply.id) is None}
    pins = without(tuple(pin for pin in room.pins if not is_cut(pin.message, room.cuts)), gone)
    if pins != room.pins:
        await room.set_pins(pins)


def lasting(room: Room, pins: Sequence[Pin]) -> tuple[Pin, ...]:
    """Pins as the room says what is pinned, without what was cut."""
    return tuple(
        msgspec.structs.replace(pin, message=room.view.get(pin.id) or pin.message)
        for pin in pins
        if not is_cut(pin.message, room.cuts)
    )


async def waiting(room: Room) -> int:
    """How many messages wait for approval."""
    where = {"channel": room.channel, "state": "held"}
    return len(await room.yard.pump.log.find(Query(table="chat_held", where=where, limit=CHAT_HELD)))


async def refresh_held(room: Room) -> None:
    """After a deed that may have denied some. It was done, whatever the store says to this."""
    with contextlib.suppress(Overloaded):
        room.held = await waiting(room)


async def refill(room: Room) -> None:
    """When much was deleted, older messages come into the snapshot again; if not now, with the next deed."""
    if len(room.view) < CHAT_SNAPSHOT_MESSAGES and room.seq > len(room.view):
        with contextlib.suppress(Overloaded):
            room.view.fill(await newest(room, CHAT_ROOM_MESSAGES))


async def newest(room: Room, wanted: int) -> list[Message]:
    """The newest messages of the log that may be seen, the eldest first."""
    found: list[Message] = []
    below: int | None = None
    for _ in range(20):
        query = Query(
            table="chat_messages", where={"channel": room.channel}, order="seq", below=below, limit=wanted
        )
        page = await room.yard.pump.log.find(query)
        seen = [rows.shown(row, room.cuts) for row in page]
        found += [message for message in seen if isinstance(message, Message)]
        if len(page) < wanted or len(found) >= wanted:
            break
        below = page[-1]["seq"]
    return [m for m in await unquote(room, found[:wanted][::-1]) if isinstance(m, Message)]


async def kept_pins(room: Room) -> tuple[Pin, ...]:
    """The pins of the log without what was cut since."""
    pins = room.pins
    messages = await unquote(room, await _pinned(room, pins))
    kept = (
        (pin, message) for pin, message in zip(pins, messages, strict=True) if isinstance(message, Message)
    )
    return tuple(msgspec.structs.replace(pin, message=message) for pin, message in kept)


async def _pinned(room: Room, pins: Sequence[Pin]) -> list[Message | Tombstone]:
    """What is pinned, as the log says it; what the log forgot as it was."""
    found: dict[str, Message | Tombstone] = {pin.id: pin.message for pin in pins}
    if found:
        here, names = {"channel": room.channel}, tuple(found)
        query = Query(table="chat_messages", where=here, among=("id", names), order="seq", limit=len(names))
        for row in await room.yard.pump.log.find(query):
            found[row["id"]] = rows.shown(row, room.cuts)
    return [found[pin.id] for pin in pins]


async def unquote(room: Room, messages: Sequence[Message | Tombstone]) -> list[Message | Tombstone]:
    """Quotes of messages that are gone are gone as well."""
    asked = {m.reply.id for m in messages if isinstance(m, Message) and m.reply is not None}
    asked -= {message.id for message in messages if isinstance(message, Message)}
    gone = {message.id for message in messages if isinstance(message, Tombstone)}
    if asked:
        query = Query(
            table="chat_messages",
            where={"channel": room.channel},
            among=("id", tuple(asked)),
            order="seq",
            limit=len(asked),
        )
        found = await room.yard.pump.log.find(query)
        gone |= {row["id"] for row in found if isinstance(rows.shown(row, room.cuts), Tombstone)}
    return [
        unquoted(m) if isinstance(m, Message) and m.reply is not None and m.reply.id in gone else m
        for m in messages
    ]

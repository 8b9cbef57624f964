"""What was committed and told to nobody: its node died, or the broker was away. Whoever takes the room over
tells it, or whoever runs it when the broker is back."""

from collections.abc import Mapping
from typing import Final

import msgspec

from madang.base.limits import CHAT_HELD, CHAT_RECOVERY, REALTIME_IDEMPOTENCY_S
from madang.chat import rows
from madang.chat.ports import Query
from madang.chat.room import CHAT, Room
from madang.chat.words import (
    Clear,
    Delete,
    Edit,
    Message,
    Purge,
    SettingsChanged,
    Tombstone,
    Waiting,
    encode,
)
from madang.realtime.publication import Weight

_LATE_MS: Final = int(REALTIME_IDEMPOTENCY_S * 1000)
"""What is older was told, or nobody waits for it any more. The broker knows a message again for as long."""


class Told(msgspec.Struct):
    """A message in the broker's history: what it says, where, and where events with other texts of it lie."""

    id: str
    seq: int = 0
    text: str = ""
    offset: int = 0
    """0 when it is not there any more."""
    data: bytes = b""
    edits: list[int] = []


async def make_up(room: Room, told: Mapping[str, Told]) -> None:
    """`told` is what the broker has, by message. Events of the last minutes that were told after all are told
    twice: each says how things are, so that changes nothing."""
    query = Query(table="chat_messages", where={"channel": room.channel}, order="seq", limit=CHAT_RECOVERY)
    found = (await room.yard.pump.log.find(query))[::-1]
    first = min((one.seq for one in told.values() if one.offset), default=None)
    late = room.yard.now_ms() - _LATE_MS
    gone: list[str] = []
    for row in found:
        shown, known = rows.shown(row, room.cuts), told.get(row["id"]) or Told(row["id"])
        if isinstance(shown, Message):
            shown = room.view.get(shown.id) or shown  # without quotes of what is gone
        if isinstance(shown, Tombstone):
            if await _forgotten(room, shown, known) or (row["deleted_at"] or 0) > late:
                gone.append(shown.id)
        elif known.offset:
            await _corrected(room, shown, known, late)
        elif row["seq"] > first if first is not None else row["at"] > late:
            await room.appear(shown, frozenset((shown.user.id, *shown.mentions)))
        elif (shown.edited_at or 0) > late:
            await _tell_edit(room, shown)
    if gone:
        await room.tell(Delete(ids=tuple(gone)), "mod", weight=Weight.URGENT)
    await _cuts(room, late)
    await _waiting(room, late)
    await room.tell(SettingsChanged(settings=room.settings, by=""), "mod", weight=Weight.URGENT)
    await room.set_pins(room.pins)


async def _forgotten(room: Room, shown: Tombstone, known: Told) -> bool:
    """A message that is gone leaves no text behind; whether some was left."""
    crowd, channel, left = room.yard.crowd, CHAT + room.channel, False
    now = encode(shown)
    if known.offset and known.data != now:
        left = await crowd.redact(channel, known.offset, now)
    event = encode(Delete(ids=(shown.id,)))
    for offset in known.edits:
        left = await crowd.redact(channel, offset, event) or left
    return left


async def _corrected(room: Room, shown: Message, known: Told, late: int) -> None:
    """A message that is there says what the log says, and quotes nothing that is gone."""
    message = room.view.get(shown.id) or shown
    if known.data != encode(message):
        await room.become(message)
    if message.text != known.text or (message.edited_at or 0) > late:
        await _tell_edit(room, message)


async def _tell_edit(room: Room, message: Message) -> None:
    edited_at = message.edited_at or message.at
    event = Edit(id=message.id, text=message.text, mentions=message.mentions, edited_at=edited_at)
    room.view.edited(message.id, await room.tell(event, "msg", weight=Weight.KEPT))


async def _waiting(room: Room, late: int) -> None:
    """What has waited for approval for some minutes at most: its author and the moderators are told."""
    where = {"channel": room.channel, "state": "held"}
    query = Query(table="chat_held", where=where, order="at", above=late, limit=CHAT_HELD)
    for row in (await room.yard.pump.log.find(query))[::-1]:
        message = msgspec.structs.replace(rows.message_of(row), held=True)
        waiting = Waiting(channel=room.channel, message=message)
        await room.tell_user(message.user.id, waiting)
        await room.tell_moderators(msgspec.structs.replace(waiting, reason=row["reason"]))


async def _cuts(room: Room, late: int) -> None:
    """Purges and clears of the last minutes."""
    query = Query(table="chat_cuts", where={"channel": room.channel}, order="at", above=late)
    for row in (await room.yard.pump.log.find(query))[::-1]:
        if row["user_id"]:
            event: Clear | Purge = Purge(user=row["user_id"], through=row["through"])
        else:
            event = Clear(through=row["through"], by="")
        await room.tell(event, "mod", weight=Weight.URGENT)

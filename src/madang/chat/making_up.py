"""What a node that died left undone: committed, and told to nobody. Whoever takes its room over tells it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from madang.base.limits import CHAT_RECOVERY, REALTIME_IDEMPOTENCY_S
from madang.chat import rows
from madang.chat.ports import Query
from madang.chat.room import CHAT, Room
from madang.chat.view import tombstone
from madang.chat.words import Clear, Delete, Edit, Message, Purge, SettingsChanged, Tombstone
from madang.realtime.publication import Weight

_LATE_MS: Final = int(REALTIME_IDEMPOTENCY_S * 1000)
"""What is older was told, or nobody waits for it any more. The broker knows a message again for as long."""


class Told(msgspec.Struct):
    """Of an event in the broker's history, what it takes to find it again."""

    t: str = ""
    id: str = ""
    seq: int = 0
    text: str = ""
    deleted: bool = False
    offset: int = 0


async def make_up(room: Room, told: Mapping[str, Told]) -> None:
    """`told` is what the broker has, by message. Events that were told after all are told twice: each says
    how things are, so that changes nothing."""
    find = room.yard.pump.log.find
    query = Query(table="chat_messages", where={"channel": room.channel}, order="seq", limit=CHAT_RECOVERY)
    found = (await find(query))[::-1]
    first = min((one.seq for one in told.values() if one.seq), default=None)
    late = room.yard.now_ms() - _LATE_MS
    gone: list[str] = []
    for row in found:
        shown, known = rows.shown(row, room.cuts), told.get(row["id"])
        if known is None:
            if isinstance(shown, Message) and (row["seq"] > first if first is not None else row["at"] > late):
                await room.appear(shown, frozenset((shown.user.id, *shown.mentions)))
        elif isinstance(shown, Tombstone):
            if not known.deleted:
                gone.append(shown.id)
                await _forget(room, row, known.offset)
        elif shown.text != known.text:
            await _edit(room, shown)
    if gone:
        await room.tell(Delete(ids=tuple(gone)), "mod", weight=Weight.URGENT)
    await _cuts(room, late)
    await room.tell(SettingsChanged(settings=room.settings, by=""), "mod", weight=Weight.URGENT)
    await room.set_pins(room.pins)


async def _forget(room: Room, row: Mapping[str, Any], offset: int) -> None:
    await room.yard.crowd.redact(CHAT + room.channel, offset, tombstone(rows.message_of(row)))


async def _edit(room: Room, message: Message) -> None:
    await room.become(message)
    edited_at = message.edited_at or message.at
    event = Edit(id=message.id, text=message.text, mentions=message.mentions, edited_at=edited_at)
    room.view.edited(message.id, await room.tell(event, "msg", weight=Weight.KEPT))


async def _cuts(room: Room, late: int) -> None:
    """Purges and clears of the last minutes."""
    query = Query(table="chat_cuts", where={"channel": room.channel}, order="at", above=late)
    for row in (await room.yard.pump.log.find(query))[::-1]:
        if row["user_id"]:
            event: Clear | Purge = Purge(user=row["user_id"], through=row["through"])
        else:
            event = Clear(through=row["through"], by="")
        await room.tell(event, "mod", weight=Weight.URGENT)

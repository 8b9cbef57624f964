"""Events on their way out: what outbox and chat log hold behind two places, in the order of time.

Each of the two keeps the order of its commits, whatever clocks say: a place never passes what was not told.
"""

import heapq
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from madang.control.records import Place, Told
from madang.store.away import away_is_overload
from madang.store.crowd_schema import chat_cuts, chat_messages, outbox


class EventLog:
    """Implements `control.ports.EventLog`; message events are a cursor over the log, not rows."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def since(self, room: str, place: Place, limit: int, *, messages: bool) -> list[Told]:
        """The next events of a room; `place` of each is where its reader stands after it."""
        events = select(outbox).where(outbox.c.room == room, outbox.c.seq > place.outbox)
        said = select(chat_messages).where(chat_messages.c.channel == room, chat_messages.c.seq > place.log)
        cuts = select(chat_cuts).where(chat_cuts.c.channel == room)
        with away_is_overload():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(events.order_by(outbox.c.seq).limit(limit))).mappings().all()
                found, spoken = [_event(row) for row in rows], []
                if messages:
                    asked = said.order_by(chat_messages.c.seq).limit(limit)
                    lines = (await connection.execute(asked)).mappings().all()
                    hidden = {r["user_id"]: r["through"] for r in (await connection.execute(cuts)).mappings()}
                    spoken = [_message(row, hidden) for row in lines]
        merged = heapq.merge(found, spoken, key=lambda told: told.at)
        return _placed([told for told, _ in zip(merged, range(limit), strict=False)], place)

    async def end(self, room: str) -> Place:
        """Behind everything that there is now."""
        last = select(func.max(outbox.c.seq)).where(outbox.c.room == room)
        said = select(func.max(chat_messages.c.seq)).where(chat_messages.c.channel == room)
        return await self._place(last, said)

    async def before(self, room: str, at: float) -> Place:
        """Before everything that happened at `at` (seconds) or later."""
        last = select(func.max(outbox.c.seq)).where(outbox.c.room == room, outbox.c.at < at)
        said = select(func.max(chat_messages.c.seq)).where(
            chat_messages.c.channel == room, chat_messages.c.at < int(at * 1000)
        )
        return await self._place(last, said)

    async def _place(self, events: Any, messages: Any) -> Place:
        with away_is_overload():
            async with self._engine.connect() as connection:
                first = (await connection.execute(events)).scalar()
                second = (await connection.execute(messages)).scalar()
        return Place(outbox=first or 0, log=second or 0)


def _event(row: Any) -> Told:
    data = msgspec.json.decode(row["data"])
    return Told(id=row["id"], kind=row["kind"], at=row["at"], data=data, outbox=row["seq"])


def _message(row: Any, cuts: dict[str, int]) -> Told:
    """A message as everybody may see it now: one that was deleted meanwhile has no text."""
    data: dict[str, Any] = {"id": row["id"], "seq": row["seq"], "kind": row["kind"]}
    cut = max(cuts.get("", 0), cuts.get(row["user_id"], 0))
    if row["deleted_at"] is not None or (row["seq"] <= cut and row["kind"] != "paid"):
        data["deleted"] = True
    else:
        data |= {"user": msgspec.json.decode(row["author"]), "text": row["text"]}
        data |= msgspec.json.decode(row["data"])
    return Told(id=row["id"], kind="chat.message", at=row["at"] / 1000, data=data, log=row["seq"])


def _placed(found: list[Told], place: Place) -> list[Told]:
    """Each with the places that are reached once it is delivered."""
    placed = []
    for told in found:
        place = Place(outbox=max(place.outbox, told.outbox), log=max(place.log, told.log))
        placed.append(msgspec.structs.replace(told, outbox=place.outbox, log=place.log))
    return placed

"""What the chat has about one account: all of it to take along, and none of it to leave behind by name."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from madang.base.errors import Overloaded
from madang.chat import rows
from madang.chat.members import ACCOUNT
from madang.chat.nodes import Nodes
from madang.chat.ports import Change, Drop, Log, Query, Set
from madang.chat.pump import Pump
from madang.chat.rooms import Rooms
from madang.chat.words import Author, Pin, encode

GONE_NAME: Final = "…"
_NOBODY: Final = encode(Author(id="", name=GONE_NAME, role="viewer")).decode()
_MOST: Final = 100_000
_SAID: Final = ("channel", "id", "at", "kind", "text", "edited_at", "deleted_at")
_HELD: Final = ("channel", "id", "at", "text")
_BANS: Final = ("channel", "kind", "until", "reason", "at")
_PAID: Final = (
    *("channel", "id", "amount", "currency", "text", "anonymous"),
    *("provider", "state", "created_at", "paid_at"),
)
_read_pins = msgspec.json.Decoder(tuple[Pin, ...]).decode


class Farewell:
    """Of a server; rooms that are open here are told anew."""

    def __init__(self, log: Log, pump: Pump, rooms: Rooms) -> None:
        self._log, self._pump, self._rooms = log, pump, rooms
        self.nodes: Nodes | None = None
        """Where several nodes share rooms."""

    # --- to take along

    async def said(self, account: str) -> list[dict[str, Any]]:
        """Everything that somebody said, the newest first."""
        return await self._of(account, "chat_messages", _SAID, order="at")

    async def waiting(self, account: str) -> list[dict[str, Any]]:
        """What nobody else was shown, or not yet."""
        return await self._of(account, "chat_held", _HELD)

    async def bans(self, account: str) -> list[dict[str, Any]]:
        """Bans and timeouts of theirs, as they were told of them."""
        query = Query(table="chat_bans", where={"subject": ACCOUNT + account, "kind": "ban"}, limit=_MOST)
        return [{name: row[name] for name in _BANS} for row in await self._log.find(query)]

    async def paid(self, account: str) -> list[dict[str, Any]]:
        """Paid messages, those too that came to nothing."""
        return await self._of(account, "paid_orders", _PAID)

    async def votes(self, account: str) -> list[dict[str, Any]]:
        return await self._of(account, "poll_votes", ("poll", "choice"))

    async def _of(
        self, account: str, table: str, kept: Sequence[str], order: str = "id"
    ) -> list[dict[str, Any]]:
        query = Query(table=table, where={"user_id": ACCOUNT + account}, order=order, limit=_MOST)
        return [{name: row[name] for name in kept} for row in await self._log.find(query)]

    # --- to leave behind

    async def forget(self, account: str) -> None:
        """Take an account's name off what it said: texts stay where they were said, the books stay whole,
        and what a purge hid stays hidden. Raises Overloaded."""
        user = ACCOUNT + account
        nobody = f"madang.x.{self._rooms.yard.new_id()}"
        changes: list[Change] = [
            Set("chat_messages", {"user_id": user}, {"author": _NOBODY, "user_id": nobody}),
            Set("chat_cuts", {"user_id": user}, {"user_id": nobody}),
            Set("chat_held", {"user_id": user}, {"author": _NOBODY, "user_id": nobody}),
            Set("chat_audit", {"target": user}, {"target_name": GONE_NAME}),
            Set("chat_audit", {"actor": user}, {"actor_name": GONE_NAME}),
            Set("chat_bans", {"by": user}, {"by_name": GONE_NAME}),
            Drop("chat_bans", {"kind": "ban", "subject": user}),
            Drop("chat_bans", {"kind": "shadow", "subject": user}),
            Set("paid_orders", {"user_id": user}, {"author": _NOBODY}),
            *await self._quotes(user),
            *await self._pins(user),
            *await self._events(user),
        ]
        try:
            await self._pump.do(changes, _nothing)
        except Exception as error:
            raise Overloaded("chat log", "The chat is busy; try again.") from error
        for room in self._rooms:
            await self._rooms.reload(room)
        if self.nodes is not None:
            self.nodes.spread("names")

    async def _quotes(self, user: str) -> list[Change]:
        """Answers to what they said quote them by name."""
        asked = Query(table="chat_messages", holds=("data", f'"user":"{user}"'), order="at", limit=_MOST)
        changes: list[Change] = []
        for row in await self._log.find(asked):
            message = rows.message_of(row)
            if message.reply is not None and message.reply.user == user:
                reply = msgspec.structs.replace(message.reply, user="", name=GONE_NAME)
                data = rows.rest_of(msgspec.structs.replace(message, reply=reply))
                here = {"channel": row["channel"], "id": row["id"]}
                changes.append(Set("chat_messages", here, {"data": data}))
        return changes

    async def _pins(self, user: str) -> list[Change]:
        asked = Query(table="chat_rooms", holds=("pins", f'"{user}"'), order="channel", limit=_MOST)
        changes: list[Change] = []
        for row in await self._log.find(asked):
            pins = encode(tuple(_unnamed(pin, user) for pin in _read_pins(row["pins"]))).decode()
            changes.append(Set("chat_rooms", {"channel": row["channel"]}, {"pins": pins}))
        return changes

    async def _events(self, user: str) -> list[Change]:
        """What webhooks are told, now or when it is asked for again."""
        asked = Query(table="outbox", holds=("data", f'"{user}"'), order="seq", limit=_MOST)
        changes: list[Change] = []
        for row in await self._log.find(asked):
            data = msgspec.json.decode(row["data"])
            names = {f"{who}_name": GONE_NAME for who in ("actor", "target") if data.get(who) == user}
            if names:
                changes.append(Set("outbox", {"seq": row["seq"]}, {"data": encode(data | names).decode()}))
        return changes


def _unnamed(pin: Pin, user: str) -> Pin:
    message = pin.message
    if message.user.id == user:
        message = msgspec.structs.replace(message, user=Author(id="", name=GONE_NAME, role="viewer"))
    if message.reply is not None and message.reply.user == user:
        reply = msgspec.structs.replace(message.reply, user="", name=GONE_NAME)
        message = msgspec.structs.replace(message, reply=reply)
    return msgspec.structs.replace(pin, message=message)


async def _nothing() -> None:
    return None

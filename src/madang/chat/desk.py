"""What pages read of a room beside its live events: log, bans, audit, people, and replay."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from madang.chat import refusals, rows
from madang.chat.kept import unquote
from madang.chat.members import Member
from madang.chat.ports import Query
from madang.chat.room import Room
from madang.chat.rooms import Rooms
from madang.chat.rows import Ban, audit_of, message_of
from madang.chat.targets import Target
from madang.chat.words import AuditEntry, Message, Tombstone, Waiting, encode

_CARD = 50


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; `next` is where the next one begins, None at the end."""

    items: list[Any]
    next: int | str | None = None


class Desk:
    """Reads; decides nothing."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._log = rooms.yard.pump.log

    async def messages(
        self, channel: str, *, below: int | None = None, above: int | None = None, limit: int = 50
    ) -> Slice:
        """The log by `seq`, the eldest first; what is hidden comes as tombstones."""
        room = await self._rooms.look(channel)
        newest = above is None
        query = Query(
            table="chat_messages",
            where={"channel": channel},
            order="seq",
            below=below,
            above=above,
            newest=newest,
            limit=limit + 1,
        )
        found = await self._log.find(query)
        more = found[limit - 1]["seq"] if len(found) > limit else None
        page = found[:limit][::-1] if newest else found[:limit]
        shown = await unquote(room, [rows.shown(row, room.cuts) for row in page])
        return Slice(items=shown, next=more)

    async def replay(
        self, channel: str, from_ms: int, to_ms: int, after: str | None, limit: int
    ) -> tuple[list[Message | Tombstone], str | None]:
        """What was said between two moments, in the order of the log; `after` is the id of the last one."""
        room = await self._rooms.look(channel)
        if after is not None:
            where = {"channel": channel, "id": after}
            last = await self._log.find(Query(table="chat_messages", where=where, limit=1))
            if not last:
                raise refusals.not_found()
            query = Query(
                table="chat_messages",
                where={"channel": channel},
                order="seq",
                newest=False,
                above=last[0]["seq"],
                limit=limit + 1,
            )
        else:
            query = Query(
                table="chat_messages",
                where={"channel": channel},
                order="at",
                newest=False,
                above=from_ms - 1,
                limit=limit + 1,
            )
        found = [row for row in await self._log.find(query) if row["at"] <= to_ms]
        more = found[limit - 1]["id"] if len(found) > limit else None
        return await unquote(room, [rows.shown(row, room.cuts) for row in found[:limit]]), more

    async def export(self, channel: str) -> AsyncIterator[bytes]:
        """The whole log as lines of JSON, the eldest first."""
        above = -1
        while True:
            page = await self.messages(channel, above=above, limit=500)
            for item in page.items:
                yield encode(item) + b"\n"
                above = item.seq
            if page.next is None:
                return

    async def held(self, channel: str, cursor: str | None, limit: int) -> Slice:
        """What waits for approval, the eldest first."""
        where = {"channel": channel, "state": "held"}
        found = await self._log.find(
            Query(table="chat_held", where=where, newest=False, above=cursor, limit=limit + 1)
        )
        items = [
            Waiting(channel=channel, message=message_of(row), reason=row["reason"]) for row in found[:limit]
        ]
        return Slice(items=items, next=found[limit - 1]["id"] if len(found) > limit else None)

    async def bans(self, channel: str, cursor: str | None, limit: int) -> Slice:
        """Bans, timeouts that last, and shadow bans, the newest first; addresses are never shown."""
        found = await self._log.find(
            Query(table="chat_bans", where={"channel": channel}, below=cursor, limit=limit + 1)
        )
        now = self._rooms.yard.now_ms()
        bans = [msgspec.convert(row, Ban) for row in found[:limit]]
        shown = [ban for ban in bans if ban.lasts(now)]
        hidden = [msgspec.structs.replace(b, subject="") if b.kind == "ip" else b for b in shown]
        return Slice(items=hidden, next=found[limit - 1]["id"] if len(found) > limit else None)

    async def audit(self, channel: str, cursor: str | None, limit: int, target: str = "") -> Slice:
        """Who did what, the newest first."""
        where = {"channel": channel, "target": target} if target else {"channel": channel}
        found = await self._log.find(Query(table="chat_audit", where=where, below=cursor, limit=limit + 1))
        more = found[limit - 1]["id"] if len(found) > limit else None
        return Slice(items=[audit_of(row) for row in found[:limit]], next=more)

    def chatters(self, room: Room, cursor: str | None, limit: int) -> Slice:
        """Who is connected, by name."""
        here = sorted((m for m in room.members if m.clients), key=lambda m: (m.name, m.user))
        rest = here[_behind(here, cursor) :] if cursor is not None else here
        more = rest[limit - 1].user if len(rest) > limit else None
        return Slice(items=[m.author() for m in rest[:limit]], next=more)

    async def card(self, room: Room, user: str) -> dict[str, Any]:
        """What moderators see of one person."""
        target = Target(room, user)
        query = Query(
            table="chat_messages",
            where={"channel": room.channel, "user_id": target.user},
            order="seq",
            limit=_CARD,
        )
        found = await self._log.find(query)
        author = target.member.author() if target.member else None
        if author is None and found:
            author = message_of(found[0]).user
        if author is None:
            raise refusals.not_found()
        entries: list[AuditEntry] = (await self.audit(room.channel, None, _CARD, target.user)).items
        return {
            "user": author,
            "followed_at": await self._followed_at(room, target),
            "ban": room.muted(target.user),
            "shadow": room.is_shadowed(target.user),
            "messages": [
                {**_plain(message_of(row)), "deleted": row["deleted_at"] is not None} for row in found[::-1]
            ],
            "audit": entries,
        }

    async def _followed_at(self, room: Room, target: Target) -> int | None:
        if not target.user.startswith("madang.u."):
            return None
        account = target.user.removeprefix("madang.u.")
        since = await room.yard.identity.followed_at(account, room.channel)
        return None if since is None else int(since * 1000)


def _plain(message: Message) -> dict[str, Any]:
    """By way of JSON: what was paid is kept as JSON."""
    plain: dict[str, Any] = msgspec.json.decode(encode(message))
    return plain


def _behind(here: list[Member], cursor: str) -> int:
    """The place behind the one that the cursor names; the first one when they have left."""
    return next((place for place, member in enumerate(here, 1) if member.user == cursor), 0)

"""The rooms of this process: opened from the log when somebody comes, forgotten when nobody is there."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import structlog

from madang.base.errors import Overloaded
from madang.base.limits import CHAT_NONCES, CHAT_ROOM_IDLE_S, CHAT_ROOM_MESSAGES
from madang.chat.kept import kept_pins, newest, waiting
from madang.chat.leases import ElsewhereError, Leases
from madang.chat.making_up import Told, make_up
from madang.chat.moderation import refresh
from madang.chat.ports import DeposedError, Query
from madang.chat.room import CHAT, MODERATORS, SPOKEN, Room, Yard
from madang.chat.rows import Ban, put_event
from madang.chat.settings import RoomSettings
from madang.chat.words import Counts, Pin
from madang.realtime.broker import BrokerError, HistoryQuery
from madang.realtime.ports import PERMISSION_DENIED, ReplyError
from madang.realtime.publication import Weight

LOOKED_AT_EVERY_S = 1.0
COUNTS_EVERY_S = 5.0
TOLD_EVERY_S = 60.0
"""How often comings and goings are told outside."""
_BANS = 10_000
_CUTS = 10_000
_AWAY = (ReplyError, Overloaded, BrokerError, OSError)
_READ_SETTINGS = msgspec.json.Decoder(RoomSettings).decode
_READ_PINS = msgspec.json.Decoder(tuple[Pin, ...]).decode


class _Event(msgspec.Struct):
    """Of an event in the broker's history, what it takes to find it again."""

    t: str = ""
    id: str = ""
    seq: int = 0
    text: str = ""


_log = structlog.get_logger()
_read_event = msgspec.json.Decoder(_Event).decode


class Rooms:
    """Rooms by channel id."""

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.viewers: Callable[[str], int] = lambda channel: 0
        """How many watch a channel; set by the wiring."""
        self.opened: list[Callable[[Room], Any]] = []
        """Awaited when a room was opened: polls and paid messages put their parts into its snapshot."""
        self.resumed: list[Callable[[Room], Any]] = []
        """Awaited when what was untold of a room is told: its parts are told as well."""
        self.closed: list[Callable[[str], None]] = []
        """Called when a room is run here no more."""
        self.is_used: Callable[[str], bool] = lambda channel: False
        """Whether people of other nodes are in a room of this one."""
        self._rooms: dict[str, Room] = {}
        self._opening: dict[str, asyncio.Future[Room]] = {}
        self._behind: set[str] = set()
        """Rooms that came from another node whose last deeds were not told yet."""
        self._counted_at = float("-inf")
        self._told_at = yard.clock.monotonic()

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Any:
        return iter(list(self._rooms.values()))

    def known(self, channel: str) -> Room | None:
        """A room that is open now."""
        return self._rooms.get(channel)

    @property
    def _leases(self) -> Leases | None:
        return self.yard.leases

    async def open(self, channel: str) -> Room:
        """The room of a channel. Raises 103 where there is no such channel, Overloaded, and ElsewhereError
        where another node runs it."""
        room = self._rooms.get(channel)
        if room is not None and (self._leases is None or self._leases.holds(channel)):
            return room
        if self.yard.identity.place(channel) is None:
            raise PERMISSION_DENIED
        opening = self._opening.get(channel)
        if opening is None:
            opening = self._opening[channel] = asyncio.ensure_future(self._open(channel))
            opening.add_done_callback(lambda done: self._opened(channel, done))
        return await asyncio.shield(opening)

    async def look(self, channel: str) -> Room:
        """The room for reading: the one that is run here, or a copy as the log has it now."""
        room = self._rooms.get(channel)
        if room is not None:
            return room
        if self._leases is None:
            return await self.open(channel)
        if self.yard.identity.place(channel) is None:
            raise PERMISSION_DENIED
        return await self._load(Room(self.yard, channel))

    def give_up(self, channel: str) -> None:
        """Another node runs this room now, or nobody is in it any more."""
        if self._leases is not None:
            self._leases.lose(channel)
        self._leave(channel)

    def _leave(self, channel: str) -> None:
        if self._rooms.pop(channel, None) is not None:
            for tell in self.closed:
                tell(channel)

    async def reload(self, room: Room) -> None:
        """Names in the log have changed: what newcomers see, and what is recovered, is read anew, in its turn
        among all that happens."""
        with contextlib.suppress(DeposedError):  # whoever runs it now reads it anyhow
            await room.happen([], partial(self._renew, room))

    async def _renew(self, room: Room) -> None:
        find, here = self.yard.pump.log.find, {"channel": room.channel}
        for row in await find(Query(table="chat_cuts", where=here, order="at", limit=_CUTS)):
            room.cuts[row["user_id"]] = row["through"]
        fresh = await newest(room, CHAT_ROOM_MESSAGES)
        others = [message for message in fresh if room.view.get(message.id) not in (None, message)]
        room.view.fill(fresh)
        for message in others:
            await room.become(message)
        for row in await find(Query(table="chat_rooms", where=here, order="channel", limit=1)):
            pins = _READ_PINS(row["pins"])
            if pins != room.pins:
                room.pins = pins
                await room.set_pins(await kept_pins(room))
        room.changed()

    def _opened(self, channel: str, done: "asyncio.Future[Room]") -> None:
        self._opening.pop(channel, None)
        if not done.cancelled() and done.exception() is None:
            self._rooms[channel] = done.result()

    async def _open(self, channel: str) -> Room:
        before, room = "", Room(self.yard, channel)
        if self._leases is not None:
            known = self._rooms.get(channel)
            try:
                taken = await self._leases.take(channel)
            except ElsewhereError:
                self.give_up(channel)
                raise
            if known is not None and known.fence == taken.fence:
                return known
            self._leave(channel)
            room.fence, before = taken.fence, taken.before
        if before:
            self._behind.add(channel)
        await self._load(room)
        told = await self._find_places(room)
        behind = channel in self._behind
        if behind:
            await make_up(room, told)
        for tell in self.opened:
            await tell(room)
        if behind:
            await self._tell_parts(room)
            self._behind.discard(channel)
        return room

    async def _catch_up(self, room: Room) -> bool:
        """The broker was away: what was committed meanwhile is told, in its turn. Raises while it still is;
        False where the room is another node's by now."""
        await self.yard.crowd.history(CHAT + room.channel, HistoryQuery(limit=0))

        async def deed() -> None:
            await self._read(room)
            await make_up(room, await self._find_places(room))
            await self._tell_parts(room)
            await room.tell(room.counts, "state", weight=Weight.PLAIN)

        room.behind = False
        try:
            await room.happen([], deed)
        except DeposedError:
            self.give_up(room.channel)
            return False
        except BaseException:
            room.behind = True
            raise
        return True

    async def _tell_parts(self, room: Room) -> None:
        for tell in self.resumed:
            await tell(room)
        for name, value in room.parts.items():
            await room.set_part(name, value)

    async def _load(self, room: Room) -> Room:
        """What the log has of a room."""
        last = await self._read(room)
        room.seq = last[0]["seq"] if last else 0
        now, now_ms = self.yard.clock.monotonic(), self.yard.now_ms()
        for row in reversed(last):
            room.remember(row["user_id"], row["nonce"], (row["id"], row["seq"], row["at"], "sent"))
            if row["kind"] in SPOKEN:
                room.recall(row["user_id"], row["text"], now - max(0, now_ms - row["at"]) / 1000)
        return room

    async def _read(self, room: Room) -> list[dict[str, Any]]:
        """What everybody sees of a room, as the log has it; the newest rows of its messages."""
        find, here = self.yard.pump.log.find, {"channel": room.channel}
        for row in await find(Query(table="chat_rooms", where=here, order="channel", limit=1)):
            room.settings = _READ_SETTINGS(row["settings"])
            room.pins = _READ_PINS(row["pins"])
        for row in await find(Query(table="chat_cuts", where=here, order="at", limit=_CUTS)):
            room.cuts[row["user_id"]] = row["through"]
        for row in await find(Query(table="chat_bans", where=here, limit=_BANS)):
            ban = msgspec.convert(row, Ban)
            if ban.lasts(self.yard.now_ms()):
                room.bans[ban.kind, ban.subject] = ban
        room.pins = await kept_pins(room)
        last = await find(Query(table="chat_messages", where=here, order="seq", limit=CHAT_NONCES))
        room.view.fill(await newest(room, CHAT_ROOM_MESSAGES))
        room.held = await waiting(room)
        room.changed()
        return last

    async def _find_places(self, room: Room) -> dict[str, Told]:
        """Where the messages lie in a broker that outlived us, and what it says of each."""
        history = await self.yard.crowd.history(CHAT + room.channel, HistoryQuery(limit=-1))
        room.stands(history.top.epoch)
        room.view.displace()
        room.pin_offsets.clear()
        found: dict[str, Told] = {}
        for publication in history.publications:
            offset = publication.offset
            try:
                event = _read_event(publication.data)
            except msgspec.DecodeError:
                continue
            if event.t == "message":
                told = found.setdefault(event.id, Told(event.id))
                told.seq, told.text, told.offset, told.data = event.seq, event.text, offset, publication.data
                room.view.place(event.id, offset)
            elif event.t == "edit":
                found.setdefault(event.id, Told(event.id)).edits.append(offset)
                room.view.edited(event.id, offset)
            elif event.t == "pins":
                room.pin_offsets.append(offset)
        return found

    async def run(self) -> None:
        """Until cancelled: every second, what time itself changes, and what could not be told before."""
        reason = ""
        while True:
            await asyncio.sleep(LOOKED_AT_EVERY_S)
            try:
                await self.tick()
                reason = ""
            except _AWAY as error:
                if str(error) != reason:
                    reason = str(error)
                    _log.warning("chat_rooms_not_looked_after", reason=reason)

    async def tick(self) -> None:
        """Timeouts and roles that ended, pins that are over, counts, and rooms that nobody is in. Raises
        where the broker is away: the rest waits for the next second."""
        now = self.yard.clock.monotonic()
        count = now - self._counted_at >= COUNTS_EVERY_S
        if count:
            self._counted_at = now
        told = now - self._told_at >= TOLD_EVERY_S
        if told:
            self._told_at = now
        for room in list(self._rooms.values()):
            if self._rooms.get(room.channel) is not room:
                continue  # another node's, since the one before was looked at
            if told:
                self._tell_outside(room)
            if room.behind and not await self._catch_up(room):
                continue
            try:
                await self._look(room, count)
            except _AWAY:
                room.fall_behind()
                raise
            if self._is_idle(room, now):
                await self._close(room)

    async def _close(self, room: Room) -> None:
        if self._leases is not None:
            with contextlib.suppress(Overloaded):  # it runs out
                await self._leases.release([room.channel])
        self.give_up(room.channel)

    async def _look(self, room: Room, count: bool) -> None:
        now_ms = self.yard.now_ms()
        for (kind, subject), ban in list(room.bans.items()):
            if not ban.lasts(now_ms):
                member = room.members.get(subject)
                if kind == "ban" and member is not None:
                    await room.tell_you(member)
                if room.bans.get((kind, subject)) is ban:
                    del room.bans[kind, subject]
        over = [
            one
            for one in room.members
            if one.untold or (one.until is not None and one.until * 1000 <= now_ms)
        ]
        for member in over:
            if member.clients:
                await refresh(room, member)
        if any(member.clients for member in over):
            self.yard.crowd.recheck()  # the channel may be private, and theirs no more
        await room.unpin_over(now_ms)
        if count:
            viewers = max(self.viewers(room.channel), 0)
            await room.set_counts(Counts(viewers=viewers, chatters=room.members.present))

    def _tell_outside(self, room: Room) -> None:
        """How many came and went in the last minute, for webhooks; lost when the store is away."""
        members = room.members
        if not members.joined and not members.left:
            return
        data = {
            "joined": members.joined,
            "left": members.left,
            "chatters": members.present,
            "viewers": room.counts.viewers,
        }
        members.joined = members.left = 0
        event = put_event(self.yard.new_id(), "chat.counts", room.channel, self.yard.clock.wall(), data)
        self.yard.pump.log.commit(room.fenced([event]), lambda fault: None)

    def _is_idle(self, room: Room, now: float) -> bool:
        crowd = self.yard.crowd
        here = crowd.subscribers(CHAT + room.channel) or crowd.subscribers(MODERATORS + room.channel)
        if here or self.is_used(room.channel):
            room.idle_since = now
        return now - room.idle_since > CHAT_ROOM_IDLE_S

    async def recheck(self) -> None:
        """Accounts, roles or channels changed: act on those who are connected."""
        for room in list(self._rooms.values()):
            if self.yard.identity.place(room.channel) is None:
                self.give_up(room.channel)
                continue
            room.changed()
            for member in list(room.members):
                if member.clients and member.account:
                    await refresh(room, member)

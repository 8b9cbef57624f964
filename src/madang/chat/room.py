"""One room: its settings, people, bans and newest messages, and the one way in which things happen in it.

What is to happen is committed first, then applied and published, in one order for all; a room is opened from
the log and may be forgotten at any time.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from madang.base.clock import Clock
from madang.base.ids import encode_id
from madang.base.limits import CHAT_NONCES, CHAT_PINS, CHAT_UNIQUE_TEXTS
from madang.base.roles import ChannelRole
from madang.chat import rights, rows, texts
from madang.chat.leases import Leases
from madang.chat.members import Member, Members
from madang.chat.ports import Cell, Change, Identity, Put, Set, TextFilter
from madang.chat.pump import Pump
from madang.chat.rows import Ban
from madang.chat.settings import ChatSettings, RoomSettings
from madang.chat.view import View, tombstone, unquoted
from madang.chat.words import (
    Audited,
    AuditEntry,
    Counts,
    Delete,
    Event,
    Message,
    Muted,
    Pin,
    Pins,
    SettingsChanged,
    You,
    encode,
)
from madang.realtime.ports import Crowd, ReplyError
from madang.realtime.publication import PublishOptions, Weight

CHAT, MODERATORS = "madang_chat:", "madang_mod:"
SPOKEN = ("message", "action", "announcement")
"""Kinds of messages that people said themselves: slow mode and rates count these."""
SAME_S = 30.0
"""A text counts as said again within this."""
_FAR_S = 8.64e12
"""Tokens of others may name any moment: what is later than pages can say is never."""
_TAGS = {
    kind: {"k": kind} for kind in ("msg", "mod", "paid", "state", "fx")
}  # shared: a publication does not change its tags


class Yard:
    """What all rooms of a server share."""

    def __init__(
        self,
        crowd: Crowd,
        pump: Pump,
        identity: Identity,
        judge: TextFilter,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self.crowd = crowd
        self.pump = pump
        self.identity = identity
        self.judge = judge
        self.clock = clock
        self.settings = ChatSettings()
        self.leases: Leases | None = None
        """Where several nodes share rooms; a node that is alone needs none."""
        self._entropy = entropy
        self._id_at, self._id_began, self._id_rest = 0, "", 0
        """Of the last id: its moment, the letters of that, and the number of the other letters."""

    def new_id(self) -> str:
        """26 letters that sort by time, of one process in order: 48 bits of moment, 80 of chance."""
        now = self.now_ms()
        if now > self._id_at:
            self._id_at, self._id_began = now, encode_id(now.to_bytes(6, "big"))
            self._id_rest = int.from_bytes(self._entropy(10), "big") >> 1
        else:
            self._id_rest += 1
        return self._id_began + encode_id(self._id_rest.to_bytes(10, "big"))

    def now_ms(self) -> int:
        return int(self.clock.wall() * 1000)


class Room:
    """State of one room; its rules are in the files beside: sending, moderation, holding."""

    def __init__(self, yard: Yard, channel: str) -> None:
        self.yard = yard
        self.channel = channel
        self.settings = RoomSettings()
        self.members = Members(channel, yard.identity, yard.judge)
        self.view = View()
        self.fence = 0
        """Of the lease under which this node runs the room; 0 without leases."""
        self.seq = 0
        """Of the last message that was given a place."""
        self.cuts: dict[str, int] = {}
        self.bans: dict[tuple[str, str], Ban] = {}
        """By kind and subject."""
        self.pins: tuple[Pin, ...] = ()
        self.parts: dict[str, bytes] = {"poll": b"null", "paid": b"[]", "goal": b"null"}
        """Parts of the snapshot that belong to polls and paid messages, as JSON."""
        self.held = 0
        self.counts = Counts(viewers=0, chatters=0)
        self.idle_since = yard.clock.monotonic()
        self.nonces: OrderedDict[tuple[str, str], tuple[str, int, int, str]] = OrderedDict()
        """Answers by user and nonce: id, seq, at, state."""
        self.said: OrderedDict[str, float] = OrderedDict()
        """Likenesses of texts and when they were said, for the unique mode."""
        self._common: bytes | None = None
        self.pin_offsets: deque[int] = deque(maxlen=50)
        """Where events about pins lie in the broker's stream."""
        self.behind = False
        """Something was committed here that not everybody was told: the broker was away."""
        self._epoch = ""
        self.rewriting = asyncio.Lock()
        """Held from reading settings and pins until what was made of them is done: they share a row."""
        self._parting = asyncio.Lock()
        self._pinning = asyncio.Lock()

    # --- what happens

    async def happen(self, changes: Sequence[Change], deed: Callable[[], Any]) -> Any:
        """Commit, then do; see `Pump.do`."""
        return await self.yard.pump.do(self.fenced(changes), deed, self.fall_behind)

    def fall_behind(self) -> None:
        """The broker failed: what it was to tell is told when it is back."""
        self.behind = True

    def stands(self, epoch: str) -> None:
        """The broker's stream is this one: in another, no message lies where it lay."""
        if epoch != self._epoch:
            if self._epoch:
                self.view.displace()
                self.pin_offsets.clear()
            self._epoch = epoch

    def fenced(self, changes: Sequence[Change]) -> Sequence[Change]:
        """What a commit for this room is: nothing of it where the room is another node's by now."""
        if not self.fence or self.yard.leases is None:
            return changes
        return [self.yard.leases.held(self.channel, self.fence), *changes]

    async def tell(
        self, event: Event, kind: str = "state", *, key: str = "", weight: Weight = Weight.KEPT
    ) -> int:
        """Publish an event to everybody here; its offset."""
        options = PublishOptions(tags=_TAGS[kind], idempotency_key=key, weight=weight)
        published = await self.yard.crowd.publish(CHAT + self.channel, encode(event), options)
        self.stands(published.epoch)
        return published.offset

    async def tell_raw(self, data: bytes, kind: str, weight: Weight = Weight.KEPT) -> int:
        """The same for JSON that other parts of the chat made: polls, effects, paid messages."""
        options = PublishOptions(tags=_TAGS[kind], weight=weight)
        return (await self.yard.crowd.publish(CHAT + self.channel, data, options)).offset

    async def tell_user(self, user: str, event: Event) -> None:
        """To one person, wherever they are connected; a name that is no channel's has none to hear it."""
        options = PublishOptions(weight=Weight.URGENT)
        try:
            await self.yard.crowd.publish_to_user(user, encode(event), options)
        except ReplyError as error:
            if error.temporary:
                raise

    async def tell_moderators(self, event: Event) -> None:
        options = PublishOptions(weight=Weight.URGENT)
        await self.yard.crowd.publish(MODERATORS + self.channel, encode(event), options)

    async def set_part(self, name: str, value: bytes) -> None:
        """A part of the snapshot, `poll`, `paid` or `goal`, has changed; `value` is JSON. Parts are told in
        the order in which they were set; where the broker fails, when it is back."""
        self.parts[name] = value
        self._common = None
        field = "entries" if name == "paid" else name
        async with self._parting:
            try:
                await self.tell_raw(b'{"t":"%b","%b":%b}' % (name.encode(), field.encode(), value), "state")
            except BaseException:
                self.fall_behind()
                raise

    async def appear(self, message: Message, kept_for: frozenset[str] = frozenset()) -> None:
        """A committed message is shown to everybody."""
        again = message.id in self.view
        kept = self.view.add(message) if not again else None
        data = kept.encoded if kept else encode(message)
        special = message.kind not in ("message", "action")
        options = PublishOptions(
            tags=_TAGS["paid" if message.kind == "paid" else "msg"],
            idempotency_key=message.id,
            weight=Weight.KEPT if special else Weight.PLAIN,
            kept_for=kept_for,
        )
        published = await self.yard.crowd.publish(CHAT + self.channel, data, options)
        self.stands(published.epoch)
        self.view.place(message.id, published.offset)

    async def vanish(self, message: Message) -> None:
        """A message is gone: nobody who comes later finds its text."""
        offset, edits = self.view.offset(message.id), self.view.edits(message.id)
        self.view.remove(message.id)
        if offset:
            await self.yard.crowd.redact(CHAT + self.channel, offset, tombstone(message))
        for edit in edits:
            await self.yard.crowd.redact(CHAT + self.channel, edit, encode(Delete(ids=(message.id,))))
        for answer in self.view.answers(message.id):
            await self.become(unquoted(answer))

    async def become(self, message: Message) -> None:
        """A message has another text: those who come later find that."""
        offset = self.view.offset(message.id)
        self.view.replace(message)
        if offset:
            await self.yard.crowd.redact(CHAT + self.channel, offset, encode(message))

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def remember(self, user: str, nonce: str, answer: tuple[str, int, int, str]) -> None:
        if nonce:
            self.nonces[user, nonce] = answer
            while len(self.nonces) > CHAT_NONCES:
                self.nonces.popitem(last=False)

    def recall(self, user: str, text: str, at: float) -> None:
        """Somebody said this before the room was opened here, at so many monotonic seconds."""
        since = self.yard.clock.monotonic() - at
        if since < max(self.settings.slow_s, SAME_S):
            self.members.said.setdefault(user, []).append((text, at))
        if self.settings.unique and since < SAME_S:
            self.heard(texts.likeness(text), at)

    def heard(self, likeness: str, now: float) -> None:
        self.said[likeness] = now
        self.said.move_to_end(likeness)
        while len(self.said) > CHAT_UNIQUE_TEXTS:
            self.said.popitem(last=False)

    # --- settings and pins

    def take_settings(self, settings: RoomSettings) -> None:
        self.settings = settings
        self._common = None

    def row(self, settings: RoomSettings, pins: tuple[Pin, ...]) -> Change:
        """The room's own row; where there are leases it is there already."""
        cells: dict[str, Cell] = {"settings": encode(settings).decode(), "pins": encode(pins).decode()}
        if self.fence:
            return Set("chat_rooms", {"channel": self.channel}, cells)
        cells |= {"channel": self.channel, "holder": "", "fence": 0, "held_until": 0}
        return Put("chat_rooms", cells, ("channel",))

    async def set_settings(self, settings: RoomSettings, by: str) -> None:
        """After the commit: everybody is told."""
        self.take_settings(settings)
        await self.tell(SettingsChanged(settings=settings, by=by), "mod", weight=Weight.URGENT)

    async def set_pins(self, pins: tuple[Pin, ...]) -> None:
        async with self._pinning:
            await self._tell_pins(pins)

    async def unpin_over(self, now_ms: int) -> None:
        """Pins whose time is over."""
        async with self._pinning:
            pins = tuple(pin for pin in self.pins if pin.until is None or pin.until > now_ms)
            if pins != self.pins:
                await self._tell_pins(pins)

    async def _tell_pins(self, pins: tuple[Pin, ...]) -> None:
        self.pins = pins[:CHAT_PINS]
        self._common = None
        event = Pins(pins=self.pins)
        for offset in tuple(self.pin_offsets):  # earlier pins may quote what was deleted since
            await self.yard.crowd.redact(CHAT + self.channel, offset, encode(event))
        self.pin_offsets.append(await self.tell(event, "mod", weight=Weight.URGENT))

    async def set_counts(self, counts: Counts) -> None:
        if counts != self.counts:
            self.counts = counts
            self._common = None
            await self.tell(counts, "state", weight=Weight.PLAIN)

    # --- who may not write

    def ban_of(self, user: str) -> Ban | None:
        """The ban or timeout of a user that still lasts."""
        return self._lasting("ban", user)

    def is_shadowed(self, user: str) -> bool:
        return self._lasting("shadow", user) is not None

    def is_address_banned(self, digest: str) -> bool:
        return self._lasting("ip", digest) is not None

    def _lasting(self, kind: str, subject: str) -> Ban | None:
        ban = self.bans.get((kind, subject))
        return ban if ban is not None and ban.lasts(self.yard.now_ms()) else None

    def muted(self, user: str) -> Muted | None:
        ban = self.ban_of(user)
        if ban is None:
            return None
        code, word = (1001, "banned") if ban.until is None else (1002, "timed_out")
        return Muted(code=code, word=word, until=ban.until, reason=ban.reason)

    # --- what is shown

    def you(self, member: Member) -> You:
        """What one person is told of themselves."""
        muted = self.muted(member.user)
        wait_s = self.settings.slow_s - (self.yard.clock.monotonic() - member.accepted_at)
        exempt = member.role.rank <= ChannelRole.VIP.rank
        return You(
            channel=self.channel,
            id=member.user,
            name=member.name,
            role=member.role.value,
            badges=member.badges,
            color=member.color,
            can=rights.abilities(member.role, muted=muted is not None),
            muted=muted,
            followed_at=_ms(member.followed_at),
            role_until=_ms(member.until),
            retry_s=0 if exempt or wait_s <= 0 else int(wait_s) + 1,
        )

    async def tell_you(self, member: Member) -> None:
        """Somebody's role, rights or mute changed."""
        if member.clients:
            await self.tell_user(member.user, self.you(member))

    def snapshot(self, member: Member | None, *, messages: bool) -> bytes:
        """The room as JSON; without messages for those who recovered them."""
        you = encode(self.you(member)) if member else b"null"
        shown = b',"messages":' + self.view.newest() if messages else b""
        now = str(self.yard.now_ms()).encode()
        return b'{"v":1,"now":' + now + b',"you":' + you + self._shared() + shown + b"}"

    def _shared(self) -> bytes:
        if self._common is None:
            place = self.yard.identity.place(self.channel)
            channel = {"id": self.channel, "slug": place.slug, "name": place.name} if place else None
            plain: dict[str, Any] = {
                "channel": channel,
                "settings": self.settings,
                "counts": {"viewers": self.counts.viewers, "chatters": self.counts.chatters},
                "pins": self.pins,
                "cut": self.cuts.get("", 0),
            }
            plain |= {name: msgspec.Raw(value) for name, value in self.parts.items()}
            self._common = b"," + encode(plain)[1:-1]
        return self._common

    def changed(self) -> None:
        """Something of the snapshot is another: the next newcomer gets a new one."""
        self._common = None

    # --- audit

    def entry(self, actor: "Member | None", action: str, **more: Any) -> AuditEntry:
        """A line of the audit; without an actor the room itself did it."""
        return AuditEntry(
            id=self.yard.new_id(),
            at=self.yard.now_ms(),
            action=action,
            actor=actor.user if actor else "",
            actor_name=actor.name if actor else "",
            **more,
        )

    def audit(self, entry: AuditEntry) -> list[Change]:
        """The rows of an entry: the audit's own, and what leaves the house."""
        told = {n: v for n, v in msgspec.structs.asdict(entry).items() if n not in ("id", "at") and v != ""}
        event = rows.put_event(
            self.yard.new_id(), f"chat.{entry.action}", self.channel, entry.at / 1000, told
        )
        return [rows.put_audit(self.channel, entry), event]

    async def tell_audit(self, entry: AuditEntry) -> None:
        await self.tell_moderators(Audited(entry=entry))


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(max(-_FAR_S, min(seconds, _FAR_S)) * 1000)

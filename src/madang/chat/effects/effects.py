"""Setting off effects: by an emoji, sent alone or in a message, by a manager, by money."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

import msgspec

from madang.base import limits
from madang.base.clock import Clock
from madang.base.roles import ChannelRole
from madang.chat import refusals, rights, texts
from madang.chat.effects.kinds import KINDS, PAID_ONLY, STICKERS, Effect, EffectMap
from madang.chat.effects.spotting import Spotter
from madang.chat.ports import Log, Put, Query
from madang.chat.superchat.door import Door, Guest
from madang.chat.superchat.orders import Order
from madang.chat.superchat.tiers import TIERS
from madang.chat.superchat.words import author_of, encode
from madang.chat.words import Author
from madang.realtime.ports import ReplyError

TABLE: Final = "chat_extras"
_COMBO_S: Final = 4.0
_BEHIND_MS: Final = 10_000
_ROOMS: Final = 10_000
_USERS: Final = 20_000
_read = msgspec.json.Decoder(EffectMap).decode


class Pulse:
    """A room's last effects: how many lately, and the combo under way."""

    __slots__ = ("combo", "combo_at", "emoji", "times")

    def __init__(self) -> None:
        self.times: deque[float] = deque()
        self.emoji = ""
        self.combo = 0
        self.combo_at = float("-inf")


class Known:
    """A channel's map, and what looks for its emoji in messages of viewers and of those who run the room."""

    __slots__ = ("by_managers", "by_viewers", "map")

    def __init__(self, made: EffectMap) -> None:
        self.map = made
        self.by_managers = Spotter(made.emoji)
        self.by_viewers = Spotter(emoji for emoji, kind in made.emoji.items() if kind not in PAID_ONLY)


class Effects:
    """The use-cases of effects, for all rooms."""

    def __init__(self, log: Log, door: Door, clock: Clock, new_id: Callable[[], str]) -> None:
        self._log, self._door, self._clock, self._new_id = log, door, clock, new_id
        self._maps: dict[str, Known] = {}
        self.on_set: Callable[[str], None] = lambda channel: None
        """Hears of a channel whose map was set."""
        self._pulses: OrderedDict[str, Pulse] = OrderedDict()
        self._users: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    async def map_of(self, channel: str) -> EffectMap:
        """What emoji do here."""
        return (await self._known(channel)).map

    async def _known(self, channel: str) -> Known:
        known = self._maps.get(channel)
        if known is None:
            where = {"channel": channel, "kind": "effects"}
            rows = await self._log.find(Query(table=TABLE, where=where, order="channel", limit=1))
            if len(self._maps) >= _ROOMS:
                self._maps.clear()
            # another one may have been set while this was read
            known = self._maps.setdefault(channel, Known(_read(rows[0]["data"]) if rows else EffectMap()))
        return known

    async def set_map(self, channel: str, made: EffectMap) -> None:
        if not all(texts.is_emoji(emoji) for emoji in made.emoji):
            raise refusals.invalid("emoji")
        row = {"channel": channel, "kind": "effects", "data": encode(made).decode()}
        await self._door.commit(channel, [Put(TABLE, row, ("channel", "kind"))])
        self._maps[channel] = Known(made)
        self.on_set(channel)

    def reload(self, channel: str) -> None:
        """Another node may have set this channel's map."""
        self._maps.pop(channel, None)

    async def said(self, channel: str, author: Author, text: str) -> Effect | None:
        """What a message does: its first emoji of the map is like one sent alone, once, and within the same
        rates; what is over them is left out without a word, for the message itself was taken."""
        known, role = await self._known(channel), ChannelRole(author.role)
        spotter = known.by_managers if rights.moderates(role) else known.by_viewers
        emoji = spotter.first(text)
        if emoji is None:
            return None
        try:
            return await self.send(Guest(author=author, role=role, can=rights.EVERYBODY), channel, emoji)
        except ReplyError:
            return None

    async def send(self, guest: Guest, channel: str, emoji: str, wall: int | None = None) -> Effect:
        """What a viewer's emoji does."""
        if not (await self._door.settings(channel)).effects:
            raise refusals.off()
        if "effects" not in guest.can:
            raise refusals.forbidden()
        kind = (await self.map_of(channel)).emoji.get(emoji)
        if kind is None or (kind in PAID_ONLY and not rights.moderates(guest.role)):
            raise refusals.invalid("emoji")
        pulse = self._admit(guest, channel)
        combo = self._combo(pulse, emoji) if kind == "combo" else 0
        sticker = STICKERS[sum(map(ord, emoji)) % len(STICKERS)] if kind == "sticker" else ""
        made = msgspec.structs.replace(
            self._base(kind, guest, wall), emoji=emoji, sticker=sticker, combo=combo
        )
        return await self._tell(channel, made)

    async def trigger(
        self, guest: Guest, channel: str, kind: str, emoji: str = "", *, test: bool = False
    ) -> Effect:
        """Whatever a manager likes, from the desk."""
        if not rights.moderates(guest.role):
            raise refusals.forbidden()
        if kind not in KINDS or len(emoji) > 16:
            raise refusals.invalid("kind")
        self._admit(guest, channel)
        sticker = (emoji if emoji in STICKERS else STICKERS[0]) if kind == "sticker" else ""
        made = msgspec.structs.replace(
            self._base(kind, guest, None),
            emoji="" if sticker else emoji,
            sticker=sticker,
            combo=10 if kind == "combo" else 0,
            test=test,
        )
        return await self._tell(channel, made)

    async def paid(self, order: Order) -> Effect | None:
        """What a paid message's tier sets off."""
        kind = TIERS[order.currency][order.tier - 1].effect
        if not kind or not (await self._door.settings(order.channel)).effects:
            return None
        author, now = author_of(order), self._now()
        made = Effect(
            id=self._new_id(),
            kind=kind,
            user=author.id,
            name=author.name,
            at=now,
            wall=now,
            amount=order.amount,
            currency=order.currency,
            tier=order.tier,
        )
        return await self._tell(order.channel, made)

    async def _tell(self, channel: str, made: Effect) -> Effect:
        await self._door.tell(channel, "fx", encode(made))
        return made

    def _base(self, kind: str, guest: Guest, wall: int | None) -> Effect:
        """`wall` is what the sender was looking at, if that was a moment ago."""
        now = self._now()
        seen = wall if wall is not None and now - _BEHIND_MS <= wall <= now else now
        return Effect(
            id=self._new_id(),
            kind=kind,
            user=guest.author.id,
            name=guest.author.name,
            at=now,
            wall=seen,
        )

    def _admit(self, guest: Guest, channel: str) -> Pulse:
        """So many of one person and so many of a room, and no more (A57)."""
        now = self._clock.monotonic()
        pulse = self._pulses.setdefault(channel, Pulse())
        self._pulses.move_to_end(channel)
        mine = self._users.setdefault((channel, guest.author.id), deque())
        self._users.move_to_end((channel, guest.author.id))
        for times, most in ((mine, limits.EFFECT_USER), (pulse.times, limits.EFFECT_ROOM)):
            while times and times[0] <= now - limits.EFFECT_RATE_S:
                times.popleft()
            if len(times) >= most:
                raise refusals.rate(times[0] + limits.EFFECT_RATE_S - now)
        mine.append(now)
        pulse.times.append(now)
        while len(self._pulses) > _ROOMS:
            self._pulses.popitem(last=False)
        while len(self._users) > _USERS:
            self._users.popitem(last=False)
        return pulse

    def _combo(self, pulse: Pulse, emoji: str) -> int:
        now = self._clock.monotonic()
        goes_on = emoji == pulse.emoji and now - pulse.combo_at <= _COMBO_S
        pulse.combo = pulse.combo + 1 if goes_on else 1
        pulse.emoji, pulse.combo_at = emoji, now
        return pulse.combo

    def _now(self) -> int:
        return int(self._clock.wall() * 1000)

"""Overlay pages for OBS: one secret address per channel, widgets behind it, and alerts to try them with."""

import asyncio
import hmac
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from madang.base.clock import Clock
from madang.base.ids import encode_id
from madang.base.limits import EFFECT_RATE_S, OVERLAY_TESTS
from madang.chat import refusals
from madang.chat.ports import Log, Put, Query
from madang.chat.superchat.door import Door
from madang.chat.superchat.tiers import TIERS, tier_of
from madang.chat.superchat.words import encode

TABLE: Final = "chat_extras"
WIDGETS: Final = ("chat", "alerts", "goal", "effects")
_MAC_BYTES: Final = 15
_ROOMS: Final = 10_000


class OverlayOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a host sets about the overlays."""

    least_krw: Annotated[int, msgspec.Meta(ge=0)] = 1_000
    least_usd: Annotated[int, msgspec.Meta(ge=0)] = 100
    """The smallest amounts that are an alert."""
    shown_s: Annotated[int, msgspec.Meta(ge=3, le=60)] = 8
    speech: bool = True
    """Read alerts aloud, by the browser's own voice."""
    volume: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.7
    voice: Literal["ko", "en", "auto"] = "auto"
    lines: Annotated[int, msgspec.Meta(ge=1, le=50)] = 12
    """Of the chat."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The row: `turn` changes the secret."""

    turn: int = 0
    options: OverlayOptions = msgspec.field(default_factory=OverlayOptions)


_read = msgspec.json.Decoder(Kept).decode


class Overlays:
    """Secrets are made, not kept: `{channel}.{mac}` opens the channel's overlays until they are turned."""

    def __init__(self, log: Log, door: Door, clock: Clock, new_id: Callable[[], str], key: bytes) -> None:
        self._log, self._door, self._clock, self._new_id, self._key = log, door, clock, new_id, key
        self._tests: dict[str, deque[float]] = {}
        self._keeping = asyncio.Lock()
        """Held from reading a row until it is another: a secret that was turned never comes back."""

    async def kept(self, channel: str) -> Kept:
        where = {"channel": channel, "kind": "overlay"}
        rows = await self._log.find(Query(table=TABLE, where=where, order="channel", limit=1))
        return _read(rows[0]["data"]) if rows else Kept()

    async def secret(self, channel: str) -> str:
        """What the addresses of this channel's overlays end with."""
        return self._made(channel, (await self.kept(channel)).turn)

    async def turn(self, channel: str) -> str:
        """A new secret; pages at the old one show nothing any more."""
        async with self._keeping:
            kept = await self.kept(channel)
            await self._keep(channel, msgspec.structs.replace(kept, turn=kept.turn + 1))
        return await self.secret(channel)

    async def set_options(self, channel: str, options: OverlayOptions) -> None:
        async with self._keeping:
            await self._keep(channel, msgspec.structs.replace(await self.kept(channel), options=options))
        await self._door.tell(channel, "state", b'{"t":"overlay_options","options":%b}' % encode(options))

    async def open(self, secret: str) -> tuple[str, Kept] | None:
        """The channel behind a secret, or None."""
        channel = secret.partition(".")[0]
        if not channel or len(secret) > 100 or not secret.isascii():
            return None
        kept = await self.kept(channel)
        good = hmac.compare_digest(secret, self._made(channel, kept.turn))
        return (channel, kept) if good else None

    async def try_out(self, channel: str, widget: str, amount: int, currency: str, text: str) -> None:
        """Send something made up to the channel's overlays; viewers' pages do not show it."""
        self._admit(channel)
        tier = tier_of(amount, currency)
        if widget not in WIDGETS or tier is None:
            raise refusals.invalid("amount" if widget in WIDGETS else "widget")
        paid = {
            "amount": amount,
            "currency": currency,
            "tier": tier.tier,
            "color": tier.color,
            "header": tier.header,
            "pin_s": tier.pin_s,
            "effect": TIERS[currency][tier.tier - 1].effect,
            "test": True,
        }
        told = {
            "t": "overlay_test",
            "id": self._new_id(),
            "widget": widget,
            "at": int(self._clock.wall() * 1000),
            "text": text[:350],
            "paid": paid,
        }
        await self._door.tell(channel, "state", encode(told))

    def _admit(self, channel: str) -> None:
        now = self._clock.monotonic()
        if len(self._tests) > _ROOMS:
            self._tests.clear()
        times = self._tests.setdefault(channel, deque())
        while times and times[0] <= now - EFFECT_RATE_S:
            times.popleft()
        if len(times) >= OVERLAY_TESTS:
            raise refusals.rate(times[0] + EFFECT_RATE_S - now)
        times.append(now)

    async def _keep(self, channel: str, kept: Kept) -> None:
        row = {"channel": channel, "kind": "overlay", "data": encode(kept).decode()}
        await self._door.commit(channel, [Put(TABLE, row, ("channel", "kind"))])

    def _made(self, channel: str, turn: int) -> str:
        mac = hmac.digest(self._key, f"{channel} {turn}".encode(), sha256)[:_MAC_BYTES]
        return f"{channel}.{encode_id(mac)}"

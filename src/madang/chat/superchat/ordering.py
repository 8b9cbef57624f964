"""Ordering a paid message: who may, for how much, with which words."""

from collections.abc import Callable, Sequence

import msgspec

from madang.base import limits
from madang.base.clock import Clock
from madang.chat import refusals
from madang.chat.filter.verdict import Action, Verdict
from madang.chat.ports import Log, PaymentProvider, Put, TextFilter
from madang.chat.superchat import orders, words
from madang.chat.superchat.books import Books
from madang.chat.superchat.door import Door, Guest
from madang.chat.superchat.orders import Order
from madang.chat.superchat.settings import PaidSettings
from madang.chat.superchat.tiers import tier_of


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to pay for."""

    channel: str
    amount: int
    currency: str
    provider: str
    nonce: str
    text: str = ""
    anonymous: bool = False


class Ordering:
    """Takes orders, for all rooms."""

    def __init__(
        self, log: Log, door: Door, judge: TextFilter, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self.books = Books(log)
        self.settings = PaidSettings()
        self.providers: dict[str, PaymentProvider] = {}
        self._door, self._judge, self._clock, self._new_id = door, judge, clock, new_id

    def provide(self, providers: Sequence[PaymentProvider]) -> None:
        """Who takes money, in the order in which they are offered."""
        self.providers = {provider.name: provider for provider in providers}

    async def order(self, guest: Guest, wish: Wish) -> Order:
        """A new order, or the one that the same nonce made before. The text is judged now, before money."""
        known = await self.books.by_nonce(wish.channel, guest.author.id, wish.nonce)
        if known is not None:
            return known
        await self._check(guest, wish)
        tier = tier_of(wish.amount, wish.currency)
        assert tier is not None
        order = Order(
            id=self._new_id(),
            channel=wish.channel,
            user=guest.author.id,
            author=words.encode(guest.author).decode(),
            amount=wish.amount,
            currency=wish.currency,
            tier=tier.tier,
            text=" ".join(wish.text.split()),
            provider=wish.provider,
            state="created",
            created_at=self._now(),
            nonce=wish.nonce,
            anonymous=wish.anonymous,
        )
        await self._door.commit(order.channel, [Put(orders.TABLE, orders.row_of(order))])
        return order

    async def _check(self, guest: Guest, wish: Wish) -> None:
        if not (await self._door.settings(wish.channel)).paid or not self.settings.enabled:
            raise refusals.off()
        if "paid" not in guest.can:
            raise refusals.forbidden()
        if not wish.nonce or len(wish.nonce) > limits.SUPERCHAT_NONCE:
            raise refusals.invalid("nonce")
        provider = self.providers.get(wish.provider)
        if provider is None or wish.currency not in provider.currencies:
            raise refusals.invalid("provider")
        tier = tier_of(wish.amount, wish.currency)
        if tier is None:
            raise refusals.invalid("amount")
        if len(wish.text) > tier.letters:
            raise refusals.too_long(tier.letters)
        if self._verdict(wish.channel, wish.text).action in (Action.REFUSE, Action.TIMEOUT):
            raise refusals.filtered()
        await self._within_caps(guest.author.id, wish)

    async def _within_caps(self, user: str, wish: Wish) -> None:
        """So much a day and no more, and not a hundred orders that nobody pays."""
        since = self._now() - 86_400_000
        mine = await self.books.orders(wish.channel, user=user, limit=500)
        if sum(o.state in orders.OPEN and o.created_at > since for o in mine) >= limits.SUPERCHAT_OPEN:
            raise refusals.rate(600)
        spent = sum(
            o.amount
            for o in mine
            if o.state in orders.HAS_MONEY and o.currency == wish.currency and (o.paid_at or 0) > since
        )
        if spent + wish.amount > self.settings.daily(wish.currency):
            raise refusals.invalid("daily_limit")

    def _verdict(self, channel: str, text: str) -> Verdict:
        return self._judge.judge(channel, text)

    def _is_test(self, order: Order) -> bool:
        provider = self.providers.get(order.provider)
        return provider is None or provider.test

    def _provider(self, order: Order) -> PaymentProvider:
        provider = self.providers.get(order.provider)
        if provider is None:
            raise refusals.off()
        return provider

    def _now(self) -> int:
        return int(self._clock.wall() * 1000)

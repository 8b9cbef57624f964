"""What paid messages look like on the wire."""

import msgspec

from madang.chat.superchat.orders import Order
from madang.chat.superchat.tiers import TIERS
from madang.chat.words import Author

encode = msgspec.json.Encoder().encode
ANONYMOUS = Author(id="", name="", role="viewer")


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """`paid` of a message, and of an entry of the ticker."""

    order: str
    amount: int
    currency: str
    tier: int
    color: str
    header: str
    pin_s: int
    test: bool


class TickerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A paid message in the ticker above the chat."""

    id: str
    user: Author
    text: str
    paid: Paid
    at: int
    until: int


class GoalShown(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    amount: int
    currency: str
    reached: int


class PaidHeld(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="paid_held"):
    """To the moderators: a paid message waits, or waits no more."""

    order: str
    state: str
    user: Author
    text: str
    paid: Paid
    reason: str


def author_of(order: Order) -> Author:
    """Who is shown as the payer."""
    return ANONYMOUS if order.anonymous else msgspec.json.decode(order.author, type=Author)


def paid_of(order: Order, *, test: bool) -> Paid:
    tier = TIERS[order.currency][order.tier - 1]
    return Paid(
        order=order.id,
        amount=order.amount,
        currency=order.currency,
        tier=order.tier,
        color=tier.color,
        header=tier.header,
        pin_s=tier.pin_s,
        test=test,
    )


def ticker(orders: list[Order], test: frozenset[str]) -> bytes:
    """The ticker as JSON; `test` names the providers that move no money."""
    return encode(
        [
            TickerEntry(
                id=order.message,
                user=author_of(order),
                text=order.text,
                paid=paid_of(order, test=order.provider in test),
                at=order.shown_at or 0,
                until=order.pinned_until or 0,
            )
            for order in orders
        ]
    )

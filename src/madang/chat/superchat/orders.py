"""An order's life, as data: which state may follow which, and what stands in its row."""

from typing import Any, Final

import msgspec

TABLE: Final = "paid_orders"
LEDGER: Final = "paid_ledger"

FOLLOWS: Final[dict[str, frozenset[str]]] = {
    "created": frozenset({"paid", "held", "shown", "failed", "expired"}),
    "failed": frozenset({"paid", "held", "shown", "expired"}),
    "expired": frozenset({"paid", "held", "shown"}),
    "paid": frozenset({"held", "shown", "removed", "refunded", "disputed"}),
    "held": frozenset({"shown", "removed", "refunded", "disputed"}),
    "shown": frozenset({"removed", "refunded", "disputed"}),
    "removed": frozenset({"refunded", "disputed"}),
    "disputed": frozenset({"removed", "refunded"}),
    "refunded": frozenset(),
}
"""A payment may arrive late: `failed` and `expired` are not the end. What is refunded is."""
OPEN: Final = ("created", "failed")
"""Waits for money."""
HAS_MONEY: Final = ("paid", "held", "shown", "removed")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One paid message. Moments are milliseconds since 1970."""

    id: str
    channel: str
    user: str = msgspec.field(name="user_id")
    author: str
    """JSON of the author as they were when they ordered."""
    amount: int
    currency: str
    tier: int
    text: str
    provider: str
    state: str
    created_at: int
    nonce: str
    payment: str | None = None
    anonymous: bool = False
    paid_at: int | None = None
    shown_at: int | None = None
    pinned_until: int | None = None
    message: str = ""
    """Id of the message in the room's log."""
    reason: str = ""
    """Why it failed, is held, or was taken away."""
    refunded: int = 0
    """How much of the amount was paid back by its provider."""

    @property
    def left(self) -> int:
        """What of the amount was not paid back."""
        return self.amount - self.refunded

    def may_become(self, state: str) -> bool:
        return state in FOLLOWS[self.state]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger: written once, never changed, never deleted. Money out is negative."""

    id: str
    order: str = msgspec.field(name="order_id")
    channel: str
    at: int
    kind: str
    """`payment`, `refund`, `dispute`, `dispute_won`."""
    amount: int
    currency: str
    provider: str
    payment: str
    by: str = msgspec.field(name="by_user")


def order_of(row: dict[str, Any]) -> Order:
    """The order in a row."""
    return msgspec.convert({**row, "anonymous": bool(row["anonymous"])}, Order)


def row_of(record: Order | Entry) -> dict[str, str | int | bool | None]:
    """The row of a record."""
    row: dict[str, str | int | bool | None] = msgspec.to_builtins(record)
    return row

"""Paid messages on the wire. Amounts are whole numbers of the currency's smallest unit."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body

Nonce = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Currency = Literal["KRW", "USD"]


class Tier(Answer):
    """What an amount buys, from `amount` on."""

    tier: int
    amount: int
    color: str
    header: str
    letters: int
    pin_s: int
    effect: str


class Price(Answer):
    """Amounts of one currency."""

    currency: str
    digits: int = Field(description="Decimal digits of the smallest unit.")
    step: int
    most: int
    tiers: list[Tier]


class Provider(Answer):
    """Who takes money."""

    name: str
    currencies: list[str]
    test: bool = Field(description="No real money moves.")


class Goal(Answer):
    """What the channel collects for, and how far it is."""

    title: str
    amount: int
    currency: str
    reached: int


class Offer(Answer):
    """What a viewer may pay for."""

    enabled: bool
    prices: list[Price]
    providers: list[Provider]
    goal: Goal | None


class OrderCreate(Body):
    """The amount is checked against the tiers, and nothing the browser says later changes it."""

    amount: int = Field(ge=1, le=100_000_000)
    currency: Currency
    provider: Annotated[str, StringConstraints(max_length=20)]
    nonce: Nonce = Field(description="Repeat it to get the same order again.")
    text: Annotated[str, StringConstraints(max_length=1000)] = ""
    anonymous: bool = False


class PaidOrder(Answer):
    """An order as the payer sees it."""

    id: str
    state: str = Field(
        description="created, paid, held, shown, failed, expired, removed, refunded, disputed."
    )
    channel: str = Field(description="Slug of the channel; empty when it is gone.")
    channel_name: str
    amount: int
    currency: str
    written: str = Field(description="The amount as people write it.")
    tier: int
    color: str
    text: str
    anonymous: bool
    provider: str
    test: bool
    created_at: int
    paid_at: int | None
    reason: str


class ManagedOrder(PaidOrder):
    """An order as the channel's managers see it."""

    user: str
    name: str
    payment: str
    shown_at: int | None
    pinned_until: int | None


class ManagedOrderPage(Answer):
    items: list[ManagedOrder]
    next: str | None


class PayWindow(Answer):
    """Where to pay: go to `url`, or load `script` with `settings`."""

    url: str
    script: str
    settings: dict[str, str | int]


class PayReturn(Body):
    """The query that the payer came back with."""

    query: dict[
        Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]
    ] = Field(default={}, max_length=20)


class RehearsedPayment(Answer):
    order: str
    amount: int
    currency: str
    written: str
    state: str


class RehearsalOutcome(Body):
    outcome: Literal["paid", "failed", "expired"]


class Reason(Body):
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class GoalSet(Body):
    title: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    amount: int = Field(ge=1, le=10_000_000_000)
    currency: Currency
    afresh: bool = Field(default=True, description="Count from now; false keeps what was counted.")


class Rank(Answer):
    user: str
    name: str
    amount: int
    currency: str


class RankList(Answer):
    items: list[Rank]

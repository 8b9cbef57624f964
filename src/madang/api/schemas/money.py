"""Paid messages on the wire. Amounts are whole numbers of the currency's smallest unit."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from madang.api.schemas.words import Answer, Body, Next

Nonce = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Currency = Literal["KRW", "USD"]
_CURRENCY = "`KRW` or `USD`."
_AMOUNT = "In the currency's smallest unit: 5000 is ₩5,000, and 500 is $5.00."
_WRITTEN = "The amount as people write it."
_TEST = "No real money moves."


class Tier(Answer):
    """What an amount buys, from `amount` on."""

    tier: int = Field(description="Its number, from 1 on.")
    amount: int = Field(description="The least that it costs, in the currency's smallest unit.")
    color: str = Field(description="Of the message, as CSS has it.")
    header: str = Field(description="Of the line above the message, as CSS has it.")
    letters: int = Field(description="The longest text, in graphemes; 0 for none.")
    pin_s: int = Field(description="Seconds in the ticker; 0 for none.")
    effect: str = Field(description="What is drawn over the picture; empty for nothing.")


class Price(Answer):
    """Amounts of one currency."""

    currency: str = Field(description=_CURRENCY)
    digits: int = Field(description="Decimal digits of the smallest unit.")
    step: int = Field(description="What amounts are multiples of.")
    most: int = Field(description="The largest amount.")
    tiers: list[Tier] = Field(description="From the least on.")


class Provider(Answer):
    """Who takes money."""

    name: str = Field(description="`stripe`, `toss` or `rehearsal`.")
    currencies: list[str] = Field(description="What it takes.")
    test: bool = Field(description=_TEST)


class Goal(Answer):
    """What the channel collects for, and how far it is."""

    title: str = Field(description="What for.")
    amount: int = Field(description=_AMOUNT)
    currency: str = Field(description=_CURRENCY)
    reached: int = Field(description="What came in and stayed, in the same unit.")


class Offer(Answer):
    """What a viewer may pay for."""

    enabled: bool = Field(description="False where the room or the server has switched it off.")
    prices: list[Price] = Field(description="One for each currency that somebody here takes.")
    providers: list[Provider] = Field(description="In the order in which they are offered.")
    goal: Goal | None = Field(description="Null without one.")


class OrderCreate(Body):
    """The amount is checked against the tiers, and nothing the browser says later changes it."""

    amount: int = Field(ge=1, le=100_000_000, description=_AMOUNT)
    currency: Currency = Field(description="One that the provider takes.")
    provider: Annotated[str, StringConstraints(max_length=20)] = Field(description="Its name.")
    nonce: Nonce = Field(description="Repeat it to get the same order again.")
    text: Annotated[str, StringConstraints(max_length=1000)] = Field(
        default="", description="At most as long as the tier allows; judged by the word filter now."
    )
    anonymous: bool = Field(default=False, description="True shows no name, and leaves the ranking out.")


class PaidOrder(Answer):
    """An order as the payer sees it."""

    id: str = Field(description="Also its page: `/pay/{id}`.")
    state: str = Field(
        description="created, paid, held, shown, failed, expired, removed, refunded, disputed."
    )
    channel: str = Field(description="Slug of the channel; empty when it is gone.")
    channel_name: str = Field(description="Its display name; empty when it is gone.")
    amount: int = Field(description=_AMOUNT)
    currency: str = Field(description=_CURRENCY)
    written: str = Field(description=_WRITTEN)
    tier: int = Field(description="What it buys.")
    color: str = Field(description="Of the tier, as CSS has it.")
    text: str = Field(description="What will be shown; may be empty.")
    anonymous: bool = Field(description="Whether no name is shown.")
    provider: str = Field(description="Who takes the money.")
    test: bool = Field(description=_TEST)
    created_at: int = Field(description="Milliseconds since 1970.")
    paid_at: int | None = Field(description="Milliseconds since 1970; null until it is paid.")
    reason: str = Field(description="Why it failed, is held, or was taken away; may be empty.")
    refunded: int = Field(description="How much of the amount was paid back, in the same unit.")


class ManagedOrder(PaidOrder):
    """An order as the channel's managers see it."""

    user: str = Field(description="Who pays, as the realtime server knows them.")
    name: str = Field(description="Their name, of anonymous ones too.")
    payment: str = Field(description="The provider's id of the payment; empty before there is one.")
    shown_at: int | None = Field(description="Milliseconds since 1970; null until it is shown.")
    pinned_until: int | None = Field(description="Until when it is in the ticker; null for not.")


class ManagedOrderPage(Answer):
    """A page of orders."""

    items: list[ManagedOrder] = Field(description="The newest first.")
    next: Next


class PayWindow(Answer):
    """Where to pay: go to `url`, or load `script` with `settings`."""

    url: str = Field(description="The provider's page; empty where there is a script.")
    script: str = Field(description="The provider's script, which the order's page alone may load.")
    settings: dict[str, str | int] = Field(description="For the script: public key, order, amount.")


class PayReturn(Body):
    """The query that the payer came back with."""

    query: dict[
        Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]
    ] = Field(default={}, max_length=20, description="As it is in the address; nothing in it is believed.")


class RehearsedPayment(Answer):
    """A payment that moves no money."""

    order: str = Field(description="The order's id.")
    amount: int = Field(description=_AMOUNT)
    currency: str = Field(description=_CURRENCY)
    written: str = Field(description=_WRITTEN)
    state: str = Field(description="`open`, then `paid`, `failed` or `expired`.")


class RehearsalOutcome(Body):
    """How the rehearsal is to go."""

    outcome: Literal["paid", "failed", "expired"] = Field(description="What a real provider would say.")


class Reason(Body):
    """Why."""

    reason: Annotated[str, StringConstraints(max_length=200)] = Field(
        default="", description="For the payer and the audit; may be empty."
    )


class GoalSet(Body):
    """What to collect for."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=80)] = Field(description="What for.")
    amount: int = Field(ge=1, le=10_000_000_000, description=_AMOUNT)
    currency: Currency = Field(description="Payments of the other one do not count.")
    afresh: bool = Field(default=True, description="Count from now; false keeps what was counted.")


class Rank(Answer):
    """One payer's place, per currency."""

    user: str = Field(description="Who it is, as the realtime server knows them.")
    name: str = Field(description="Their name.")
    amount: int = Field(description="What they gave, in the currency's smallest unit.")
    currency: str = Field(description=_CURRENCY)


class RankList(Answer):
    """Who gave most."""

    items: list[Rank] = Field(description="The most first.")

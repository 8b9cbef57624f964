"""Tiers: what an amount buys. Colours, lengths and pin times are those that viewers know from YouTube."""

from typing import Final, Literal

import msgspec


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """From `amount` on: a colour, so many letters, so long in the ticker, such an effect."""

    tier: int
    amount: int
    """Smallest unit of the currency."""
    color: str
    """Of the body, as CSS."""
    header: str
    letters: int
    pin_s: int
    effect: str
    """What is drawn over the picture; empty for nothing."""


_SHAPE: Final = (
    # USD, KRW, body, header, letters, seconds in the ticker, effect
    (100, 1_000, "#1e88e5", "#1565c0", 0, 0, ""),
    (200, 2_000, "#00e5ff", "#00b8d4", 50, 0, ""),
    (500, 5_000, "#1de9b6", "#00bfa5", 150, 120, "hearts"),
    (1_000, 10_000, "#ffca28", "#ffb300", 200, 300, "confetti"),
    (2_000, 20_000, "#f57c00", "#e65100", 225, 600, "confetti"),
    (5_000, 50_000, "#e91e63", "#c2185b", 250, 1_800, "fireworks"),
    (10_000, 100_000, "#e62117", "#d00000", 270, 3_600, "money"),
    (20_000, 200_000, "#e62117", "#d00000", 290, 7_200, "money"),
    (30_000, 300_000, "#e62117", "#d00000", 310, 10_800, "rocket"),
    (40_000, 400_000, "#e62117", "#d00000", 330, 14_400, "rocket"),
    (50_000, 500_000, "#e62117", "#d00000", 350, 18_000, "rocket"),
)
MOST: Final = {"USD": 50_000, "KRW": 500_000}
"""The largest single amount: a slip of the finger costs no more."""
STEP: Final = {"USD": 1, "KRW": 100}
"""What amounts are multiples of."""


def _tiers(column: Literal[0, 1]) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            tier=n,
            amount=row[column],
            color=row[2],
            header=row[3],
            letters=row[4],
            pin_s=row[5],
            effect=row[6],
        )
        for n, row in enumerate(_SHAPE, 1)
    )


TIERS: Final[dict[str, tuple[Tier, ...]]] = {"USD": _tiers(0), "KRW": _tiers(1)}


def tier_of(amount: int, currency: str) -> Tier | None:
    """The tier that an amount buys; None for too little, too much, uneven amounts and unknown currencies."""
    tiers = TIERS.get(currency)
    if tiers is None or not tiers[0].amount <= amount <= MOST[currency] or amount % STEP[currency]:
        return None
    return max((tier for tier in tiers if tier.amount <= amount), key=lambda tier: tier.amount)

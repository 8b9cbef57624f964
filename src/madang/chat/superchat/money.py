"""Amounts: integers of a currency's smallest unit, and how they are written."""

from typing import Final

DIGITS: Final = {"KRW": 0, "JPY": 0, "USD": 2, "EUR": 2}
"""ISO 4217's minor digits, of the currencies that tiers are known for."""
_SIGNS: Final = {"KRW": "₩", "JPY": "¥", "USD": "$", "EUR": "€"}


def written(amount: int, currency: str) -> str:
    """`₩5,000`, `$12.50`, as everybody reads it."""
    digits = DIGITS[currency]
    whole, part = divmod(abs(amount), 10**digits)
    text = f"{whole:,}" + (f".{part:0{digits}}" if digits else "")
    return f"{'-' if amount < 0 else ''}{_SIGNS[currency]}{text}"


def plain(amount: int, currency: str) -> str:
    """`5000`, `12.50`, for tables that programs read."""
    digits = DIGITS[currency]
    whole, part = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}" + (f".{part:0{digits}}" if digits else "")

"""Providers whose events may name a payment by another id than ours, as a dispute does."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Traces(Protocol):
    """A provider that finds the order of such an id."""

    async def trace(self, payment: str) -> str:
        """The order, as we gave it to the provider; empty where it is none of ours. PaymentFault."""
        ...

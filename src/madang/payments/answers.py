"""Requests to providers and what comes back: JSON of a provider, or a PaymentFault."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from madang.chat.ports import PaymentFault
from madang.net.outbound import Call, OutboundError, Reply


class Fetches(Protocol):
    """`net.outbound.Outbound`, or a test's."""

    async def fetch(self, call: Call) -> Reply: ...


async def ask(outbound: Fetches, call: Call) -> tuple[int, dict[str, Any]]:
    """(status, JSON object). PaymentFault `unreachable` for no answer, a server error, or none in JSON."""
    try:
        reply = await outbound.fetch(call)
    except OutboundError as error:
        raise PaymentFault("unreachable", error.reason) from error
    if reply.status >= 500:
        raise PaymentFault("unreachable", f"status {reply.status}")
    try:
        answer = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        raise PaymentFault("unreachable", "answered without JSON") from None
    if not isinstance(answer, dict):
        raise PaymentFault("unreachable", "answered without an object")
    return reply.status, answer


def text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def number(answer: Mapping[str, Any], name: str) -> int:
    """A whole number of the smallest unit; -1, which no order asks for, where there is none."""
    value = answer.get(name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def inner(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}

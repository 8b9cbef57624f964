"""Reads of the paid messages' rows, and the sums that are made of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from madang.chat.ports import Cell, Log, Query
from madang.chat.superchat.orders import LEDGER, TABLE, Entry, Order, order_of

_PAGE = 500
GOALS = "paid_goals"


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel collects for, in one currency."""

    title: str
    amount: int
    currency: str
    since: int
    """Milliseconds since 1970: what was paid before does not count."""


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """One payer's place."""

    user: str
    name: str
    amount: int
    currency: str


class Books:
    """The orders and the ledger, as they are on the disk."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def order(self, order: str) -> Order | None:
        return await self._one({"id": order})

    async def by_nonce(self, channel: str, user: str, nonce: str) -> Order | None:
        return await self._one({"channel": channel, "user_id": user, "nonce": nonce})

    async def by_payment(self, provider: str, payment: str) -> Order | None:
        return await self._one({"provider": provider, "payment": payment})

    async def by_message(self, channel: str, message: str) -> Order | None:
        return await self._one({"channel": channel, "message": message})

    async def orders(
        self, channel: str, state: str = "", before: str | None = None, limit: int = 50, user: str = ""
    ) -> list[Order]:
        """Newest first, of everybody or of one."""
        where: dict[str, Cell] = {"channel": channel}
        if user:
            where["user_id"] = user
        if state:
            where["state"] = state
        rows = await self._log.find(Query(table=TABLE, where=where, below=before, limit=limit))
        return [order_of(row) for row in rows]

    async def open_orders(self, state: str) -> list[Order]:
        """Of all channels, in a state."""
        return [order_of(row) for row in await self._all(TABLE, {"state": state})]

    async def pinned(self, channel: str, now_ms: int) -> list[Order]:
        """What is in the ticker, newest first."""
        query = Query(
            table=TABLE, where={"channel": channel, "state": "shown"}, order="pinned_until", above=now_ms
        )
        return sorted(
            (order_of(row) for row in await self._log.find(query)), key=lambda order: order.id, reverse=True
        )

    async def goal(self, channel: str) -> Goal | None:
        rows = await self._log.find(Query(table=GOALS, where={"channel": channel}, order="channel", limit=1))
        return msgspec.convert({n: rows[0][n] for n in Goal.__struct_fields__}, Goal) if rows else None

    async def entries(self, channel: str) -> list[Entry]:
        """The whole ledger of a channel, oldest first."""
        return [msgspec.convert(row, Entry) for row in await self._all(LEDGER, {"channel": channel})]

    async def sum_since(self, channel: str, currency: str, since: int) -> int:
        """What came in and stayed."""
        return sum(
            entry.amount
            for entry in await self.entries(channel)
            if entry.currency == currency and entry.at >= since
        )

    async def ranking(self, channel: str, since: int, most: int) -> list[Rank]:
        """Who gave most since a moment, per currency; whoever stays anonymous is not told of."""
        sums: dict[tuple[str, str], int] = {}
        orders = {order.id: order for order in await self.all_orders(channel)}
        for entry in await self.entries(channel):
            order = orders.get(entry.order)
            if entry.at >= since and order is not None and not order.anonymous:
                key = order.user, order.currency
                sums[key] = sums.get(key, 0) + entry.amount
        names = {order.user: _name(order) for order in orders.values()}
        best = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
        return [
            Rank(user=user, name=names.get(user, ""), amount=amount, currency=currency)
            for (user, currency), amount in best
            if amount > 0
        ][:most]

    async def all_orders(self, channel: str) -> list[Order]:
        return [order_of(row) for row in await self._all(TABLE, {"channel": channel})]

    async def _one(self, where: dict[str, Cell]) -> Order | None:
        rows = await self._log.find(Query(table=TABLE, where=where, limit=1))
        return order_of(rows[0]) if rows else None

    async def _all(self, table: str, where: dict[str, Cell]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        above: Cell = None
        while True:
            rows = await self._log.find(
                Query(table=table, where=where, newest=False, above=above, limit=_PAGE)
            )
            found += rows
            if len(rows) < _PAGE:
                return found
            above = rows[-1]["id"]


def _name(order: Order) -> str:
    name: str = msgspec.json.decode(order.author)["name"]
    return name


def sums(entries: Sequence[Entry]) -> dict[str, int]:
    """What stayed, by currency."""
    found: dict[str, int] = {}
    for entry in entries:
        found[entry.currency] = found.get(entry.currency, 0) + entry.amount
    return found

"""What a room shows of its money: the goal, the ranking, and the ticker of what was paid last."""

import asyncio
from weakref import WeakValueDictionary

import msgspec

from madang.base import limits
from madang.base.clock import Clock
from madang.chat.ports import Cell, Put
from madang.chat.superchat import words
from madang.chat.superchat.books import GOALS, Goal, Rank
from madang.chat.superchat.door import Door
from madang.chat.superchat.ordering import Ordering


class Boards:
    """For all rooms."""

    def __init__(self, orders: Ordering, door: Door, clock: Clock) -> None:
        self._orders, self._books, self._door, self._clock = orders, orders.books, door, clock
        self._telling: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By channel: what is read last is told last."""

    async def set_goal(self, channel: str, goal: Goal | None) -> None:
        row: dict[str, Cell] = {"channel": channel, "title": "", "amount": 0, "currency": "KRW", "since": 0}
        if goal is not None:
            row |= msgspec.to_builtins(goal)
        await self._door.commit(channel, [Put(GOALS, row, ("channel",))])
        await self.tell_goal(channel)

    async def goal(self, channel: str) -> words.GoalShown | None:
        goal = await self._books.goal(channel)
        if goal is None or goal.amount <= 0:
            return None
        reached = await self._books.sum_since(channel, goal.currency, goal.since)
        return words.GoalShown(
            title=goal.title, amount=goal.amount, currency=goal.currency, reached=max(0, reached)
        )

    async def ranking(self, channel: str, days: int) -> list[Rank]:
        since = self._now() - days * 86_400_000 if days else 0
        return await self._books.ranking(channel, since, limits.SUPERCHAT_RANKING)

    async def tell_goal(self, channel: str) -> None:
        async with self._telling.setdefault(channel, asyncio.Lock()):
            await self._door.set_part(channel, "goal", await self.goal_part(channel))

    async def goal_part(self, channel: str) -> bytes:
        """The goal as JSON, for a room's snapshot."""
        return words.encode(await self.goal(channel))

    async def tell_ticker(self, channel: str) -> None:
        async with self._telling.setdefault(channel, asyncio.Lock()):
            await self._door.set_part(channel, "paid", await self.ticker(channel))

    async def ticker(self, channel: str) -> bytes:
        test = frozenset(name for name, provider in self._orders.providers.items() if provider.test)
        return words.ticker(await self._books.pinned(channel, self._now()), test)

    def _now(self) -> int:
        return int(self._clock.wall() * 1000)

"""Answers to creations, kept a day for their idempotency keys; sealed, since they may hold secrets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from madang.control.clerk import Clerk
from madang.control.errors import Conflict
from madang.control.records import Kept


class Answered(msgspec.Struct, frozen=True):
    """An answer as it was given."""

    status: int
    body: bytes


class Answers:
    """Two requests with one key take turns; the second gets the first one's answer."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """One at a time for each key."""
        lock, users = self._turns.get(name, (asyncio.Lock(), 0))
        self._turns[name] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._turns[name]
            if users == 1:
                del self._turns[name]
            else:
                self._turns[name] = (lock, users - 1)

    async def find(self, name: str, request: str) -> Answered | None:
        """The answer kept for this key; Conflict when it answered another request."""
        key = self._clerk.vault.digest("idempotency", name)
        async with self._clerk.store.read() as work:
            kept = await work.kept.get(key)
        if kept is None:
            return None
        if kept.request != request:
            raise Conflict("idempotency_mismatch", "This Idempotency-Key was used for another request.")
        return Answered(kept.status, self._clerk.vault.unseal(kept.sealed, key))

    async def keep(self, name: str, request: str, answer: Answered) -> None:
        """Keep an answer for a day."""
        key = self._clerk.vault.digest("idempotency", name)
        sealed = self._clerk.vault.seal(answer.body, key)
        kept = Kept(
            key=key, request=request, status=answer.status, sealed=sealed, at=self._clerk.clock.wall()
        )
        async with self._clerk.store.write() as work:
            await work.kept.delete(key=key)
            await work.kept.add(kept)

"""Requests that are held until something is there: reloads, hinted parts, the first playlist."""

import asyncio
from collections.abc import Callable

from madang.delivery.http.admission import NOT_FOUND
from madang.delivery.http.answers import STALLED
from madang.delivery.http.errands import Reply, chain
from madang.net.http.routes import Hold

Key = tuple[str, int, int]
"""What is waited for; many wait for the same."""

# Writes of one turn of the loop: at 8 µs each, some 2 ms.
RELEASED_AT_ONCE = 256


class Waiting:
    """A held request, and how its answer is made once what it waits for is there."""

    __slots__ = ("allowed", "answer", "hold", "key")

    def __init__(self, hold: Hold, key: Key, answer: Callable[[], Reply]) -> None:
        self.hold = hold
        self.key = key
        self.answer = answer
        self.allowed: Callable[[], bool] | None = None


class WaitingRoom:
    """All held requests of one broadcast. Each has its own deadline (A53), kept by the HTTP protocol."""

    def __init__(self, due: Callable[[Key], bool]) -> None:
        self._due = due
        self._waiting: dict[Hold, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def hold(self, key: Key, deadline_s: float, answer: Callable[[], Reply]) -> Hold:
        """Hold a request until `key` is due."""
        hold = Hold(deadline_s, STALLED, self._gone)
        self._waiting[hold] = Waiting(hold, key, answer)
        return hold

    def watch(self, hold: Hold, allowed: Callable[[], bool]) -> None:
        """Ask each second whether a held viewer may still watch."""
        waiting = self._waiting.get(hold)
        if waiting is not None:
            waiting.allowed = allowed

    def sweep(self) -> None:
        """Once a second: those who lost their right while they waited are answered 404."""
        for hold, waiting in tuple(self._waiting.items()):
            if waiting.allowed is not None and not waiting.allowed():
                del self._waiting[hold]
                hold.resolve(NOT_FOUND)

    def serve(self, everybody: bool = False) -> None:
        """There is news: answer those whose key is due, or everybody."""
        verdicts: dict[Key, bool] = {}
        served = []
        for waiting in tuple(self._waiting.values()):
            key = waiting.key
            if key not in verdicts:
                verdicts[key] = everybody or self._due(key)
            if verdicts[key]:
                del self._waiting[waiting.hold]
                served.append(waiting)
        self._release(served)

    def _release(self, served: list[Waiting]) -> None:
        """A slice at a time: thousands of writes would hold the loop."""
        for waiting in served[:RELEASED_AT_ONCE]:
            lost = waiting.allowed is not None and not waiting.allowed()
            chain(NOT_FOUND if lost else waiting.answer(), waiting.hold)
        if len(served) > RELEASED_AT_ONCE:
            asyncio.get_running_loop().call_soon(self._release, served[RELEASED_AT_ONCE:])

    def _gone(self, hold: Hold) -> None:
        self._waiting.pop(hold, None)

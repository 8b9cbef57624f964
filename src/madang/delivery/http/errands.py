"""Answers that need to wait for a gate or a file: a bounded number at once, each under a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from madang.base.errors import Overloaded, Refused
from madang.base.limits import VIEWER_ERRAND_S, VIEWER_ERRANDS
from madang.delivery.http.admission import NOT_FOUND
from madang.delivery.http.answers import BUSY, STALLED
from madang.net.http.routes import Answer, Growing, Hold, TakeOver

Reply = Answer | Growing | TakeOver | Hold
Spawn = Callable[[Coroutine[None, None, None]], object]
"""Runs a coroutine under the server's task group."""


class Errands:
    """Runs what an answer needs and resolves its hold."""

    def __init__(self, spawn: Spawn) -> None:
        self.running = 0
        self._spawn = spawn

    def hold(self, deadline_s: float, work: Callable[[], Awaitable[Reply]]) -> Hold | Answer:
        """A hold that `work` answers within `deadline_s` of whatever it waits for; 503 when too many run."""
        if self.running >= VIEWER_ERRANDS:
            return BUSY
        self.running += 1
        hold = Hold(deadline_s, STALLED, _left)
        self._spawn(self._run(hold, work))
        return hold

    async def _run(self, hold: Hold, work: Callable[[], Awaitable[Reply]]) -> None:
        reply: Reply = BUSY
        try:
            async with asyncio.timeout(VIEWER_ERRAND_S):
                reply = await work()
        except Refused:
            reply = NOT_FOUND
        except (Overloaded, TimeoutError):
            reply = BUSY
        finally:
            self.running -= 1
            chain(reply, hold)


def _left(hold: Hold) -> None:
    """Nobody waits for it any more: whatever comes of its errand is nobody's."""
    hold.resolve(STALLED)


def chain(reply: Reply, hold: Hold) -> None:
    """Answer `hold` with `reply`, or, when that is a hold itself, with what comes of it."""
    if not isinstance(reply, Hold):
        hold.resolve(reply)
    elif reply.answer is not None:
        hold.resolve(reply.answer)
    elif hold.answer is not None:
        if reply.gone is not None:
            reply.gone(reply)
    else:
        reply.respond = lambda inner: hold.resolve(inner.answer or STALLED)
        gone = reply.gone
        hold.gone = (lambda _: gone(reply)) if gone is not None else None

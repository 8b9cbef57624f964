"""Coroutines without a task each: a command that waits for nothing is finished inside its own call.

What has to wait gives the rest of itself to a task. Code that may wait in ways of asyncio that need a task
(time-outs, for one) awaits `settle()` first.
"""

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

Spawn = Callable[[Coroutine[Any, Any, None]], object]
"""Runs a coroutine under the server's task group."""


def drive(work: Coroutine[Any, Any, None], spawn: Spawn) -> None:
    """Run `work` as far as it goes without waiting; a task takes it from there."""
    try:
        first = work.send(None)
    except StopIteration:
        return
    spawn(_rest(work, first))


async def _rest(work: Coroutine[Any, Any, None], first: object) -> None:
    await _go_on(work, first)


@types.coroutine
def _go_on(work: Coroutine[Any, Any, None], awaited: object) -> Generator[Any, Any, None]:
    while True:
        try:
            try:
                value = yield awaited
            except BaseException as error:  # noqa: BLE001 (a cancellation, too, belongs to the coroutine)
                awaited = work.throw(error)
            else:
                awaited = work.send(value)
        except StopIteration:
            return


@types.coroutine
def settle() -> Generator[None, None, None]:
    """From here on the coroutine runs in a task."""
    yield

"""Waiting for what comes about, never for a time: a question is asked again until it is answered well."""

import asyncio
import time
from collections.abc import Callable

import httpx

PATIENCE_S = 60.0
"""Enough for a busy machine; what must come sooner says so itself."""
PATIENCE_MS = 60_000
"""The same for whatever a page is waited for."""
_PAUSE_S = 0.05


def wait_until(found: Callable[[], object], within_s: float = PATIENCE_S) -> float:
    """Seconds until `found` answers yes. A failed assertion or request inside it is "not yet": the
    server may be starting, or told something a moment ago. At the deadline it fails as it failed last."""
    began = time.monotonic()
    while True:
        problem: Exception
        try:
            if found():
                return time.monotonic() - began
            problem = AssertionError("it did not come about")
        except (AssertionError, httpx.HTTPError) as error:
            problem = error
        if time.monotonic() - began > within_s:
            raise AssertionError(f"not within {within_s:g} s: {problem}") from problem
        time.sleep(_PAUSE_S)


async def until(found: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """The same on the event loop, for what happens in this process: TimeoutError at the deadline."""
    async with asyncio.timeout(within_s):
        while not found():
            await asyncio.sleep(0.01)

"""The end of a server: what a deadline says of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from madang.app import lifecycle
from madang.app.lifecycle import Lifecycle
from madang.base.limits import DRAIN_S


class Timers:
    """Stands for `threading.Timer`: what would happen, and when, if nothing else did."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def __call__(self, seconds: float, call: Callable[..., None], args: tuple[Any, ...] = ()) -> "Timers":
        self.set.append((seconds, call, args))
        return self

    def start(self) -> None:
        """Time stands still here."""

    def run_out(self) -> None:
        for _, call, args in self.set:
            call(*args)


class Server:
    """Ends as soon as it is open; `closing` is called while it is being closed."""

    def __init__(self, closing: Callable[[], None] = lambda: None) -> None:
        self._closing = closing
        self.lifecycle = Lifecycle(self)

    async def listen(self) -> None:
        self.lifecycle._end()

    def sweep(self) -> None: ...

    def reload(self) -> None: ...

    async def drain(self) -> None: ...

    async def close(self) -> None:
        self._closing()


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(lifecycle.os, "_exit", found.append)
    monkeypatch.setattr(lifecycle.starting, "settle", lambda: None)
    return found


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    made = Timers()
    monkeypatch.setattr(lifecycle.threading, "Timer", made)
    return made


async def test_a_drain_that_does_not_end_in_time_has_failed(exits: list[int], timers: Timers) -> None:
    await Server(timers.run_out).lifecycle.run()
    assert exits == [1]
    assert [seconds for seconds, _, _ in timers.set] == [DRAIN_S]


async def test_who_has_closed_everything_in_time_ends_well_whatever_still_loads(
    exits: list[int], timers: Timers
) -> None:
    """On a busy machine libraries may still be loading behind the open doors when a server ends."""
    async with asyncio.timeout(30):
        await Server().lifecycle.run()
    timers.run_out()
    assert exits == [0]

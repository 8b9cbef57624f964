"""The life of the server process: start, signals, the second-by-second sweep, drain, exit.

SIGTERM and SIGINT drain (at most DRAIN_S); a second one forces the exit within FORCED_EXIT_S; SIGHUP
reloads certificates and settings that can change; SIGQUIT writes the stacks of all tasks to the log.
"""

import asyncio
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from madang.app import starting
from madang.app.watchdog import Watchdog
from madang.base.limits import DRAIN_S, FORCED_EXIT_S

SWEEP_S = 1.0
STALL_S = 2.0
"""A loop that was held longer than this writes a line: every deadline of the server felt it."""

_log = structlog.get_logger()


class Served(Protocol):
    """What the lifecycle drives: everything that was wired together."""

    async def listen(self) -> None:
        """Open the doors. Raises ListenError with a sentence for the operator."""
        ...

    def sweep(self) -> None:
        """Once a second: silent publishers, forgotten viewers, revoked grants."""
        ...

    def reload(self) -> None:
        """SIGHUP: certificates and what else may change; what is bad keeps the old."""
        ...

    async def drain(self) -> None:
        """Stop accepting, tell everybody to come back, keep what must persist."""
        ...

    async def close(self) -> None:
        """Release everything; called once, also after a failed start."""
        ...


class Lifecycle:
    """Runs `served` until a signal ends it."""

    def __init__(
        self,
        served: Served,
        beside: Callable[[], Awaitable[None]] | None = None,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        self._served = served
        self._beside = beside
        self._opened = opened
        """Called once the doors are open: the banner."""
        self._watchdog = Watchdog(SWEEP_S + STALL_S)
        self._over = asyncio.Event()
        self._forced = asyncio.Event()
        self._closed = False
        """Everything is released; what still loads behind the doors, in threads, is not worth waiting for."""

    async def run(self) -> None:
        """From opening the doors to the end of the drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._served.reload)
        loop.add_signal_handler(signal.SIGQUIT, _log_stacks)
        try:
            await self._served.listen()
            self._opened()
            starting.settle()
            self._watchdog.start()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._sweep())]
                if self._beside is not None:
                    tasks.append(group.create_task(_run(self._beside)))
                await self._over.wait()
                self._watchdog.stop()
                for task in tasks:
                    task.cancel()
            await self._drain()
        finally:
            self._watchdog.stop()
            await self._served.close()
            self._closed = True

    def _end(self) -> None:
        if self._over.is_set():
            _log.warning("forced_exit", within_s=FORCED_EXIT_S)
            self._forced.set()
            self._exit_after(FORCED_EXIT_S)
        self._over.set()

    async def _drain(self) -> None:
        """Drain, but no longer than DRAIN_S less what the close may need, and not past a second signal."""
        self._exit_after(DRAIN_S)
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(self._served.drain())
            forced = group.create_task(self._forced.wait())
            done, late = await asyncio.wait(
                {draining, forced}, timeout=DRAIN_S - FORCED_EXIT_S, return_when=asyncio.FIRST_COMPLETED
            )
            for task in late:
                task.cancel()
        if draining not in done:
            _log.warning("drain_cut_short")

    def _exit_after(self, seconds: float) -> None:
        """A way out that needs no event loop: a wedged drain cannot hold a deploy."""
        timer = threading.Timer(max(seconds, 0.01), self._exit)
        timer.daemon = True
        timer.start()

    def _exit(self) -> None:
        os._exit(0 if self._closed else 1)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(SWEEP_S)
            held = loop.time() - before - SWEEP_S
            if held > STALL_S:
                _log.warning("loop_stalled", seconds=round(held, 2))
            self._served.sweep()
            self._watchdog.beat()


async def _run(beside: Callable[[], Awaitable[None]]) -> None:
    await beside()


def _log_stacks() -> None:
    for task in asyncio.all_tasks():
        frames = task.get_stack(limit=12)
        lines = [line for frame in frames for line in traceback.format_stack(frame, limit=1)]
        _log.info("task_stack", task=task.get_name(), stack="".join(lines))
    faulthandler.dump_traceback(file=sys.stderr)

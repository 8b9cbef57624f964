"""From the log to the room: what is on the disk happens, in the order in which it was committed."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog

from madang.base.errors import Overloaded, PeerError
from madang.chat.ports import Change, DeposedError, Fenced, Log
from madang.realtime.broker import BrokerError
from madang.realtime.ports import INTERNAL

T = TypeVar("T")
_log = structlog.get_logger()
_Deed = tuple[Callable[[], Awaitable[Any]], asyncio.Future[Any], Callable[[], None]]


class Pump:
    """Commits, and then does; whoever waits may go away without stopping what was committed."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._deeds: deque[_Deed] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._waiting = 0

    async def do(
        self,
        changes: Sequence[Change],
        deed: Callable[[], Awaitable[T]],
        untold: Callable[[], None] = lambda: None,
    ) -> T:
        """Commit `changes`, then do `deed`. Raises error 100 when the store is away, and DeposedError when
        the room is another node's: nothing has happened. Where the broker failed `deed`, `untold` is called:
        it is on the disk, and not everybody knows."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        self._idle.clear()

        def done(fault: BaseException | None) -> None:
            if fault is None:
                self._deeds.append((deed, future, untold))
                self._wake.set()
                return
            self._finished()
            if not future.done():
                future.set_exception(_told(fault))

        self.log.commit(changes, done)
        return await future  # who goes away cancels the future alone: the deed is done all the same

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._deeds:
                await self._do(*self._deeds.popleft())

    async def _do(
        self, deed: Callable[[], Awaitable[Any]], future: asyncio.Future[Any], untold: Callable[[], None]
    ) -> None:
        try:
            result = await deed()
        except (BrokerError, PeerError, OSError) as error:
            fault = error if isinstance(error, PeerError) else INTERNAL
            if fault is INTERNAL:
                untold()
            if not future.done():
                future.set_exception(fault)
        except Exception as error:  # noqa: BLE001  one room's fault must not stop the others
            if not future.done():
                future.set_exception(_logged(error))
        else:
            if not future.done():
                future.set_result(result)
        finally:
            self._finished()

    def _finished(self) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self._idle.set()

    @property
    def idle(self) -> bool:
        return self._waiting == 0

    async def settle(self) -> None:
        """Until everything that was committed has happened."""
        await self._idle.wait()


def _told(fault: BaseException) -> BaseException:
    """What whoever waits is told of a commit that was not made."""
    if isinstance(fault, Fenced | DeposedError):
        return fault
    return INTERNAL if isinstance(fault, Overloaded) else _logged(fault)


def _logged(fault: BaseException) -> BaseException:
    _log.error("chat_deed_failed", exc_info=fault)
    return INTERNAL

"""Commands of the server API, whichever way they came: one, several in turn, several side by side."""

import asyncio
import logging
from collections.abc import Sequence

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_SLICE
from madang.realtime.api_methods import Methods
from madang.realtime.api_requests import Asked
from madang.realtime.broker import BrokerError
from madang.realtime.engine import Engine
from madang.realtime.ports import INTERNAL, ReplyError

log = logging.getLogger(__name__)


class Commands:
    """Performs commands; an outcome is a method's result, or the ReplyError that answers it."""

    def __init__(self, engine: Engine, methods: Methods) -> None:
        self._engine = engine
        self._core = engine.core
        self.methods = methods

    async def perform(self, commands: Sequence[Asked], parallel: bool) -> list[object]:
        """The outcomes of several commands, in their order."""
        return await (self._side_by_side if parallel else self._in_turn)(commands)

    async def _in_turn(self, commands: Sequence[Asked]) -> list[object]:
        outcomes = []
        for index, asked in enumerate(commands, 1):
            outcomes.append(await self.outcome(asked))
            if index % REALTIME_SLICE == 0:
                await asyncio.sleep(0)
        return outcomes

    async def _side_by_side(self, commands: Sequence[Asked]) -> list[object]:
        """Where the broker is elsewhere, as many at once as make one slice."""
        if self._core.broker.in_process:
            return await self._in_turn(commands)
        outcomes: list[object] = []
        for start in range(0, len(commands), REALTIME_SLICE):
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self.outcome(each)) for each in commands[start : start + REALTIME_SLICE]
                ]
            outcomes += [task.result() for task in tasks]
        return outcomes

    async def outcome(self, asked: Asked) -> object:
        counters = self._engine.counters
        counters.api_commands += 1
        if isinstance(asked.request, ReplyError):
            counters.api_errors += 1
            return asked.request
        try:
            return await self.methods.perform(asked.method, asked.request)
        except ReplyError as error:
            counters.api_errors += 1
            return error
        except (BrokerError, PeerError) as error:
            log.warning("realtime: the server API's %s failed: %s", asked.method, error)
        except Exception:
            counters.handler_errors += 1
            log.exception("realtime: the server API's %s failed", asked.method)
        counters.api_errors += 1
        return INTERNAL

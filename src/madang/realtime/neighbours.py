"""Rooms above and the same rooms of other nodes: questions with an answer, and news.

A question has a deadline and goes once: who asks decides whether it may be asked again. Nothing here is kept:
a node that is not there does not hear.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import count

from madang.base.limits import NODE_QUESTIONS
from madang.realtime import nodes
from madang.realtime.broker import BrokerError
from madang.realtime.core import Core
from madang.realtime.driving import settle
from madang.realtime.ports import INTERNAL, Answering, Disconnect, NobodyListensError, ReplyError

log = logging.getLogger(__name__)
Hear = Callable[[str, bytes], None]


class Neighbours:
    """Implements `ports.Neighbourhood`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[nodes.ReturnTold]] = {}
        self._answering: dict[str, Answering] = {}
        self._hearing: dict[str, Hear] = {}

    @property
    def alone(self) -> bool:
        return self._core.broker.in_process

    def on_question(self, topic: str, answer: Answering) -> None:
        self._answering[topic] = answer

    def on_news(self, topic: str, hear: Hear) -> None:
        self._hearing[topic] = hear

    async def ask(self, node: str, topic: str, data: bytes, within_s: float) -> bytes:
        if len(self._waiting) >= NODE_QUESTIONS:
            raise INTERNAL
        await settle()
        number = next(self._numbers)
        future: asyncio.Future[nodes.ReturnTold] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            async with asyncio.timeout(within_s):
                if not await self._core.broker.tell(nodes.encode(nodes.CallTold(number, topic, data)), node):
                    raise NobodyListensError(node)
                returned = await future
        except (BrokerError, TimeoutError):
            raise INTERNAL from None
        finally:
            del self._waiting[number]
        if returned.fault is not None:
            raise _raised(returned.fault)
        return returned.data

    async def say(self, topic: str, data: bytes) -> None:
        try:
            await self._core.broker.tell(nodes.encode(nodes.NewsTold(topic, data)))
        except BrokerError:
            raise INTERNAL from None

    def hear(self, sender: str, told: nodes.CallTold | nodes.ReturnTold | nodes.NewsTold) -> None:
        """A message of another node."""
        if isinstance(told, nodes.ReturnTold):
            waiting = self._waiting.get(told.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(told)
        elif isinstance(told, nodes.CallTold):
            self._core.run(self._answer(sender, told))
        elif (hear := self._hearing.get(told.topic)) is not None:
            hear(sender, told.data)

    async def _answer(self, sender: str, told: nodes.CallTold) -> None:
        await settle()
        answer, data = self._answering.get(told.topic), b""
        fault: nodes.Fault | None = nodes.Fault(*_CODE)
        if answer is not None:
            try:
                data, fault = await answer(sender, told.data), None
            except ReplyError as error:
                fault = nodes.Fault(error.number, error.message, error.temporary)
            except Disconnect as error:
                fault = nodes.Fault(error.number, error.message, ends=True)
            except Exception:
                log.exception("a question of another node failed: %s", told.topic)
        try:
            await self._core.broker.tell(nodes.encode(nodes.ReturnTold(told.number, data, fault)), sender)
        except BrokerError as error:
            self._core.broker_failed(error)


_CODE = INTERNAL.number, INTERNAL.message, INTERNAL.temporary


def _raised(fault: nodes.Fault) -> ReplyError | Disconnect:
    if fault.ends:
        return Disconnect(fault.number, fault.message)
    return ReplyError(fault.number, fault.message, temporary=fault.temporary)

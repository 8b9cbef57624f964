"""Questions to all nodes: what each has, within a second."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

from madang.realtime import nodes
from madang.realtime.broker import BrokerError
from madang.realtime.core import Core
from madang.realtime.driving import settle
from madang.realtime.ports import INTERNAL

SURVEY_S: Final = 1.0


class Surveys:
    """`answer` is what this node says to a question of a kind about something."""

    def __init__(self, core: Core, answer: Callable[[str, str], bytes]) -> None:
        self._core = core
        self._answer = answer
        self._numbers = count(1)
        self._answers: dict[int, dict[str, bytes]] = {}

    async def ask(self, kind: str, about: str) -> Mapping[str, bytes]:
        """The answers that came in time, by node. Raises ReplyError 100."""
        own = {self._core.node: self._answer(kind, about)}
        if self._core.broker.in_process:
            return own
        await settle()
        number = next(self._numbers)
        answers = self._answers[number] = own
        try:
            await self._core.broker.tell(nodes.encode(nodes.AskTold(number, kind, about)))
            await asyncio.sleep(SURVEY_S)
        except BrokerError:
            self._core.counters.broker_errors += 1
            raise INTERNAL from None
        finally:
            del self._answers[number]
        return answers

    def hear(self, sender: str, told: nodes.AskTold | nodes.AnswerTold) -> None:
        """A message of another node."""
        if isinstance(told, nodes.AskTold):
            answer = nodes.AnswerTold(told.number, self._answer(told.kind, told.about))
            self._core.later(self._core.broker_tell(nodes.encode(answer), sender))
        elif (answers := self._answers.get(told.number)) is not None:
            answers[sender] = told.data

"""All shared polls of this node: one for each channel that somebody here is subscribed to."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from string import ascii_letters

from madang.realtime.poll_items import Budget, Value
from madang.realtime.ports import NOT_AVAILABLE
from madang.realtime.shared_poll import Ground, Poll

_EPOCH_LETTERS = 8


class Polls:
    """`turns` asks as many backends at a time as the settings allow."""

    def __init__(self, ground: Ground, entropy: Callable[[int], bytes], at_once: int) -> None:
        self.budget = Budget()
        self._ground = ground
        self._entropy = entropy
        self._at_once = at_once
        self._turns = asyncio.Semaphore(at_once)
        self._polls: dict[str, Poll] = {}

    def allow(self, at_once: int) -> None:
        """So many questions at a time from now on."""
        if at_once != self._at_once:
            self._at_once = at_once
            self._turns = asyncio.Semaphore(at_once)

    def _turn(self) -> AbstractAsyncContextManager[object]:
        return self._turns

    def open(self, channel: str) -> Poll:
        """The channel's poll. Raises ReplyError 108 where nobody is to be asked."""
        poll = self._polls.get(channel)
        if poll is None:
            found = self._ground.poll_of(channel)
            if found is None:
                raise NOT_AVAILABLE
            poll = Poll(self._ground, channel, found, self.budget, self._turn, self._epoch())
            poll.on_idle(self._forget)
            self._polls[channel] = poll
        return poll

    def publish(self, channel: str, value: Value, epoch: str) -> None:
        """A value for whoever follows its key here."""
        poll = self._polls.get(channel)
        if poll is not None:
            poll.publish(value, epoch)

    def close(self) -> None:
        for poll in self._polls.values():
            poll.close()
        self._polls.clear()

    def _forget(self, poll: Poll) -> None:
        poll.close()
        del self._polls[poll.channel]

    def _epoch(self) -> str:
        return "".join(ascii_letters[byte % len(ascii_letters)] for byte in self._entropy(_EPOCH_LETTERS))

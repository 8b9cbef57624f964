"""A second publisher at a channel: how long its answer is held, and what it is (fault F10)."""

import asyncio
from typing import Final, Protocol

from madang.base.errors import PeerError
from madang.base.ids import KeyId
from madang.base.limits import TAKEOVER_GUARD_S, TAKEOVER_REFUSAL_S, TAKEOVER_SILENCE_S

ALIVE_AFTER_S = 0.5
"""A holder whose frames come this long after a contender did is alive: what was under way has arrived."""
STALL_S = 0.5
"""F23: a look this late tells of our own stall; the holder gets GRACE_S to be read."""
GRACE_S = 0.25


_NO_KEY: Final = KeyId("")


class Timer(Protocol):
    """What asyncio's `call_later` returns."""

    def cancel(self) -> None: ...


class Contender:
    """A second publisher whose answer is held; times in monotonic seconds.

    `answer` becomes True when the stream is free, False when its holder lives, or the error to raise.
    """

    __slots__ = ("answer", "arrived", "dismissed", "key", "look_at", "timer")

    def __init__(self, arrived: float, key: KeyId = _NO_KEY) -> None:
        self.arrived = arrived
        self.key = key
        """What it came with."""
        self.dismissed: PeerError | None = None
        """Its right is gone, whatever the answer is."""
        self.answer: asyncio.Future[bool | PeerError] = asyncio.get_running_loop().create_future()
        self.look_at = arrived
        """When the holder is to be looked at next."""
        self.timer: Timer | None = None

    def decide(self, answer: bool | PeerError) -> None:
        """Answer, unless that has been done."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def judge(self, alive_at: float, now: float) -> bool | None:
        """True: the holder, last alive at `alive_at`, has been silent for TAKEOVER_SILENCE_S. False: it
        lives. None: look again at `look_at`."""
        silent_at = alive_at + TAKEOVER_SILENCE_S
        deadline = self.arrived + TAKEOVER_SILENCE_S
        if now - self.look_at > STALL_S:
            self.look_at = now + GRACE_S
            return None
        if now >= silent_at:
            return True
        if now >= deadline or alive_at - self.arrived > ALIVE_AFTER_S:
            return False
        early = self.arrived + 2 * ALIVE_AFTER_S
        self.look_at = min(silent_at, early if now < early else deadline)
        return None

    def close(self) -> None:
        """The answer was given, or nobody waits for it."""
        if self.timer is not None:
            self.timer.cancel()


class Guard:
    """Lets one encoder take over from another, and keeps two that fight from alternating."""

    __slots__ = ("_refused_until", "_taken_at")

    def __init__(self) -> None:
        self._taken_at = float("-inf")
        self._refused_until = float("-inf")

    def closed(self, now: float) -> bool:
        """Whether nobody may contend."""
        return now < self._refused_until

    def take(self, now: float) -> bool:
        """A takeover: a second one within TAKEOVER_GUARD_S closes the channel for TAKEOVER_REFUSAL_S."""
        if now - self._taken_at < TAKEOVER_GUARD_S:
            self._refused_until = now + TAKEOVER_REFUSAL_S
            return False
        self._taken_at = now
        return True

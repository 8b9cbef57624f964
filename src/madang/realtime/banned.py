"""Whom this node refuses: users, users' older tokens, and single tokens, until their time is over."""

from collections.abc import Iterable
from typing import TypeVar

from madang.base.clock import Clock
from madang.base.limits import REALTIME_BLOCKED
from madang.realtime.nodes import BlockTold, RevokeTold
from madang.realtime.ports import Ban

_V = TypeVar("_V")


class Banned:
    """Each kind is bounded: what was banned longest ago is forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._users: dict[str, float] = {}
        self._older: dict[str, tuple[float, float]] = {}
        """By user: tokens of before this time, until that."""
        self._tokens: dict[str, float] = {}

    def has_user(self, user: str) -> bool:
        """Whether a user may not connect now, whatever the token."""
        return self._users.get(user, 0.0) > self._clock.wall()

    def has_token(self, token_id: str, user: str, issued_at: float) -> bool:
        """Whether a token is no good any more: itself, or for its age."""
        now = self._clock.wall()
        before, until = self._older.get(user, (0.0, 0.0))
        if issued_at < before and until > now:
            return True
        return bool(token_id) and self._tokens.get(token_id, 0.0) > now

    def take(self, told: BlockTold | RevokeTold) -> None:
        """A ban; `until` 0 lifts a user's."""
        if isinstance(told, RevokeTold):
            _put(self._tokens, told.token_id, told.until)
        elif told.issued_before:
            _put(self._older, told.user, (told.issued_before, told.until))
        elif told.until:
            _put(self._users, told.user, told.until)
        else:
            self._users.pop(told.user, None)

    def load(self, kept: Iterable[Ban]) -> None:
        """What outlasted a restart."""
        for ban in kept:
            if ban.kind == "token":
                self.take(RevokeTold(ban.subject, ban.until))
            else:
                self.take(BlockTold(ban.subject, ban.until, ban.issued_before))


def _put(bans: dict[str, _V], subject: str, ban: _V) -> None:
    bans.pop(subject, None)
    bans[subject] = ban
    if len(bans) > REALTIME_BLOCKED:
        bans.pop(next(iter(bans)))

"""Whom this node refuses: users, users' older tokens, and single tokens, until their time is over."""

from collections.abc import Iterable

from madang.base.clock import Clock
from madang.base.limits import REALTIME_BLOCKED
from madang.realtime.nodes import BlockTold, RevokeTold
from madang.realtime.ports import Ban


class Banned:
    """Bounded: whoever was banned longest ago is forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._users: dict[str, BlockTold] = {}
        self._tokens: dict[str, float] = {}

    def has_token(self, token_id: str) -> bool:
        return bool(token_id) and self._tokens.get(token_id, 0.0) > self._clock.wall()

    def has_user(self, user: str, issued_at: float = 0.0) -> bool:
        """Whether a user may not connect now, with a token of this age."""
        found = self._users.get(user)
        if found is None or found.until <= self._clock.wall():
            return False
        return not found.issued_before or issued_at < found.issued_before

    def take(self, told: BlockTold | RevokeTold) -> None:
        """A ban; `until` 0 lifts a user's."""
        if isinstance(told, RevokeTold):
            self._tokens.pop(told.token_id, None)
            self._tokens[told.token_id] = told.until
            if len(self._tokens) > REALTIME_BLOCKED:
                self._tokens.pop(next(iter(self._tokens)))
            return
        self._users.pop(told.user, None)
        if told.until:
            self._users[told.user] = told
            if len(self._users) > REALTIME_BLOCKED:
                self._users.pop(next(iter(self._users)))

    def load(self, kept: Iterable[Ban]) -> None:
        """What outlasted a restart."""
        for ban in kept:
            if ban.kind == "token":
                self.take(RevokeTold(ban.subject, ban.until))
            else:
                self.take(BlockTold(ban.subject, ban.until, ban.issued_before))

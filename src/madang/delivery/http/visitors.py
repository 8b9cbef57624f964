"""Viewers who come by requests: their playback sessions, and which methods they may use."""

from collections.abc import Callable

from madang.base.clock import Clock
from madang.base.ids import SessionId, encode_id
from madang.delivery.http.admission import PREFLIGHT, WRONG_METHOD
from madang.hub.audience import Audience
from madang.hub.gate import PlayGrant
from madang.net.http.routes import Answer

_METHODS = frozenset({"GET", "HEAD"})


class Visitors:
    """Playback sessions of those who come by requests: minted at the door, seen at each playlist."""

    def __init__(self, audience: Audience, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._audience = audience
        self._clock = clock
        self._entropy = entropy

    def mint(self) -> str:
        """A new session's name."""
        return encode_id(self._entropy(8))

    def seen(self, grant: PlayGrant, session: str, door: str = "hls") -> None:
        """A session asked for something of this channel."""
        self._audience.touch(grant.channel, SessionId(session), self._clock.monotonic(), door)

    def wall(self) -> float:
        """The server's clock, seconds since 1970-01-01 UTC."""
        return self._clock.wall()


def check_method(method: str) -> Answer | None:
    """The answer to a method that media has no use for, None for GET and HEAD."""
    if method in _METHODS:
        return None
    return PREFLIGHT if method == "OPTIONS" else WRONG_METHOD

"""Viewers who come by requests: their playback sessions."""

from collections.abc import Callable

from madang.base.clock import Clock
from madang.base.ids import SessionId, encode_id
from madang.hub.audience import Audience
from madang.hub.gate import PlayGrant


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

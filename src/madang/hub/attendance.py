"""Connections that play, from their grant until they are gone: counted, and asked again each second."""

from collections.abc import Callable
from typing import Protocol

from madang.base.clock import Clock
from madang.base.ids import SessionId, encode_id
from madang.hub.audience import Audience
from madang.hub.gate import PlayGate, PlayGrant


class Attendant(Protocol):
    """A connection that plays."""

    def revoke(self) -> None:
        """Its grant no longer holds: it must close now."""
        ...


class Attendance:
    """Who plays by a connection (FLV, RTMP): the audience counts them while they stay, and whoever lost the
    right to watch is sent away. Viewers of a public channel share one grant, so a sweep asks once for all."""

    def __init__(
        self, gate: PlayGate, audience: Audience, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        self._gate = gate
        self._audience = audience
        self._clock = clock
        self._entropy = entropy
        self._by_grant: dict[PlayGrant, dict[SessionId, Attendant]] = {}

    def enter(self, grant: PlayGrant, attendant: Attendant, door: str) -> SessionId:
        """`attendant` plays by this door from now on, under the session that is returned."""
        session = SessionId(encode_id(self._entropy(10)))
        self._by_grant.setdefault(grant, {})[session] = attendant
        self._audience.enter(grant.channel, session, self._clock.monotonic(), door)
        return session

    def leave(self, grant: PlayGrant, session: SessionId) -> None:
        """It plays no longer."""
        attendants = self._by_grant.get(grant)
        if attendants is None or attendants.pop(session, None) is None:
            return
        if not attendants:
            del self._by_grant[grant]
        self._audience.leave(grant.channel, session, self._clock.monotonic())

    def sweep(self) -> None:
        """Once a second: revoke those whose grant has expired or no longer holds."""
        wall = self._clock.wall()
        for grant in tuple(self._by_grant):
            expired = 0 < grant.expires_at <= wall
            if expired or not self._gate.holds(grant):
                for attendant in tuple(self._by_grant.get(grant, {}).values()):
                    attendant.revoke()

"""STUN and TURN servers that peers are told of, as Link headers (RFC 9725 section 4.6).

A TURN server that shares a secret with us (draft-uberti-behave-turn-rest, coturn's `use-auth-secret`) takes
who shows a name that says until when it is good, and its HMAC: so nobody gets a password that lasts.
"""

import base64
import hmac
from typing import Final

from madang.base.clock import Clock
from madang.base.limits import TURN_CREDENTIAL_S
from madang.base.secret import Secret

Header = tuple[bytes, bytes]
_RELAYS: Final = ("<turn:", "<turns:")


class Relays:
    """`servers` are values of Link headers; TURN servers among them without a user name get one, and its
    password, where there is a `secret`."""

    def __init__(self, servers: tuple[str, ...], secret: Secret, clock: Clock) -> None:
        self._servers = servers
        self._secret = secret
        self._clock = clock

    def public(self) -> tuple[Header, ...]:
        """For those who have not been let in yet: nothing that was made for somebody."""
        return tuple(_link(each) for each in self._servers if not self._lacks(each))

    def links(self, who: str) -> tuple[Header, ...]:
        """For a peer that was let in; `who` is what the TURN server's log is to call it."""
        return tuple(
            _link(each + self._credential(who) if self._lacks(each) else each) for each in self._servers
        )

    def _lacks(self, server: str) -> bool:
        """Whether a credential is to be made for this server."""
        return bool(self._secret) and server.startswith(_RELAYS) and "username=" not in server

    def _credential(self, who: str) -> str:
        name = f"{int(self._clock.wall()) + TURN_CREDENTIAL_S}:{who}"
        password = base64.b64encode(
            hmac.digest(self._secret.reveal().encode(), name.encode(), "sha1")
        ).decode()
        return f'; username="{name}"; credential="{password}"; credential-type="password"'


def _link(value: str) -> Header:
    return b"Link", value.encode()

"""What peers are told of STUN and TURN servers, and with which credentials."""

import base64
import hashlib
import hmac
import re

from tests.conftest import FakeClock

from madang.base.limits import TURN_CREDENTIAL_S
from madang.base.secret import Secret
from madang.net.webrtc.relays import Relays

STUN = '<stun:stun.example.org>; rel="ice-server"'
TURN = '<turn:turn.example.org?transport=tcp>; rel="ice-server"'
OWN = TURN + '; username="u"; credential="c"; credential-type="password"'


def test_without_a_secret_servers_are_told_as_they_were_set(clock: FakeClock) -> None:
    relays = Relays((STUN, TURN, OWN), Secret(""), clock)
    as_set = [(b"Link", each.encode()) for each in (STUN, TURN, OWN)]
    assert list(relays.public()) == list(relays.links("yard")) == as_set


def test_with_a_secret_each_peer_gets_a_credential_that_ends(clock: FakeClock) -> None:
    """As coturn checks it: the password is the HMAC of the name, which begins with when it ends."""
    relays = Relays((STUN, TURN, OWN), Secret("north"), clock)
    stun, turn, own = (value.decode() for _, value in relays.links("yard"))
    assert stun == STUN and own == OWN
    found = re.fullmatch(
        re.escape(TURN) + r'; username="(\d+):yard"; credential="([^"]+)"; credential-type="password"', turn
    )
    assert found is not None and int(found[1]) == int(clock.wall()) + TURN_CREDENTIAL_S
    expected = hmac.new(b"north", f"{found[1]}:yard".encode(), hashlib.sha1).digest()
    assert base64.b64decode(found[2]) == expected
    clock.advance(10)
    assert relays.links("yard")[1][1].decode() != turn


def test_who_was_not_let_in_gets_no_credential(clock: FakeClock) -> None:
    assert [value for _, value in Relays((STUN, TURN), Secret("north"), clock).public()] == [STUN.encode()]

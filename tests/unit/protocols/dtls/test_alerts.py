"""Alerts beside OpenSSL's, the published vector of their keys, and what nobody with the keys has made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.protocols.dtls import record
from madang.protocols.dtls.alerts import CLOSE_NOTIFY, FATAL, WARNING, Alert, Alerts, expand

SECRET, RANDOMS = bytes(range(48)), (bytes(range(32)), bytes(range(32, 64)))


def sides() -> tuple[Alerts, Alerts]:
    return Alerts(SECRET, RANDOMS, client=True), Alerts(SECRET, RANDOMS, client=False)


def test_the_vector_of_the_prf() -> None:
    """The one that the TLS working group's list knows as TLS1.2PRF-SHA256."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = b"test label" + bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    made = expand(secret, seed, 100)
    assert made.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


@pytest.mark.parametrize("alert", [Alert(WARNING, CLOSE_NOTIFY), Alert(FATAL, 80)])
def test_what_one_side_seals_the_other_opens(alert: Alert) -> None:
    client, server = sides()
    for ours, theirs in ((client, server), (server, client)):
        assert theirs.open(ours.seal(alert)) == alert
        assert ours.open(ours.seal(alert)) is None


def test_no_two_alerts_are_sealed_alike() -> None:
    client, server = sides()
    first, second = (client.seal(Alert(WARNING, 0)) for _ in range(2))
    assert first != second
    assert server.open(second) == server.open(first) == Alert(WARNING, 0)
    assert int.from_bytes(first[3:5], "big") == 1  # the epoch


@given(st.integers(0, 38), st.integers(1, 255))
def test_a_changed_byte_makes_it_nobodys(at: int, change: int) -> None:
    client, server = sides()
    whole = bytearray(client.seal(Alert(WARNING, CLOSE_NOTIFY)))
    whole[at] ^= change
    alert = server.open(bytes(whole))
    # Version and length are not read, but the length decides where a datagram's next record begins.
    assert alert is None or at in (1, 2, 11, 12)


@given(st.binary(max_size=60))
def test_garbage_is_nothing(data: bytes) -> None:
    _, server = sides()
    assert server.open(bytes((record.ALERT,)) + data) is None
    assert server.open(data) is None

"""Whose address, scheme and host count, as the application and the routes see them (A31)."""

from typing import Any

import pytest
from tests.unit.net.conftest import Yard

from madang.net.addresses import TrustedProxies, is_loopback, peer_address

FORGED = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n"


async def test_forged_headers_are_ignored(yard: Yard) -> None:
    wire = await yard.connect()
    assert (await wire.ask("/x", headers=FORGED)).body == b"GET /x 127.0.0.1 http yard "


async def test_listed_proxy_is_believed(make_yard: Any) -> None:
    yard = await make_yard(trusted_proxies=("127.0.0.1",))
    wire = await yard.connect()
    assert (await wire.ask("/x", headers=FORGED)).body == b"GET /x 203.0.113.7 https evil.example "
    await wire.ask("/hot/x", headers="X-Forwarded-For: 10.0.0.1, 2001:db8::1\r\n")
    assert yard.route.asked[-1].client == "2001:db8::1"
    assert yard.route.asked[-1].host == "yard"


async def test_forwarding_headers_do_not_reach_the_application(make_yard: Any) -> None:
    seen: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    yard = await make_yard(app)
    wire = await yard.connect()
    await wire.ask("/x", headers=FORGED + "Forwarded: for=1.2.3.4\r\nX-Other: 1\r\n")
    assert sorted(seen) == [b"host", b"x-other"]


@pytest.mark.parametrize(
    ("peer", "told", "client"),
    [
        ("10.1.2.3", b"203.0.113.7", "203.0.113.7"),
        ("10.1.2.3", b"1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("10.1.2.3", b"1.1.1.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
        ("10.1.2.3", b"203.0.113.7:4711, 10.9.9.9", "203.0.113.7"),
        ("10.1.2.3", b"[2001:db8::1]:4711", "2001:db8::1"),
        ("10.1.2.3", b"::ffff:203.0.113.7", "203.0.113.7"),
        ("10.1.2.3", b"10.8.8.8, 10.9.9.9", "10.8.8.8"),
        ("10.1.2.3", b"", "10.1.2.3"),
        ("10.1.2.3", b"nonsense", "10.1.2.3"),
        ("10.1.2.3", b"1.1.1.1, nonsense, 10.9.9.9", "10.9.9.9"),
        ("192.0.2.1", b"1.1.1.1", "192.0.2.1"),
        ("::1", b"1.1.1.1", "1.1.1.1"),
    ],
)
def test_rightmost_untrusted_counts(peer: str, told: bytes, client: str) -> None:
    assert TrustedProxies(("10.0.0.0/8", "::1")).client(peer, told) == client


def test_limits_spare_loopback_and_listed_proxies() -> None:
    proxies = TrustedProxies(("10.0.0.0/8",))
    assert proxies.exempt("127.0.0.1")
    assert proxies.exempt("::1")
    assert proxies.exempt("10.0.0.1")
    assert not proxies.exempt("203.0.113.7")
    assert not TrustedProxies().lists("127.0.0.1")


def test_one_spelling_for_one_peer() -> None:
    assert peer_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert peer_address("fe80::1%eth0") == "fe80::1"
    assert peer_address("unix") == "unix"
    assert is_loopback("127.9.9.9")
    assert not is_loopback("unix")

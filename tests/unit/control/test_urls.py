"""Shown addresses: from the settings, else from the host that was asked, never from a forged one (A30)."""

import pytest
from tests.harness.household import Household, household

from madang.control.urls import base_of, host_of


@pytest.mark.parametrize(
    ("scheme", "netloc", "base"),
    [
        ("http", "localhost:8080", "http://localhost:8080"),
        ("https", "live.example", "https://live.example"),
        ("wss", "[::1]:8080", "https://[::1]:8080"),
        ("ws", "192.0.2.1", "http://192.0.2.1"),
        ("http", "", "http://localhost"),
        ("http", "a b", "http://localhost"),
        ("http", "user@host", "http://localhost"),
        ("http", "host:port", "http://localhost"),
        ("http", "host:123456", "http://localhost"),
        ("http", "host/path", "http://localhost"),
        ("http", "h\r\nX: y", "http://localhost"),
        ("http", '"><script>', "http://localhost"),
        ("javascript", "host", "http://host"),
    ],
)
def test_the_base_of_a_request(scheme: str, netloc: str, base: str) -> None:
    assert base_of(scheme, netloc) == base


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://h:1", "h"), ("http://[::1]:1", "[::1]"), ("http://[", "localhost"), ("", "localhost")],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert host_of(url) == host


def test_rtmp_follows_the_http_host(house: Household) -> None:
    assert house.control.urls("http://192.0.2.1:8080").rtmp == "rtmp://192.0.2.1/live"
    assert house.control.urls("http://[2001:db8::1]:8080").rtmp == "rtmp://[2001:db8::1]/live"


async def test_settings_come_first(house: Household) -> None:
    chosen = {
        "public_url": "https://live.example/",
        "rtmp_public_url": "rtmp://in.example/",
        "rtmps_public_url": "rtmps://in.example:1936/stage",
        "rtmp_port": 11935,
    }
    async with household(house.folder, house.clock, **chosen) as public:
        urls = public.control.urls("http://evil.example")
        assert urls.watch("yard") == "https://live.example/@yard"
        assert (urls.rtmp, urls.rtmps) == ("rtmp://in.example/live", "rtmps://in.example:1936/stage")
        assert public.control.is_own_origin("https://live.example", "whatever")
    async with household(house.folder, house.clock, rtmp_port=11935) as other:
        assert other.control.urls("http://host:8080").rtmp == "rtmp://host:11935/live"


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://localhost:8080", True),
        ("https://localhost:8080", True),
        ("http://localhost", False),
        ("http://localhost:8080.evil.example", False),
        ("http://xlocalhost:8080", False),
        ("null", False),
        ("", False),
        ("file://", False),
        ("chrome-extension://localhost:8080", False),
    ],
)
def test_own_origins_are_compared_exactly(house: Household, origin: str, own: bool) -> None:
    assert house.control.is_own_origin(origin, "localhost:8080") is own
    assert not house.control.is_own_origin(origin, "")

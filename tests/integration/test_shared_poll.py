"""Shared polls with Centrifugo's official client, unmodified: values by poll and by publish, removal,
signatures."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.harness.patience import PATIENCE_S
from tests.harness.polls import PollBackend, poll_backend, poll_client
from tests.harness.server import Server, running

SECRET = "signs which keys may be tracked"
KEY = "a-key-of-the-server-api"
CONFIG = """
outbound_allow = ["127.0.0.1"]
[realtime]
allow_anonymous = true
api_keys = ["{key}"]
shared_poll = {{hmac_secret = "{secret}"}}
[realtime.proxies.backend]
endpoint = "{url}"
timeout_s = 20
[realtime.namespaces.votes]
subscription_type = "shared_poll"
shared_poll = {{proxy_name = "backend", refresh_interval_s = 0.25, keep_latest_data = true}}
allowed_delta_types = ["fossil"]
allow_subscribe_for_client = true
allow_subscribe_for_anonymous = true
[realtime.namespaces.prices]
subscription_type = "shared_poll"
shared_poll = {{proxy_name = "backend", mode = "versioned", publish_enabled = true}}
allow_subscribe_for_client = true
allow_subscribe_for_anonymous = true
"""
WAYS = [("websocket", "json"), ("websocket", "protobuf"), ("http_stream", "json")]
STORY = "once upon a time there was a yard where everybody came to watch "


@pytest.fixture(scope="module")
def asked() -> Iterator[PollBackend]:
    with poll_backend() as backend:
        yield backend


@pytest.fixture(scope="module")
def server(asked: PollBackend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = CONFIG.format(key=KEY, secret=SECRET, url=asked.url)
    with running(tmp_path_factory.mktemp("polls") / "data", config=config) as server:
        yield server


@pytest.fixture
def backend(asked: PollBackend) -> PollBackend:
    asked.has, asked.epoch = {}, ""
    return asked


def publish(server: Server, **value: Any) -> None:
    where, key = f"{server.http}/api/shared_poll_publish", {"x-api-key": KEY}
    reply = httpx.post(where, headers=key, json=value, timeout=PATIENCE_S)
    assert reply.json() == {"result": {}}


@pytest.mark.needs("node")
@pytest.mark.parametrize(("transport", "encoding"), WAYS)
def test_values_by_poll(server: Server, backend: PollBackend, transport: str, encoding: str) -> None:
    backend.put("a", data={"story": STORY * 4, "n": 1})
    backend.put("b", data="soon gone")
    channel = f"votes:{transport}-{encoding}"
    with poll_client(server.http, encoding, channel, SECRET, transport=transport, delta="fossil") as client:
        client.do("track", ["a", "b"])
        client.hears("update", "a", {"story": STORY * 4, "n": 1})
        backend.put("a", data={"story": STORY * 4, "n": 2})
        client.hears("update", "a", {"story": STORY * 4, "n": 2})
        client.do("deltas")
        client.hears("deltas", 1)
        backend.put("b", removed=True)
        client.hears("update", "b", None)

        # Away and back: the same signature, and only what is new.
        client.do("leave")
        client.hears("subscribing")
        backend.put("a", data={"n": 3})
        client.do("come")
        before = client.hears("update", "a", {"n": 3})
        assert ["subscribed"] in before and not [each for each in before if each[0] in ("signed", "update")]

        # An expired signature is renewed, a forged one lets go of its keys.
        backend.put("late", data=1)
        client.do("expire")
        client.do("track", ["late"])
        client.hears("error", "track", 109)
        client.hears("update", "late", 1)
        client.do("forge", ["forged"])
        client.hears("error", "track", 103)
        client.hears("update", "forged", None)

        client.do("untrack", ["a", "late"])
        backend.put("a", data={"n": 4})
        backend.put("c", data="last")
        client.do("track", ["c"])
        before = client.hears("update", "c", "last")
        assert not [each for each in before if each[0] == "update"], "what is untracked is not told"


@pytest.mark.needs("node")
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_values_by_publish(server: Server, backend: PollBackend, encoding: str) -> None:
    channel = f"prices:{encoding}"
    with poll_client(server.http, encoding, channel, SECRET) as client:
        backend.put("a", data=10, version=3)
        client.do("track", ["a"])
        client.hears("update", "a", 10, 3)
        publish(server, channel=channel, key="a", data=[11], version=4)
        client.hears("update", "a", [11], 4)
        publish(server, channel=channel, key="a", data=[9], version=2)
        publish(server, channel=channel, key="a", data=[12], version=5)
        assert client.hears("update", "a", [12], 5) == [], "an older version is passed over"

        # The publisher counts anew: whoever is there comes back and begins anew too.
        backend.epoch = "second"
        backend.put("a", data=[13], version=1)
        publish(server, channel=channel, key="a", data=[13], version=1, epoch="second")
        client.hears("subscribing", 2500)
        client.hears("update", "a", [13], 1)

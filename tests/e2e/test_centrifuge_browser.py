"""Centrifugo's official client in a real Chromium, from a page of another site: JSON and Protobuf, by
websocket, HTTP stream and server-sent events, through a network that breaks. And what such a page may not."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from playwright.sync_api import Browser
from tests.harness.browser import context
from tests.harness.crowd import sign_in
from tests.harness.relay import relayed
from tests.harness.server import Server, running

pytestmark = pytest.mark.needs("chromium")

SECRET = "a secret of at least thirty-two letters"
KEY = "a-key-of-the-server-api"
WAYS = [
    ("websocket", "json"),
    ("websocket", "protobuf"),
    ("http_stream", "json"),
    ("http_stream", "protobuf"),
    ("sse", "json"),
]
BUILDS = Path(__file__).parents[2] / "web" / "node_modules" / "centrifuge" / "dist"
SCRIPT = Path(__file__).parents[1] / "harness" / "js" / "centrifugo_page.js"
PAGE = """<!doctype html><title>elsewhere</title>
<script src="/centrifuge.js"></script><script>window.Centrifuges = { json: Centrifuge };</script>
<script src="/centrifuge.protobuf.js"></script><script>Centrifuges.protobuf = Centrifuge;</script>
<script src="/page.js"></script>"""
FILES = {"/centrifuge.js": BUILDS, "/centrifuge.protobuf.js": BUILDS}


class Elsewhere(BaseHTTPRequestHandler):
    """Another site: one page, the client's builds as the package has them, and our script."""

    def do_GET(self) -> None:
        folder = FILES.get(self.path)
        kind = "text/javascript" if self.path.endswith(".js") else "text/html"
        body = PAGE.encode()
        if folder is not None:
            body = (folder / self.path[1:]).read_bytes()
        elif self.path == "/page.js":
            body = SCRIPT.read_bytes()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not to the tests' output."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """Its port: `http://127.0.0.1:PORT` is a listed origin, `http://localhost:PORT` is not."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    yield site.server_address[1]
    site.shutdown()
    site.server_close()
    thread.join()


@pytest.fixture(scope="module")
def crowd(elsewhere: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = f"""
    [realtime]
    token_hmac_secret = "{SECRET}"
    api_keys = ["{KEY}"]
    allowed_origins = ["http://127.0.0.1:{elsewhere}"]
    [realtime.namespaces.closed]
    [realtime.namespaces.game]
    history_size = 50
    history_ttl_s = 300
    allow_recovery = true
    presence = true
    join_leave = true
    allow_subscribe_for_client = true
    allow_publish_for_client = true
    allow_history_for_client = true
    allow_presence_for_client = true
    """
    with running(tmp_path_factory.mktemp("crowd") / "data", config=config) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Seen:
    """What each way's client said: `before` the network broke, and `after` it was mended."""

    before: dict[str, Any]
    after: dict[str, Any]
    knocks: list[str]
    """By websocket: from the page that is listed, and from the same page at an address that is not."""


@pytest.fixture(scope="module")
def seen(elsewhere: int, crowd: Server, browser: Browser) -> Seen:
    """All ways on one page at once: they connect and talk, the wire is cut, others publish, it is mended."""
    all_ways = [
        {
            "name": f"{transport} {encoding}",
            "transport": transport,
            "encoding": encoding,
            "channel": f"game:{transport}-{encoding}",
            "token": jwt.encode({"sub": f"{transport}-{encoding}"}, SECRET, "HS256"),
        }
        for transport, encoding in WAYS
    ]
    with relayed(crowd.http_port) as relay, context(browser) as profile:
        page = profile.new_page()
        page.goto(f"http://127.0.0.1:{elsewhere}/")
        base = f"http://127.0.0.1:{relay.port}"
        before = page.evaluate("([base, ways]) => begin(base, ways)", [base, all_ways])
        relay.cut()
        page.wait_for_function("() => away()")
        for number in range(5, 8):
            for way in all_ways:
                publish(crowd, way["channel"], number)
        relay.mend()
        after = page.evaluate("(ways) => end(ways)", all_ways)
        door = f"ws://127.0.0.1:{crowd.http_port}/connection/websocket"
        knocks = [page.evaluate("(url) => knock(url)", door)]
        page.goto(f"http://localhost:{elsewhere}/")
        knocks.append(page.evaluate("(url) => knock(url)", door))
        return Seen(before, after, knocks)


def publish(server: Server, channel: str, number: int) -> None:
    """By the server API, which needs no way of a client."""
    body = {"channel": channel, "data": {"number": number}}
    answer = httpx.post(f"{server.http}/api/publish", json=body, headers={"X-API-Key": KEY})
    assert answer.status_code == 200 and "error" not in answer.json(), answer.text


@pytest.mark.parametrize(("transport", "encoding"), WAYS)
def test_the_client_for_browsers(seen: Seen, transport: str, encoding: str) -> None:
    name, user = f"{transport} {encoding}", f"{transport}-{encoding}"
    said, later = seen.before[name], seen.after[name]
    assert "failed" not in said and "failed" not in later, (said, later)
    assert said["transport"] == transport and said["positioned"] and said["recoverable"]
    assert said["presence"] == [user] and said["numClients"] == 1
    assert said["refused"] == 103
    assert user in later["joins"]
    # Five of its own, three of others while it was away: each once, in order, at the offset that follows.
    numbers, offsets = zip(*later["publications"], strict=True)
    assert list(numbers) == list(range(8))
    assert list(offsets) == list(range(offsets[0], offsets[0] + 8))
    assert said["history"] == [offsets[4], offsets[3]]
    first, *others = later["recoveries"]
    assert first == [False, False] and others and all(each == [True, True] for each in others), later


def test_a_page_that_is_not_listed_does_not_come_in(seen: Seen) -> None:
    """A18: by websocket, where no other rule of the browser's would keep it out."""
    assert seen.knocks == ["open", "closed"]


def test_a_page_elsewhere_does_nothing_in_its_visitors_name(
    elsewhere: int, crowd: Server, browser: Browser
) -> None:
    """A17: with the cookies of somebody who is signed in; another port is the same site, so they go along."""
    with context(browser) as profile:
        sign_in(profile, crowd)
        page = profile.new_page()
        page.goto(f"http://127.0.0.1:{elsewhere}/")
        assert page.evaluate("(base) => forge(base)", crowd.http) == {"read": "refused", "feed": "closed"}
        me = profile.request.get(f"{crowd.http}/api/v1/me").json()
        assert me["account"]["name"] == "admin"
        mine = profile.request.get(f"{crowd.http}/api/v1/channels?show=mine").json()
        assert [channel["slug"] for channel in mine["items"]] == ["main"]

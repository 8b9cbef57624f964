"""The shipped nginx configuration with the real nginx: HTTP/2, websockets, held playlists, unbuffered FLV,
and nothing private in its cache (A20)."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from tests.harness.nginx import Nginx, proxied
from tests.harness.publisher import publishing
from tests.harness.server import ADMIN_PASSWORD, Server, running
from websockets.sync.client import connect

pytestmark = pytest.mark.needs("nginx")
CONFIG = 'public_url = "https://live.example.org"\ntrusted_proxies = ["127.0.0.1"]\n'
SEVERAL = Path(__file__).parents[2] / "docs" / "3-operate" / "several-servers.md"
VIEWER = "127.0.0.2"
"""Whom nginx sees: not the address of the proxy itself."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("nginx") / "data", config=CONFIG) as server:
        yield server


@pytest.fixture(scope="module")
def nginx(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with proxied(tmp_path_factory.mktemp("proxy"), server) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def shown(server: Server) -> Iterator[str]:
    """A public channel that is live."""
    key = server.channel("shown")
    with publishing(f"{server.rtmp}/{key}"):
        server.wait_for("shown", "live")
        yield "shown"


def client(nginx: Nginx, **options: object) -> httpx.Client:
    transport = httpx.HTTPTransport(http2=True, verify=nginx.trust, local_address=VIEWER)
    return httpx.Client(base_url=nginx.url, transport=transport, timeout=15, **options)  # type: ignore[arg-type]


@contextmanager
def signed_in(nginx: Nginx) -> Iterator[httpx.Client]:
    with client(nginx, headers={"X-Madang": "1"}) as http:
        answer = http.post("/api/v1/sessions", json={"name": "admin", "password": ADMIN_PASSWORD})
        assert answer.status_code == 201, answer.text
        yield http


def media_playlist(http: httpx.Client, name: str) -> tuple[str, str]:
    """URL and text of a channel's first media playlist."""
    deadline = time.monotonic() + 10
    while (answer := http.get(f"/live/{name}/index.m3u8")).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    line = next(line for line in answer.text.splitlines() if line and not line.startswith("#"))
    url = urljoin(str(answer.url), line)
    return url, http.get(url).text


def segment_of(url: str, playlist: str) -> str:
    lines = [line for line in playlist.splitlines() if line and not line.startswith("#")]
    assert lines, playlist
    return urljoin(url, lines[-1])


def wait_for_segment(http: httpx.Client, name: str) -> str:
    """URL of a finished segment."""
    deadline = time.monotonic() + 15
    while True:
        url, playlist = media_playlist(http, name)
        if any(line and not line.startswith("#") for line in playlist.splitlines()):
            return segment_of(url, playlist)
        assert time.monotonic() < deadline, playlist
        time.sleep(0.3)


def test_pages_come_by_http_2(nginx: Nginx) -> None:
    with client(nginx) as http:
        answer = http.get("/")
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")


def test_the_proxy_of_several_servers_is_accepted_as_its_page_shows_it(nginx: Nginx) -> None:
    upstream, location = re.findall(r"^```nginx\n(.*?)^```$", SEVERAL.read_text(), re.MULTILINE | re.DOTALL)
    shipped = (nginx.folder / "madang.conf").read_text()
    place = "    # Pages and the API."
    assert shipped.count(place) == 1
    (nginx.folder / "several.conf").write_text(upstream + shipped.replace(place, location + place))
    main = (nginx.folder / "nginx.conf").read_text().replace("madang.conf", "several.conf")
    (nginx.folder / "nginx-several.conf").write_text(main)
    done = nginx.examine(nginx.folder / "nginx-several.conf")
    assert done.returncode == 0, done.stderr


def test_plain_http_redirects(nginx: Nginx) -> None:
    answer = httpx.get(f"http://127.0.0.1:{nginx.plain_port}/@shown", headers={"Host": "live.example.org"})
    assert (answer.status_code, answer.headers["location"]) == (301, "https://live.example.org/@shown")


def test_metrics_are_not_for_the_world(nginx: Nginx, server: Server) -> None:
    with client(nginx) as http:
        assert http.get("/metrics").status_code == 404
    assert httpx.get(f"{server.http}/metrics").status_code == 200
    forwarded = httpx.get(f"{server.http}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert forwarded.status_code == 401


def test_a_websocket_says_hello(nginx: Nginx, shown: str) -> None:
    url = nginx.url.replace("https", "wss") + f"/api/v1/events/ws?channel={shown}"
    with connect(url, ssl=nginx.trust, origin="https://live.example.org", open_timeout=30) as socket:
        assert json.loads(socket.recv(timeout=30))["type"] == "hello"


def test_flv_comes_by_websocket(nginx: Nginx, shown: str) -> None:
    url = nginx.url.replace("https", "wss") + f"/live/{shown}.ws.flv"
    with connect(url, ssl=nginx.trust, origin="https://live.example.org", open_timeout=30) as socket:
        first = socket.recv(timeout=30)
        assert isinstance(first, bytes) and first.startswith(b"FLV")
        assert len([socket.recv(timeout=30) for _ in range(10)]) == 10


def test_a_playlist_is_held_until_its_part_exists(nginx: Nginx, shown: str) -> None:
    with client(nginx) as http:
        wait_for_segment(http, shown)
        url, playlist = media_playlist(http, shown)
        first = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", playlist)[1])  # type: ignore[index]
        following = first + playlist.count("#EXTINF") + 1
        separator = "&" if "?" in url else "?"
        began = time.monotonic()
        answer = http.get(f"{url}{separator}_HLS_msn={following}")
        while answer.status_code == 503 and time.monotonic() - began < 60:  # a publisher that is behind
            answer = http.get(f"{url}{separator}_HLS_msn={following}")
        held_s = time.monotonic() - began
    assert answer.status_code == 200
    assert (
        answer.text.count("#EXTINF")
        + int(
            re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", answer.text)[1]  # type: ignore[index]
        )
        > following
    )
    assert held_s > 0.3


@pytest.mark.alone
def test_flv_is_not_buffered(nginx: Nginx, shown: str) -> None:
    def longest_wait_s() -> float:
        arrivals: list[float] = []
        with client(nginx) as http, http.stream("GET", f"/live/{shown}.flv") as answer:
            assert answer.status_code == 200
            began = time.monotonic()
            for _ in answer.iter_raw():
                arrivals.append(time.monotonic())
                if arrivals[-1] - began > 3:
                    break
        steady = [b - a for a, b in zip(arrivals[5:], arrivals[6:], strict=False)]
        return max(steady) if len(arrivals) > 30 else 3.0

    # A machine that stands still for a moment holds frames up of its own accord: one good stretch will do.
    assert any(longest_wait_s() < 0.6 for _ in range(8)), "frames come as they are made"


def test_public_segments_are_cached_and_playlists_are_not(nginx: Nginx, shown: str) -> None:
    with client(nginx) as http:
        segment = wait_for_segment(http, shown)
        first, second = http.get(segment), http.get(segment)
        assert (first.status_code, second.status_code) == (200, 200)
        assert second.headers["x-cache"] == "HIT"
        assert first.content == second.content
        master = [http.get(f"/live/{shown}/index.m3u8") for _ in range(2)]
        assert "HIT" not in {answer.headers.get("x-cache") for answer in master}


def test_a_private_channel_stays_out_of_the_cache(nginx: Nginx, server: Server) -> None:
    key = server.channel("hidden")
    with signed_in(nginx) as member, client(nginx) as stranger:
        changed = member.patch("/api/v1/channels/hidden", json={"visibility": "private"})
        assert changed.status_code == 200, changed.text
        with publishing(f"{server.rtmp}/{key}"):
            segment = wait_for_segment(member, "hidden")
            url, _ = media_playlist(member, "hidden")
            watched = [
                segment,
                url,
                "/live/hidden/index.m3u8",
                "/api/v1/channels/hidden",
                "/live/hidden/poster.jpg",
            ]
            for path in watched:
                for _ in range(2):
                    answer = member.get(path)
                    assert answer.headers.get("x-cache") != "HIT", path
                    assert answer.status_code == 200 or "poster" in path, path
                # The playlists of a private channel carry a grant in their URLs: without it there is nothing.
                assert stranger.get(re.sub(r"/~[a-z0-9]+", "", path)).status_code == 404, path


def test_private_pages_of_two_accounts_do_not_mix(nginx: Nginx) -> None:
    with signed_in(nginx) as member, client(nginx) as stranger:
        for _ in range(2):
            assert member.get("/api/v1/me").json()["account"]["name"] == "admin"
            assert stranger.get("/api/v1/me").status_code == 401


def test_the_client_is_the_viewer_and_cannot_be_forged(nginx: Nginx) -> None:
    with signed_in(nginx) as http:
        forged = {
            "X-Forwarded-For": "198.51.100.7",
            "Forwarded": "for=198.51.100.7",
            "X-Real-IP": "198.51.100.7",
        }
        again = http.post(
            "/api/v1/sessions", json={"name": "admin", "password": ADMIN_PASSWORD}, headers=forged
        )
        assert again.status_code == 201
        peers = {session["peer"] for session in http.get("/api/v1/sessions").json()["items"]}
    assert VIEWER in peers
    assert "198.51.100.7" not in peers


def test_shown_urls_are_public(nginx: Nginx, shown: str) -> None:
    with client(nginx) as http:
        urls = http.get(f"/api/v1/channels/{shown}").json()["urls"]
    assert urls["watch"] == f"https://live.example.org/@{shown}"
    assert urls["hls"].startswith("https://live.example.org/live/")


@pytest.mark.alone
def test_events_arrive_when_they_happen(nginx: Nginx) -> None:
    with client(nginx) as http, http.stream("GET", "/api/v1/events/stream") as answer:
        began = time.monotonic()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                break
        assert time.monotonic() - began < 10  # what is buffered comes with the next heartbeat, or never


HIDDEN = b"GET /api/v1/site HTTP/1.1\r\nHost: live.example.org\r\nX-Hidden: 1\r\n\r\n"
SMUGGLED = {
    "length and chunked": (b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + HIDDEN),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: %d\r\n", HIDDEN),
    "length that is none": (b"Content-Length: +%d\r\n", HIDDEN),
    "length behind a tab": (b"Content-Length\t: %d\r\n", HIDDEN),
    "chunked in disguise": (b"Transfer-Encoding: xchunked\r\nX-Length: %d\r\n", b"0\r\n\r\n" + HIDDEN),
    "chunked twice": (b"Transfer-Encoding: chunked, chunked\r\nX-Length: %d\r\n", b"0\r\n\r\n" + HIDDEN),
    "chunked by a folded line": (
        b"Transfer-Encoding:\r\n chunked\r\nX-Length: %d\r\n",
        b"0\r\n\r\n" + HIDDEN,
    ),
    "hexadecimal prefix": (b"Transfer-Encoding: chunked\r\nX-Length: %d\r\n", b"0x0\r\n\r\n" + HIDDEN),
    "an upgrade to HTTP/2": (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\nX-Length: %d\r\n",
        HIDDEN,
    ),
}


@pytest.mark.parametrize("kind", SMUGGLED)
def test_nobody_gets_the_answer_to_a_hidden_request(nginx: Nginx, kind: str) -> None:
    """A42: behind the proxy connections to us are shared; after each attack everybody gets their own."""
    head, body = SMUGGLED[kind]
    request = b"POST /version HTTP/1.1\r\nHost: live.example.org\r\n" + head % len(body) + b"\r\n" + body
    address = ("127.0.0.1", nginx.port)
    for _ in range(2):
        with (
            socket.create_connection(address, 15) as plain,
            nginx.trust.wrap_socket(plain, server_hostname="127.0.0.1") as attacker,
        ):
            attacker.sendall(request)
            assert attacker.recv(1 << 16).startswith(b"HTTP/1.1 ")
        with client(nginx) as victim:
            for _ in range(3):
                answer = victim.get("/version")
                assert answer.status_code == 200 and set(answer.json()) >= {"version"}, answer.text

"""Private channels: no door tells a stranger that they exist; tokens open them, and a revocation bites."""

import time
from collections.abc import Iterator

import httpx
import pytest
from tests.harness.patience import wait_until
from tests.harness.player import play
from tests.harness.publisher import publishing
from tests.harness.server import ADMIN_PASSWORD, Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("visibility") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: Server) -> Iterator[httpx.Client]:
    """Signed in as the first admin."""
    with httpx.Client(base_url=f"{server.http}/api/v1", headers={"X-Madang": "1"}, timeout=30) as client:
        answer = client.post("/sessions", json={"name": "admin", "password": ADMIN_PASSWORD})
        assert answer.status_code < 300, answer.text
        yield client


def doors(server: Server, name: str) -> list[str]:
    """Every HTTP address that must not tell a stranger anything."""
    live = f"{server.http}/live/{name}"
    return [
        f"{live}/index.m3u8", f"{live}.m3u8", f"{live}/dvr.m3u8", f"{live}/manifest.mpd", f"{live}.flv",
        f"{live}.ws.flv", f"{live}/poster.jpg", f"{server.http}/api/v1/channels/{name}",
    ]  # fmt: skip


def is_live(admin: httpx.Client, name: str) -> bool:
    answer = admin.get(f"/channels/{name}")
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["live"]["state"] == "live")


def test_a_stranger_learns_nothing(server: Server, admin: httpx.Client) -> None:
    key = server.channel("secret")
    assert admin.patch("/channels/secret", json={"visibility": "private"}).status_code == 200
    with publishing(f"{server.rtmp}/{key}"):
        wait_until(lambda: is_live(admin, "secret"))
        absent = doors(server, "nosuchchannel")
        for url, other in zip(doors(server, "secret"), absent, strict=True):
            answer, missing = httpx.get(url, timeout=30), httpx.get(other, timeout=30)
            assert answer.status_code == missing.status_code == 404, url
            assert answer.text.replace("secret", "x") == missing.text.replace("nosuchchannel", "x"), url
        with pytest.raises(AssertionError, match="does not play"):
            play(f"{server.rtmp}/secret", 1.0)


def test_a_token_opens_every_door_until_it_is_revoked(server: Server, admin: httpx.Client) -> None:
    key = server.channel("ticket")
    assert admin.patch("/channels/ticket", json={"visibility": "private"}).status_code == 200
    token = admin.post("/channels/ticket/play-tokens", json={}).json()["token"]
    with publishing(f"{server.rtmp}/{key}"):
        wait_until(lambda: is_live(admin, "ticket"))
        live = f"{server.http}/live/ticket"
        for url in (f"{live}/index.m3u8", f"{live}.flv"):
            assert play(f"{url}?token={token}", 1.0).decoded > 10, url
        assert play(f"{server.rtmp}/ticket?token={token}", 1.0).decoded > 10
        with httpx.stream("GET", f"{live}.flv?token={token}", timeout=30) as stream:
            pieces = stream.iter_bytes()
            next(pieces)
            assert admin.delete("/channels/ticket/play-tokens").status_code < 300
            began = time.monotonic()
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, StopIteration)):
                while time.monotonic() - began < 60:
                    next(pieces)
            assert time.monotonic() - began < 30
        assert httpx.get(f"{live}/index.m3u8?token={token}").status_code == 404

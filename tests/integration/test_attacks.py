"""Attacks on a whole server, from outside: names at every door (A1, A2), and what belongs to others (A24)."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.harness.server import ADMIN_PASSWORD, Server, running
from tests.harness.talker import connect, signed_in

MADANG = {"X-Madang": "1"}
PASSWORD = "mallory's long password"
CONFIG = """
[accounts]
sign_up = true
[payments]
rehearsal = true
"""
TARGETS = ("../secret.txt", "../../secret.txt", "/etc/passwd", "secret.txt", "madang.db", "secret")
"""What is planted beside the data, and what is always there."""
PLANTED = "planted-beside-the-data"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("attacks") / "data", config=CONFIG) as made:
        (made.data.parent / "secret.txt").write_text(PLANTED)
        yield made


def spellings(target: str) -> set[str]:
    """One path as attackers write it: plain, encoded once and twice, overlong, fullwidth, backwards, cut."""
    once = quote(target, safe="")
    dots = target.replace("..", "%2e%2e")
    return {
        target,
        once,
        once.replace(".", "%2e"),
        quote(once, safe=""),
        dots,
        dots.replace("/", "%2f"),
        target.replace("/", "\\").replace("\\", "%5c"),
        target.replace("..", "%c0%ae%c0%ae").replace("/", "%c0%af"),
        quote(target.replace(".", "\uff0e").replace("/", "\uff0f")),
        quote(target.replace("..", "\u2025")),
        f"{once}%00",
        f"%00{once}",
        f"{once}%20",
        f"{once};x=.ts",
        f"....//{target}",
        f"x/{target}",
        f"{once}%0d%0aX:%20y",
    }


NAMES = sorted({each for target in TARGETS for each in spellings(target)}) + [
    *("con", "nul", ".", "..", "...", "%2e", "~root", "a" * 4096, ".m3u8", ".flv", "-i", "$(id)", "'", "%"),
]
DOORS = (
    "/live/{}/index.m3u8",
    "/live/{}/b/v/s0.m4s",
    "/live/{}.flv",
    "/live/{}/poster.jpg",
    "/live/main/{}",
    "/assets/{}",
    "/api/v1/avatars/{}/1.webp",
    "/docs/{}",
    "/{}",
)


def raw_get(wire: socket.socket, path: str) -> tuple[int, bytes]:
    """One request as it is written here: clients would tidy the path."""
    wire.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    data = b""
    while b"\r\n\r\n" not in data:
        piece = wire.recv(1 << 16)
        if not piece:
            return 0, data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    length = int(lines.get(b"content-length", b"-1"))
    while len(body) < length:
        body += wire.recv(1 << 16)
    return (int(head.split()[1]) if length >= 0 else 0), body


def files(folder: Path) -> set[str]:
    """Every file below, but what databases write beside themselves."""
    return {str(path) for path in folder.rglob("*") if not path.name.startswith("madang.db")}


def test_no_name_at_any_door_is_a_path(server: Server) -> None:
    """A1, A2: byte for byte as it is sent; nothing is read that is not ours, nothing is written anywhere."""
    before = files(server.data.parent)
    wire, seen = None, set()
    for door in DOORS:
        for name in NAMES:
            wire = wire or socket.create_connection(("127.0.0.1", server.http_port), 30)
            status, body = raw_get(wire, door.format(name))
            seen.add(status)
            for leak in (PLANTED.encode(), b"root:x:", b"SQLite format", ADMIN_PASSWORD.encode()):
                assert leak not in body, (door, name)
            assert status < 500, (door, name, status)
            if status in (0, 400, 431):
                wire.close()
                wire = None
    if wire is not None:
        wire.close()
    assert 404 in seen
    assert files(server.data.parent) == before
    assert httpx.get(f"{server.http}/healthz").status_code == 200


@pytest.fixture(scope="module")
def mallory(server: Server) -> Iterator[httpx.Client]:
    """Somebody with a channel of her own, who may do everything there."""
    with httpx.Client(base_url=f"{server.http}/api/v1", headers=MADANG, timeout=30) as http:
        told = {"name": "mallory", "password": PASSWORD}
        joined = http.post("/sign-up", json=told)
        assert joined.status_code == 201, joined.text
        with signed_in(server) as admin:
            admin.headers.update(MADANG)
            api = f"{server.http}/api/v1"
            assert admin.post(f"{api}/channels", json={"slug": "mine"}).status_code == 201
            made = admin.post(f"{api}/channels/mine/members", json={"name": "mallory", "role": "manager"})
            user = made.json()["account"]["id"]
            handed = admin.put(f"{api}/channels/mine/members/{user}", json={"role": "owner"})
            assert handed.status_code == 200, handed.text
        yield http


async def test_what_is_said_paid_and_asked_elsewhere_is_not_there(
    server: Server, mallory: httpx.Client
) -> None:
    """A24: messages, orders and polls of another channel, through a channel that is one's own."""
    api = f"{server.http}/api/v1"
    with signed_in(server) as host:
        host.headers.update(MADANG)
        channel = host.get(f"{api}/channels/main").json()["id"]
        talker = await connect(server, host)
        await talker.enter(channel)
        message = (await talker.call("chat.send", channel=channel, text="ours", nonce="1"))["id"]
        wish = {"amount": 5000, "currency": "KRW", "provider": "rehearsal", "nonce": "1", "text": "ours"}
        order = (await talker.call("paid.order", channel=channel, **wish))["order"]
        made = host.post(f"{api}/channels/main/polls", json={"title": "?", "choices": ["a", "b"]})
        poll = made.json()["id"]
        for method, path in (
            ("DELETE", f"chat/messages/{message}"),
            ("POST", f"chat/held/{message}/approve"),
            ("POST", f"chat/held/{message}/deny"),
            ("POST", f"superchat/orders/{order}/approve"),
            ("POST", f"superchat/orders/{order}/remove"),
            ("POST", f"superchat/orders/{order}/refund"),
            ("POST", f"polls/{poll}/end"),
            ("DELETE", f"polls/{poll}"),
        ):
            body = {"reason": "x"} if path.endswith(("refund", "remove")) else None
            through_own = mallory.request(method, f"/channels/mine/{path}", json=body)
            assert through_own.status_code in (404, 409), (path, through_own.text)
            assert mallory.request(method, f"/channels/main/{path}", json=body).status_code == 403, path
        (left,) = host.get(f"{api}/channels/main/chat/messages").json()["items"]
        assert left["text"] == "ours"
        assert host.get(f"{api}/channels/main/polls").json()["items"][0]["state"] == "open"
        assert host.get(f"{api}/pay/{order}").json()["state"] == "created"
        await talker.close()

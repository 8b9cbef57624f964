"""Centrifugo's official clients, unmodified: Node and Python, JSON and Protobuf, each bidirectional way."""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    PublicationContext,
    SubscriptionEventHandler,
)
from tests.harness.centrifuge import leave
from tests.harness.server import Server, running

from madang.base.limits import REALTIME_QUEUE_BYTES
from madang.protocols.websocket.frame import TEXT, build_frame

SECRET = "a secret of at least thirty-two letters"
PACKAGES = Path(__file__).parents[2] / "web" / "package.json"
SCRIPT = Path(__file__).parents[1] / "harness" / "js" / "centrifugo.mjs"
CONFIG = f"""
[realtime]
token_hmac_secret = "{SECRET}"
[realtime.namespaces.closed]
[realtime.namespaces.game]
history_size = 50
history_ttl_s = 300
allow_recovery = true
presence = true
join_leave = true
delta_publish = true
allowed_delta_types = ["fossil"]
allow_tags_filter = true
allow_subscribe_for_client = true
allow_publish_for_client = true
allow_history_for_client = true
allow_presence_for_client = true
"""
PATIENCE_S = 60
SLOW = "madang_realtime_slow_total"


def token(user: str, **claims: Any) -> str:
    return jwt.encode({"sub": user, **claims}, SECRET, "HS256")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("crowd") / "data", config=CONFIG) as server:
        yield server


class Heard(SubscriptionEventHandler):
    def __init__(self) -> None:
        self.publications: asyncio.Queue[tuple[Any, int]] = asyncio.Queue()

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.publications.put_nowait((ctx.pub.data, ctx.pub.offset))

    async def next(self) -> tuple[Any, int]:
        async with asyncio.timeout(PATIENCE_S):
            return await self.publications.get()


def client_of(server: Server, user: str, *, protobuf: bool = False) -> Client:
    url = server.http.replace("http", "ws") + "/connection/websocket"
    return Client(url, token=token(user), use_protobuf=protobuf)


async def publish(server: Server, channel: str, count: int) -> None:
    """Somebody else publishes."""
    client = client_of(server, "other")
    await client.connect()
    await client.ready(PATIENCE_S)
    for number in range(count):
        await client.publish(channel, {"number": 5 + number})
    await leave(client)


def ask(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next line that the script says."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    return dict(json.loads(line))


@pytest.mark.needs("node")
@pytest.mark.parametrize(
    ("transport", "encoding"),
    [
        ("websocket", "json"),
        ("websocket", "protobuf"),
        ("http_stream", "json"),
        ("http_stream", "protobuf"),
        ("sse", "json"),
    ],
)
def test_the_client_for_node(server: Server, transport: str, encoding: str) -> None:
    user = f"{transport}-{encoding}"
    httpx.get(server.http)  # the server is awake
    command = ["node", SCRIPT, PACKAGES, server.http, transport, encoding, token(user)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert ask(process) == {"away": True}
            asyncio.run(publish(server, "game:1", 3))
            assert process.stdin is not None
            process.stdin.write("on\n")
            process.stdin.flush()
            said = ask(process)
        finally:
            process.kill()
    published = [each for each, _ in said["publications"]]
    assert [each["number"] for each in published] == list(range(8))
    assert published[0]["story"] == published[4]["story"] and len(published[0]["story"]) > 200
    offsets = [offset for _, offset in said["publications"]]
    assert offsets == list(range(offsets[0], offsets[0] + 8))
    assert said["positioned"] and said["recovered"] == [True, True]
    assert said["history"] == [offsets[4], offsets[3]]
    assert user in said["presence"] and said["stats"]["numClients"] >= 1
    assert user in said["joins"]
    # No handler takes calls without a known prefix; the closed namespace lets nobody publish.
    assert said["rpc"] in (104, 108) and said["refused"] == 103


@pytest.mark.parametrize("protobuf", [False, True])
async def test_the_client_for_python(server: Server, protobuf: bool) -> None:
    client, heard = client_of(server, "ann", protobuf=protobuf), Heard()
    room = client.new_subscription(f"game:python-{protobuf}", heard, recoverable=True)
    await client.connect()
    await client.ready(PATIENCE_S)
    await room.subscribe()
    await room.ready(PATIENCE_S)
    for number in range(3):
        data = json.dumps({"number": number})
        await room.publish(data.encode() if protobuf else json.loads(data))
    found = [await heard.next() for _ in range(3)]
    assert [offset for _, offset in found] == [1, 2, 3]
    assert [json.loads(data) if protobuf else data for data, _ in found] == [{"number": n} for n in range(3)]
    history = await room.history(limit=2, reverse=True)
    assert [each.offset for each in history.publications] == [3, 2]
    presence = await room.presence()
    assert [info.user for info in presence.clients.values()] == ["ann"]
    assert (await room.presence_stats()).num_users == 1
    await room.unsubscribe()
    await leave(client)


class Stays(ClientEventHandler):
    """How often a client connected."""

    def __init__(self) -> None:
        self.connected = 0

    async def on_connected(self, ctx: ConnectedContext) -> None:
        self.connected += 1


async def test_the_client_refreshes_its_tokens(server: Server) -> None:
    """Of the connection and of a private channel, before they expire, without coming anew."""
    asked: list[str] = []

    async def of_connection() -> str:
        asked.append("connection")
        return token("ann", exp=int(time.time()) + (3 if asked.count("connection") == 1 else 300))

    async def of_channel(channel: str) -> str:
        asked.append(channel)
        return token("ann", channel=channel, exp=int(time.time()) + (3 if asked.count(channel) == 1 else 300))

    stays, heard = Stays(), Heard()
    url = server.http.replace("http", "ws") + "/connection/websocket"
    client = Client(url, stays, get_token=of_connection)
    room = client.new_subscription("$game:private", heard, get_token=of_channel)
    await client.connect()
    await room.subscribe()
    await room.ready(PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S):
        while asked.count("connection") < 2 or asked.count("$game:private") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await room.publish({"still": "here"})
    assert (await heard.next())[0] == {"still": "here"}
    assert stays.connected == 1 and sorted(asked) == ["$game:private"] * 2 + ["connection"] * 2
    await leave(client)


def rss_bytes(server: Server) -> int:
    assert server.process is not None
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def stalled(server: Server, way: str) -> socket.socket:
    """A connection that asks for everything and never reads: its window stays shut."""
    connect = json.dumps({"id": 1, "connect": {"token": token("slow", channels=["game:large"])}})
    if way == "websocket":
        asked = b"GET /connection/websocket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n"
        asked += b"connection: Upgrade\r\nsec-websocket-version: 13\r\n"
        asked += b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        asked += build_frame(TEXT, connect.encode(), mask=b"\1\2\3\4")
    else:
        asked = (
            b"POST /connection/%b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" % way.encode()
        )
        asked += b"content-length: %d\r\n\r\n%b" % (len(connect), connect.encode())
    sock, port = socket.socket(), int(server.http.rpartition(":")[2])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    await asyncio.get_running_loop().sock_sendall(sock, asked)
    return sock


async def test_who_does_not_read_is_sent_away_and_keeps_nobody_waiting(server: Server) -> None:
    """F20: a full queue ends websockets, streams and events alike; the others miss nothing."""
    client, heard = client_of(server, "ann"), Heard()
    room = client.new_subscription("game:large", heard)
    await client.connect()
    await room.subscribe()
    await room.ready(PATIENCE_S)
    slow = [await stalled(server, way) for way in ("websocket", "http_stream", "sse") * 4]
    async with asyncio.timeout(PATIENCE_S):
        while (await room.presence_stats()).num_clients < 1 + len(slow):
            await asyncio.sleep(0.05)
    before, memory, sent = server.metrics()[SLOW], rss_bytes(server), 0
    async with asyncio.timeout(PATIENCE_S):
        while (await room.presence_stats()).num_clients > 1:
            await room.publish({"number": sent, "text": "x" * 40_000})
            sent += 1
            assert (await heard.next())[1] == sent
    assert server.metrics()[SLOW] - before == len(slow)
    grown = rss_bytes(server) - memory
    assert grown < len(slow) * REALTIME_QUEUE_BYTES + (32 << 20), "what waits is bounded"
    assert sent * 40_000 < 4 * REALTIME_QUEUE_BYTES
    for sock in slow:
        sock.close()
    await leave(client)


async def test_a_plain_request_on_the_websocket_path_is_answered(server: Server) -> None:
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(f"{server.http}/connection/websocket")).status_code == 426
        foreign = await browser.get(
            f"{server.http}/connection/websocket", headers={"origin": "https://evil.example"}
        )
        assert foreign.status_code == 403

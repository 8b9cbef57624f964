"""Centrifugo's official clients, unmodified: Node and Python, JSON and Protobuf, each bidirectional way."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from centrifuge import Client, PublicationContext, SubscriptionEventHandler
from tests.harness.centrifuge import leave
from tests.harness.server import Server, running

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


async def test_a_plain_request_on_the_websocket_path_is_answered(server: Server) -> None:
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(f"{server.http}/connection/websocket")).status_code == 426
        foreign = await browser.get(
            f"{server.http}/connection/websocket", headers={"origin": "https://evil.example"}
        )
        assert foreign.status_code == 403

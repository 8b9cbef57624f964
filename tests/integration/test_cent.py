"""Centrifugo's official server client, unmodified, against a real server: synchronous and asynchronous."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cent
import httpx
import jwt
import pytest
from centrifuge import Client, ClientEventHandler, DisconnectedContext, ServerPublicationContext
from tests.harness.centrifuge import leave
from tests.harness.server import Server, running

SECRET = "a secret of at least thirty-two letters"
KEY = "a-key-of-the-server-api"
DOCS = Path(__file__).parents[2] / "docs" / "4-api" / "realtime.md"
PATIENCE_S = 60
UNAUTHORIZED = 1
"""What the client itself says when its token is no good and it cannot ask for another one."""
CONFIG = f"""
[realtime]
token_hmac_secret = "{SECRET}"
api_keys = ["{KEY}"]
[realtime.namespaces.plain]
[realtime.namespaces.game]
history_size = 50
history_ttl_s = 300
force_recovery = true
presence = true
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("cent") / "data", config=CONFIG) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[cent.Client]:
    client = cent.Client(f"{server.http}/api", KEY)
    yield client
    client.close()


class Heard(ClientEventHandler):
    """What a viewer's client was told by the server."""

    def __init__(self) -> None:
        self.publications: asyncio.Queue[Any] = asyncio.Queue()
        self.ended: asyncio.Queue[int] = asyncio.Queue()

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.publications.put_nowait(ctx.pub.data)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.ended.put_nowait(ctx.code)


@asynccontextmanager
async def viewer(server: Server, user: str, *channels: str) -> AsyncIterator[Heard]:
    """A connected client with subscriptions by its token."""
    heard = Heard()
    claims = {"sub": user, "channels": list(channels), "jti": f"token of {user}"}
    client = Client(
        server.http.replace("http", "ws") + "/connection/websocket",
        token=jwt.encode(claims, SECRET, "HS256"),
        events=heard,
    )
    await client.connect()
    await client.ready(PATIENCE_S)
    try:
        yield heard
    finally:
        await leave(client)


async def test_the_asynchronous_client_commands_a_viewer(server: Server) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        cent.AsyncClient(f"{server.http}/api", KEY) as api,
        viewer(server, "ann", "game:1") as heard,
    ):
        sent = await api.publish(
            cent.PublishRequest(channel="game:1", data={"text": "안녕"}, tags={"a": "b"})
        )
        assert await heard.publications.get() == {"text": "안녕"}
        assert sent.offset == 1
        present = await api.presence(cent.PresenceRequest(channel="game:1"))
        assert [info.user for info in present.presence.values()] == ["ann"]
        stats = await api.presence_stats(cent.PresenceStatsRequest(channel="game:1"))
        assert (stats.num_clients, stats.num_users) == (1, 1)

        await api.subscribe(cent.SubscribeRequest(user="ann", channel="plain:1", info={"i": 1}))
        found = await api.channels(cent.ChannelsRequest(pattern="*:1"))
        assert {name: one.num_clients for name, one in found.channels.items()} == {
            "game:1": 1, "plain:1": 1,
        }  # fmt: skip
        await api.publish(cent.PublishRequest(channel="plain:1", data=None, b64data="WzFd"))
        assert await heard.publications.get() == [1]
        await api.unsubscribe(cent.UnsubscribeRequest(user="ann", channel="plain:1"))
        assert list((await api.channels(cent.ChannelsRequest())).channels) == ["game:1"]

        await api.refresh(cent.RefreshRequest(user="ann", expire_at=4_000_000_000))
        listed = await api.connections(cent.ConnectionsRequest(user="ann", expression=""))
        (one,) = listed.connections.values()
        assert (one.user, one.transport, one.protocol) == ("ann", "websocket", "json")
        reason = cent.Disconnect(code=4501, reason="enough")
        await api.disconnect(cent.DisconnectRequest(user="ann", disconnect=reason))
        assert await heard.ended.get() == 4501


async def test_blocked_users_and_revoked_tokens(server: Server) -> None:
    async with cent.AsyncClient(f"{server.http}/api", KEY) as api, asyncio.timeout(PATIENCE_S):
        async with viewer(server, "bob") as heard:
            await api.block_user(cent.BlockUserRequest(user="bob"))
            assert await heard.ended.get() == 3503
        await api.unblock_user(cent.UnblockUserRequest(user="bob"))
        async with viewer(server, "bob") as heard:
            await api.revoke_token(cent.RevokeTokenRequest(uid="token of bob"))
            assert await heard.ended.get() == UNAUTHORIZED
        async with viewer(server, "cid") as heard:
            await api.invalidate_user_tokens(cent.InvalidateUserTokensRequest(user="cid"))
            assert await heard.ended.get() == UNAUTHORIZED


def test_the_synchronous_client(api: cent.Client) -> None:
    sent = api.broadcast(
        cent.BroadcastRequest(channels=["game:2", "madang_chat:1", "game:3"], data=1, idempotency_key="k")
    )
    codes = [one.error.code if one.error is not None else 0 for one in sent.responses]
    assert codes == [0, 103, 0]
    api.publish(cent.PublishRequest(channel="game:2", data=2))
    past = api.history(cent.HistoryRequest(channel="game:2", limit=5, reverse=True))
    assert [one.data for one in past.publications] == [2, 1] and past.offset == 2
    since = cent.StreamPosition(offset=1, epoch=past.epoch)
    later = api.history(cent.HistoryRequest(channel="game:2", limit=5, since=since))
    assert [one.offset for one in later.publications] == [2]
    api.history_remove(cent.HistoryRemoveRequest(channel="game:2"))
    assert api.history(cent.HistoryRequest(channel="game:2", limit=5)).publications == []
    (node,) = api.info(cent.InfoRequest()).nodes
    assert node.version and node.uid
    for parallel in (False, True):
        asked = [cent.PublishRequest(channel="game:4", data=1), cent.HistoryRequest(channel="game:4")]
        first, second = api.batch(cent.BatchRequest(requests=asked, parallel=parallel)).replies
        assert first.offset == second.offset == 1 + parallel


def test_errors_of_the_synchronous_client(server: Server, api: cent.Client) -> None:
    for channel, code in (("nowhere:1", 102), ("madang_chat:1", 103), ("", 107)):
        with pytest.raises(cent.CentApiResponseError) as caught:
            api.publish(cent.PublishRequest(channel=channel, data=1))
        assert caught.value.code == code
    wrong = cent.Client(f"{server.http}/api", "another-key")
    with pytest.raises(cent.CentUnauthorizedError):
        wrong.info(cent.InfoRequest())
    wrong.close()
    assert server.metrics()["madang_realtime_api_unauthorized_total"] >= 1


def test_the_api_of_the_server_and_the_pages_are_where_they_were(server: Server) -> None:
    assert httpx.get(f"{server.http}/api/v1/channels", timeout=30).status_code != 405
    assert (
        httpx.post(f"{server.http}/api/v1/sessions", json={}, timeout=30)
        .headers["content-type"]
        .startswith("application/problem+json")
    )
    assert httpx.post(f"{server.http}/api/nothing", headers={"X-API-Key": KEY}, timeout=30).status_code >= 404
    big = httpx.post(
        f"{server.http}/api/publish", headers={"X-API-Key": KEY}, content=b" " * (5 << 20), timeout=30
    )
    assert big.status_code == 413


def test_the_examples_of_the_docs_run(server: Server) -> None:
    """What curl would send, which need not be installed here."""
    told = DOCS.read_text().partition("## The server API")[2].replace("\\\n", " ").replace("$KEY", KEY)
    examples = [shlex.split(line) for line in told.splitlines() if line.startswith("curl ")]
    assert len(examples) >= 4
    for program, silent, url, header, key, data, body in examples:
        assert (program, silent, header, data) == ("curl", "-s", "-H", "-d")
        name, _, value = key.partition(": ")
        headers = {name: value, "Content-Type": "application/x-www-form-urlencoded"}
        url = url.replace("http://localhost:8080", server.http)
        answer = httpx.post(url, headers=headers, content=body, timeout=30)
        assert answer.status_code == 200 and "error" not in answer.json(), (url, answer.text)

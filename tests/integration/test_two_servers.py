"""Two server processes behind one real Redis are one to the official client; one is killed, nothing is lost.

Over a real NATS server they share publications, and the chat, which needs history, is refused at the start.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cent
import httpx
import jwt
import pytest
from centrifuge import (
    CentrifugeError,
    Client,
    PublicationContext,
    SubscribedContext,
    Subscription,
    SubscriptionEventHandler,
)
from tests.harness import brokers
from tests.harness.patience import PATIENCE_S, wait_until
from tests.harness.polls import PollBackend, poll_backend, poll_client
from tests.harness.server import Server

SECRET = "a secret of the backend that is long enough"
KEY = "a-key-of-the-server-api"
GAME = """
[realtime.namespaces.game]
presence = true
join_leave = true
force_push_join_leave = true
history_size = 200
history_ttl_s = 300
force_recovery = true
allow_subscribe_for_client = true
allow_publish_for_client = true
allow_presence_for_client = true
allow_history_for_client = true
"""
WATCHED = f"""
api_keys = ["{KEY}"]
presence_s = 5
[realtime.proxies.backend]
endpoint = "{{hook}}"
timeout_s = 20
{GAME}
state_proxy_name = "backend"
"""

POLLED = f"""
allow_anonymous = true
api_keys = ["{KEY}"]
shared_poll = {{{{hmac_secret = "{SECRET}"}}}}
[realtime.proxies.prices]
endpoint = "{{place}}"
timeout_s = 20
[realtime.namespaces.prices]
subscription_type = "shared_poll"
shared_poll = {{{{proxy_name = "prices", mode = "versioned", publish_enabled = true}}}}
allow_subscribe_for_client = true
allow_subscribe_for_anonymous = true
{GAME}
"""


def config(url: str, more: str = "") -> str:
    realtime = f'[realtime]\nbroker = "{url}"\ntoken_hmac_secret = "{SECRET}"\n'
    return f'outbound_allow = ["127.0.0.1"]\n{realtime}{more}'


@contextmanager
def running(folder: Path, text: str) -> Iterator[tuple[Server, Server]]:
    one, two = Server(folder / "one", config=text), Server(folder / "two", config=text)
    try:
        one.start()
        two.start()
        yield one, two
    finally:
        for server in (one, two):
            if server.process is not None and server.process.poll() is None:
                server.stop()


class Seen(SubscriptionEventHandler):
    """What a subscription was told."""

    def __init__(self) -> None:
        self.data: list[object] = []
        self.joined: list[str] = []
        self.recovered: list[bool] = []

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.recovered.append(ctx.recovered)

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.data.append(ctx.pub.data)

    async def on_join(self, ctx) -> None:  # type: ignore[no-untyped-def]
        self.joined.append(ctx.info.user)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.data) < count:  # noqa: ASYNC110  told by the client's callbacks
                await asyncio.sleep(0.02)


@asynccontextmanager
async def client(server: Server, user: str) -> AsyncIterator[Client]:
    url = server.http.replace("http", "ws") + "/connection/websocket"
    token = jwt.encode({"sub": user}, SECRET, "HS256")
    made = Client(url, token=token, timeout=PATIENCE_S, min_reconnect_delay=0.05)
    await made.connect()
    await made.ready(PATIENCE_S)
    try:
        yield made
    finally:
        await made.disconnect()


async def subscribe(made: Client, channel: str) -> tuple[Subscription, Seen]:
    seen = Seen()
    subscription = made.new_subscription(channel, events=seen)
    await subscription.subscribe()
    await subscription.ready(PATIENCE_S)
    return subscription, seen


async def command(one: Server, two: Server) -> None:
    """The server API of either tells of both."""
    async with cent.AsyncClient(f"{two.http}/api", KEY, timeout=PATIENCE_S) as api:
        assert len((await api.info(cent.InfoRequest())).nodes) == 2
        found = await api.channels(cent.ChannelsRequest(pattern="game:4*"))
        assert {name: one.num_clients for name, one in found.channels.items()} == {"game:42": 2}
        listed = await api.connections(cent.ConnectionsRequest(user="mina", expression=""))
        assert [connection.user for connection in listed.connections.values()] == ["mina"]
        asked = [cent.PublishRequest(channel="game:1", data=number) for number in range(20)]
        assert len((await api.batch(cent.BatchRequest(requests=asked, parallel=True))).replies) == 20
    async with cent.AsyncClient(f"{one.http}/api", KEY, timeout=PATIENCE_S) as api:
        past = await api.history(cent.HistoryRequest(channel="game:1", limit=100))
        assert sorted(publication.data for publication in past.publications) == list(range(20))


@contextmanager
def backend() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Hears of channels that are occupied and vacated."""
    told: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told.extend((event["channel"], event["type"]) for event in body["events"])
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *words: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/state", told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def is_left(two: Server, told: list[tuple[str, str]]) -> None:
    """Whom the dead server had is present no more, and the other tells that its channel is empty; the one
    that both had goes on."""
    async with (
        cent.AsyncClient(f"{two.http}/api", KEY, timeout=PATIENCE_S) as api,
        asyncio.timeout(PATIENCE_S),
    ):
        while ("game:alone", "vacated") not in told:
            await asyncio.sleep(0.1)
        while (await api.presence_stats(cent.PresenceStatsRequest(channel="game:alone"))).num_clients:
            await asyncio.sleep(0.1)
        both = await api.presence(cent.PresenceRequest(channel="game:42"))
        assert {info.user for info in both.presence.values()} == {"mina", "yuna"}
    assert sorted(told) == [("game:42", "occupied"), ("game:alone", "occupied"), ("game:alone", "vacated")]


async def test_two_servers_behind_one_redis_are_one(tmp_path: Path) -> None:
    with (
        brokers.redis() as redis,
        backend() as (hook, told),
        running(tmp_path, config(redis.url, WATCHED.format(hook=hook))) as (one, two),
    ):
        async with client(one, "mina") as mina, client(two, "yuna") as yuna, client(one, "sora") as sora:
            of_sora, _ = await subscribe(sora, "game:alone")
            assert (await of_sora.presence_stats()).num_clients == 1
            of_mina, seen_by_mina = await subscribe(mina, "game:42")
            of_yuna, seen_by_yuna = await subscribe(yuna, "game:42")
            for number in range(10):
                await (of_mina if number % 2 else of_yuna).publish(number)
            await seen_by_mina.until(10)
            await seen_by_yuna.until(10)
            assert seen_by_mina.data == seen_by_yuna.data == list(range(10))
            assert set((await of_yuna.presence()).clients) == set((await of_mina.presence()).clients)
            assert (await of_mina.presence_stats()).num_users == 2
            assert "yuna" in seen_by_mina.joined
            history = await of_yuna.history(limit=100)
            assert [publication.data for publication in history.publications] == list(range(10))

            await command(one, two)

            # One is killed: its client comes back to the other, as behind a proxy.
            assert one.process is not None
            one.process.kill()
            one.process.wait(15)
            for number in range(10, 30):
                await of_yuna.publish(number)
            mina._address = two.http.replace("http", "ws") + "/connection/websocket"
            await seen_by_mina.until(30)
            assert seen_by_mina.data == list(range(30))
            assert seen_by_mina.recovered[-1] is True
            await of_mina.publish("back")
            await seen_by_yuna.until(31)
            assert seen_by_yuna.data[-1] == "back"
            await is_left(two, told)


def stream_lines(answer: httpx.Response) -> Iterator[dict[str, object]]:
    yield from (json.loads(line) for line in answer.iter_lines() if line)


@pytest.mark.needs("node")
def test_commands_of_an_emulated_connection_find_it_on_the_other_server(tmp_path: Path) -> None:
    token = jwt.encode({"sub": "mina"}, SECRET, "HS256")
    with (
        brokers.redis() as redis,
        poll_backend() as prices,
        running(tmp_path, config(redis.url, POLLED.format(place=prices.url))) as (one, two),
    ):
        connect = {"id": 1, "connect": {"token": token}}
        with httpx.stream(
            "POST", f"{one.http}/connection/http_stream", json=connect, timeout=PATIENCE_S
        ) as answer:
            lines = stream_lines(answer)
            connected = next(lines)["connect"]
            assert isinstance(connected, dict)
            envelope = {"session": connected["session"], "node": connected["node"]}
            subscribe = json.dumps({"id": 2, "subscribe": {"channel": "game:1"}})
            sent = httpx.post(f"{two.http}/emulation", json={**envelope, "data": subscribe})
            assert sent.status_code in (200, 204)
            assert any(line.get("id") == 2 and "subscribe" in line for line in lines)
        share_values(one, two, prices)


def share_values(one: Server, two: Server, prices: PollBackend) -> None:
    """What is published to a shared poll at one server reaches who tracks the key at the other."""
    prices.put("a", data=1, version=1)
    with poll_client(two.http, "json", "prices:1", SECRET) as viewer:
        viewer.do("track", ["a"])
        viewer.hears("update", "a", 1, 1)
        value = {"channel": "prices:1", "key": "a", "data": 2, "version": 2}
        where, key = f"{one.http}/api/shared_poll_publish", {"x-api-key": KEY}
        reply = httpx.post(where, headers=key, json=value, timeout=PATIENCE_S)
        assert reply.json() == {"result": {}}
        viewer.hears("update", "a", 2, 2)


async def test_over_nats_servers_share_publications(tmp_path: Path) -> None:
    live = GAME.replace("history_size = 200\nhistory_ttl_s = 300\nforce_recovery = true\n", "")
    with (
        brokers.nats() as url,
        running(tmp_path, config(url, live + "[chat]\nenabled = false\n")) as (one, two),
    ):
        async with client(one, "mina") as mina, client(two, "yuna") as yuna:
            of_mina, _ = await subscribe(mina, "game:42")
            _, seen = await subscribe(yuna, "game:42")
            await of_mina.publish({"hello": 1})
            await seen.until(1)
            assert seen.data == [{"hello": 1}]
            with pytest.raises(CentrifugeError):
                await of_mina.history(limit=1)


def test_chat_over_nats_is_refused_at_the_start(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", config=config("nats://127.0.0.1:1"))
    with pytest.raises(AssertionError, match="NATS keeps no history"):
        server.start()


def test_a_broker_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", config=config(f"unix://{tmp_path}/nowhere.sock"))
    with pytest.raises(AssertionError, match="redis: "):
        server.start()
    wait_until(lambda: server.process is not None and server.process.poll() is not None)

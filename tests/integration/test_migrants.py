"""A Centrifugo installation moved as it is: its YAML file, its backend's proxies, its clients, gRPC too."""

import asyncio
import json
import signal
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import cent
import grpc
import jwt
import pytest
from centrifuge import (
    CentrifugeError,
    Client,
    ClientEventHandler,
    ConnectedContext,
    PublicationContext,
    ServerPublicationContext,
    SubscriptionEventHandler,
)
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from tests.harness import certificates
from tests.harness.centrifuge import leave
from tests.harness.schemas import messages
from tests.harness.server import Server, free_port, running

PATIENCE_S = 60
KEY = "a-key-of-the-server-api"
ISSUER = rsa.generate_private_key(65537, 2048)
ISSUED = RSAAlgorithm.to_jwk(ISSUER.public_key())
FILE = """
http_server:
  address: 127.0.0.1
client:
  token: {{jwks_public_endpoint: "{backend}/jwks"}}
  allowed_origins: ["https://*.example.org"]
  proxy:
    connect:
      enabled: true
      endpoint: {backend}/connect
      timeout: 20s
      http_headers: [User-Agent, Authorization]
      http:
        static_headers: {{X-Secret: between-us}}
        status_to_code_transforms:
          - {{status_code: 402, to_disconnect: {{code: 4902, reason: pay first}}}}
    refresh: {{enabled: true, endpoint: "{backend}/refresh", timeout: 20s, include_connection_meta: true}}
channel:
  proxy:
    subscribe: {{endpoint: "{backend}/subscribe", timeout: 20s}}
    publish: {{endpoint: "{backend}/publish", timeout: 20s}}
  namespaces:
    - name: news
    - name: room
      history_size: 10
      history_ttl: 300s
      force_recovery: true
      presence: true
      subscribe_proxy_enabled: true
      publish_proxy_enabled: true
rpc:
  proxy: {{endpoint: "{backend}/rpc", timeout: 20s}}
  without_namespace: {{proxy_enabled: true}}
http_api: {{key: {key}}}
grpc_api: {{enabled: true, address: 127.0.0.1, port: {grpc}, tls: &tls {tls}}}
uni_grpc: {{enabled: true, address: 127.0.0.1, port: {grpc}, tls: *tls}}
admin: {{enabled: true, password: p}}
"""
API = messages(
    "centrifugal.centrifugo.api",
    """
    Error: code 1 uint32, message 2 string
    PublishRequest: channel 1 string, data 2 bytes, tags 5 map string, idempotency_key 6 string
    PublishResult: offset 1 uint64, epoch 2 string
    PublishResponse: error 1 Error, result 2 PublishResult
    BroadcastRequest: channels 1 repeated string, data 2 bytes
    BroadcastResult: responses 1 repeated PublishResponse
    BroadcastResponse: error 1 Error, result 2 BroadcastResult
    StreamPosition: offset 1 uint64, epoch 2 string
    HistoryRequest: channel 1 string, limit 2 int32, since 3 StreamPosition, reverse 4 bool
    ClientInfo: user 1 string, client 2 string, conn_info 3 bytes, chan_info 4 bytes
    Publication: data 2 bytes, info 3 ClientInfo, offset 4 uint64, tags 5 map string
    HistoryResult: publications 1 repeated Publication, epoch 2 string, offset 3 uint64
    HistoryResponse: error 1 Error, result 2 HistoryResult
    PresenceRequest: channel 1 string
    PresenceResult: presence 1 map ClientInfo
    PresenceResponse: error 1 Error, result 2 PresenceResult
    ChannelsRequest: pattern 1 string
    ChannelInfo: num_clients 1 uint32
    ChannelsResult: channels 1 map ChannelInfo
    ChannelsResponse: error 1 Error, result 2 ChannelsResult
    InfoRequest:
    NodeResult: uid 1 string, name 2 string, version 3 string, num_clients 4 uint32
    InfoResult: nodes 1 repeated NodeResult
    InfoResponse: error 1 Error, result 2 InfoResult
    ChannelContext: source 1 uint32
    ConnectionState: channels 1 map ChannelContext, meta 4 bytes
    ConnectionInfo: app_name 1 string, transport 3 string, protocol 4 string, user 8 string, \
state 9 ConnectionState
    ConnectionsRequest: user 1 string
    ConnectionsResult: connections 1 map ConnectionInfo
    ConnectionsResponse: error 1 Error, result 2 ConnectionsResult
    Disconnect: code 1 uint32, reason 2 string
    DisconnectRequest: user 1 string, disconnect 2 Disconnect
    DisconnectResult:
    DisconnectResponse: error 1 Error, result 2 DisconnectResult
    Command: publish 4 PublishRequest, history 11 HistoryRequest
    Reply: error 2 Error, publish 4 PublishResult, history 11 HistoryResult
    BatchRequest: commands 1 repeated Command, parallel 2 bool
    BatchResponse: replies 1 repeated Reply
    """.replace("\\\n", ""),
)
STREAM = messages(
    "centrifugal.centrifugo.unistream",
    """
    ConnectRequest: token 1 string, data 2 bytes, name 4 string, version 5 string
    Publication: data 4 bytes, offset 6 uint64, tags 7 map string
    SubscribeResult: recoverable 3 bool, epoch 6 string, offset 9 uint64, positioned 10 bool
    Connect: client 1 string, version 2 string, data 3 bytes, subs 4 map SubscribeResult, ping 7 uint32
    Disconnect: code 1 uint32, reason 2 string, reconnect 3 bool
    Push: channel 2 string, pub 4 Publication, connect 10 Connect, disconnect 11 Disconnect
    """,
)
Answer = Callable[[dict[str, Any], dict[str, str]], Any]


class Backend:
    """An application that Centrifugo asks: what it was asked, and what it answers by path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.answers: dict[str, Answer] = {}
        self.url = ""

    def answer(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        self.asked.append((path, body, headers))
        told = self.answers[path](body, headers)
        return (told, {}) if isinstance(told, int) else (200, told)

    def of(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body, _ in self.asked if where == path]


@contextmanager
def backend_running(backend: Backend) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802 (named by the base class)
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told = backend.answer(self.path, body, headers)
            words = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def do_GET(self) -> None:  # noqa: N802
            backend.asked.append((self.path, {}, {}))
            words = json.dumps({"keys": [{**json.loads(ISSUED), "kid": "k1", "use": "sig"}]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        backend.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class Moved:
    """The server, its backend, and where it speaks gRPC."""

    def __init__(self, server: Server, backend: Backend, file: Path, port: int) -> None:
        self.server = server
        self.backend = backend
        self.file = file
        self.grpc = f"127.0.0.1:{port}"
        self.shown = certificates.make(file.parent / "shown")
        self.client = certificates.make(file.parent / "client", name="backend.example")

    def write(self, **changes: Any) -> None:
        values = {"backend": self.backend.url, "key": KEY, "grpc": self.grpc.rpartition(":")[2], **changes}
        pems = {
            "cert_pem": self.shown.certificate,
            "key_pem": self.shown.key,
            "client_ca_pem": self.client[0],
        }
        tls = json.dumps({"enabled": True, **{name: str(path) for name, path in pems.items()}})
        self.file.write_text(FILE.format(tls=tls, **values))

    def channel(self) -> grpc.aio.Channel:
        """As a backend that shows its certificate."""
        pems = (self.shown.certificate, self.client.key, self.client.certificate)
        credentials = grpc.ssl_channel_credentials(*(path.read_bytes() for path in pems))
        return grpc.aio.secure_channel(self.grpc, credentials)

    def shows(self, own: certificates.Files | None = None) -> bytes:
        """The certificate that the gRPC door shows, to who shows this one. Raises OSError."""
        context = ssl.create_default_context(cafile=str(self.shown.certificate))
        context.set_alpn_protocols(["h2"])
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        host, port = self.grpc.split(":")
        with (
            socket.create_connection((host, int(port)), PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as encrypted,
        ):
            shown = encrypted.getpeercert(binary_form=True)
            if not encrypted.recv(1):  # with TLS 1.3 a refusal comes after the handshake
                raise ConnectionResetError("reset")
            return shown or b""


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    folder, backend = tmp_path_factory.mktemp("moved"), Backend()
    file, port = folder / "config.yaml", free_port()
    with backend_running(backend):
        found = Moved(cast(Server, None), backend, file, port)
        found.write()
        allowed = {"MADANG_OUTBOUND_ALLOW": "127.0.0.1"}
        arguments = ("--centrifugo-config", str(file))
        with running(folder / "data", *arguments, environment=allowed) as server:
            found.server = server
            yield found


@pytest.fixture
def backend(moved: Moved) -> Backend:
    moved.backend.asked.clear()
    moved.backend.answers = {
        "/connect": lambda body, headers: {"result": {"user": "56"}},
        "/subscribe": lambda body, headers: {"result": {}},
        "/publish": lambda body, headers: {"result": {}},
        "/rpc": lambda body, headers: {"result": {"data": body.get("data")}},
        "/refresh": lambda body, headers: {"result": {"expire_at": int(time.time()) + 3600}},
    }
    return moved.backend


class Heard(ClientEventHandler, SubscriptionEventHandler):
    def __init__(self) -> None:
        self.connected: asyncio.Queue[Any] = asyncio.Queue()
        self.publications: asyncio.Queue[Any] = asyncio.Queue()

    async def on_connected(self, ctx: ConnectedContext) -> None:
        self.connected.put_nowait(ctx.data)

    async def on_publication(self, ctx: PublicationContext | ServerPublicationContext) -> None:
        self.publications.put_nowait(ctx.pub.data)


@asynccontextmanager
async def client_of(moved: Moved, heard: Heard, **more: Any) -> AsyncIterator[Client]:
    client = Client(moved.server.http.replace("http", "ws") + "/connection/websocket", events=heard, **more)
    await client.connect()
    try:
        yield client
    finally:
        await leave(client)


async def test_the_backend_says_who_it_is_and_what_it_may(moved: Moved, backend: Backend) -> None:
    def connect(body: dict[str, Any], headers: dict[str, str]) -> Any:
        user = headers.get("authorization", "").removeprefix("Bearer ")
        return {
            "result": {
                "user": user, "data": {"hello": user}, "meta": {"plan": "pro"}, "channels": ["news:1"],
                "expire_at": int(time.time()) + 2,
            }
        }  # fmt: skip

    backend.answers["/connect"] = connect
    backend.answers["/publish"] = lambda body, headers: {"result": {"data": {**body["data"], "seen": 1}}}
    heard = Heard()
    said = {"Authorization": "Bearer ann", "X-Secret": "forged"}
    async with (
        asyncio.timeout(PATIENCE_S),
        client_of(moved, heard, headers=said, name="web") as client,
    ):
        await client.ready(PATIENCE_S)
        assert await heard.connected.get() == {"hello": "ann"}
        path, body, headers = backend.asked[0]
        assert path == "/connect" and headers["x-secret"] == "between-us"
        assert headers["content-type"] == "application/json" and "user-agent" in headers
        assert body["transport"] == "websocket" and body["protocol"] == "json" and body["name"] == "web"

        room = client.new_subscription("room:1", heard, data={"want": 1})
        await room.subscribe()
        await room.ready(PATIENCE_S)
        asked = backend.of("/subscribe")[0]
        assert (asked["user"], asked["channel"], asked["data"]) == ("ann", "room:1", {"want": 1})
        await room.publish({"text": "hi"})
        assert await heard.publications.get() == {"text": "hi", "seen": 1}
        assert (await client.rpc("echo", {"a": 1})).data == {"a": 1}
        backend.answers["/rpc"] = lambda body, headers: {"error": {"code": 1000, "message": "custom"}}
        for answer, code in ((backend.answers["/rpc"], 1000), (lambda body, headers: 500, 100)):
            backend.answers["/rpc"] = answer
            with pytest.raises(CentrifugeError) as caught:
                await client.rpc("echo", {})
            assert getattr(caught.value, "code", 0) == code or str(code) in str(caught.value)
        while not backend.of("/refresh"):  # when its time is over
            await asyncio.sleep(0.05)
        assert backend.of("/refresh")[0]["meta"] == {"plan": "pro"}

        api = cent.AsyncClient(f"{moved.server.http}/api", KEY)
        async with api:
            await api.publish(cent.PublishRequest(channel="news:1", data={"n": 1}))
            assert await heard.publications.get() == {"n": 1}
            present = await api.presence(cent.PresenceRequest(channel="room:1"))
            assert [info.user for info in present.presence.values()] == ["ann"]


async def test_whom_the_backend_refuses(moved: Moved, backend: Backend) -> None:
    backend.answers["/connect"] = lambda body, headers: 402
    ended: asyncio.Queue[int] = asyncio.Queue()

    class Watching(Heard):
        async def on_disconnected(self, ctx: Any) -> None:
            ended.put_nowait(ctx.code)

    async with asyncio.timeout(PATIENCE_S), client_of(moved, Watching()):
        assert await ended.get() == 4902


def call(method: str) -> Any:
    """A call of the API as generated code would make it."""

    async def made(to: grpc.aio.Channel, key: str = KEY, **fields: Any) -> Any:
        kind = API[f"{method}Request"]
        asked = to.unary_unary(
            f"/centrifugal.centrifugo.api.CentrifugoApi/{method}",
            request_serializer=kind.SerializeToString,
            response_deserializer=API[f"{method}Response"].FromString,
        )
        return await asked(kind(**fields), metadata=(("authorization", f"apikey {key}"),), timeout=PATIENCE_S)

    return made


async def ask(to: Any, method: str, **fields: Any) -> Any:
    return await call(method)(to, **fields)


async def test_tokens_of_an_issuer_with_a_key_set(moved: Moved, backend: Backend) -> None:
    claims = {"sub": "ann", "channels": ["news:1"]}
    token = jwt.encode(claims, ISSUER, "RS256", headers={"kid": "k1"})
    async with asyncio.timeout(PATIENCE_S), client_of(moved, heard := Heard(), token=token):
        await heard.connected.get()
        assert backend.of("/jwks") == [{}] and not backend.of("/connect")


async def test_grpc(moved: Moved, backend: Backend) -> None:
    backend.answers["/connect"] = lambda body, headers: {
        "result": {"user": body["name"], "data": {"is": body["transport"]}, "channels": ["room:g"]}
    }
    async with asyncio.timeout(PATIENCE_S), moved.channel() as channel:
        await channel.channel_ready()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call("Info")(channel, key="another")
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
        (node,) = (await ask(channel, "Info")).result.nodes
        assert node.uid and node.version

        consume = channel.unary_stream(
            "/centrifugal.centrifugo.unistream.CentrifugoUniStream/Consume",
            request_serializer=STREAM["ConnectRequest"].SerializeToString,
            response_deserializer=STREAM["Push"].FromString,
        )
        stream = consume(cast(Any, STREAM["ConnectRequest"])(name="uni", version="7"))
        first = await stream.read()
        assert json.loads(first.connect.data) == {"is": "uni_grpc"} and first.connect.ping == 25
        assert list(first.connect.subs) == ["room:g"] and first.connect.subs["room:g"].recoverable
        assert backend.of("/connect")[0]["protocol"] == "protobuf"

        sent = await ask(channel, "Publish", channel="room:g", data=b'{"n":1}', tags={"a": "b"})
        assert sent.result.offset == 1 and not sent.HasField("error")
        push = await stream.read()
        assert (push.channel, push.pub.data, push.pub.offset) == ("room:g", b'{"n":1}', 1)
        assert dict(push.pub.tags) == {"a": "b"}
        both = await ask(channel, "Broadcast", channels=["room:g", "nowhere:1"], data=b"2")
        assert both.result.responses[0].result.offset == 2
        assert both.result.responses[1].error.code == 102
        wrong = await ask(channel, "Publish", channel="nowhere:1", data=b"1")
        assert (wrong.error.code, wrong.error.message) == (102, "unknown channel")
        past = (await ask(channel, "History", channel="room:g", limit=-1)).result
        assert [one.data for one in past.publications] == [b'{"n":1}', b"2"] and past.offset == 2
        present = (await ask(channel, "Presence", channel="room:g")).result.presence
        assert [one.user for one in present.values()] == ["uni"]
        counts = (await ask(channel, "Channels", pattern="room:*")).result.channels
        assert counts["room:g"].num_clients == 1
        (one,) = (await ask(channel, "Connections", user="uni")).result.connections.values()
        assert (one.transport, one.protocol, list(one.state.channels)) == ("uni_grpc", "protobuf", ["room:g"])
        commands = [
            {"publish": {"channel": "room:g", "data": b"3"}}, {"history": {"channel": "room:g", "limit": 1}},
        ]  # fmt: skip
        replies = (await ask(channel, "Batch", commands=commands)).replies
        assert replies[0].publish.offset == 3 and replies[1].history.publications[0].data == b'{"n":1}'
        told = {"code": 4501, "reason": "enough"}
        assert (await ask(channel, "Disconnect", user="uni", disconnect=told)).HasField("result")
        while not (last := await stream.read()).HasField("disconnect"):
            assert last.channel == "room:g"
        assert (last.disconnect.code, last.disconnect.reconnect) == (4501, False)
        assert await stream.read() is grpc.aio.EOF


def test_grpc_shows_the_newest_certificate_and_wants_one(moved: Moved) -> None:
    with pytest.raises(OSError, match="(?i)certificate|reset|broken"):
        moved.shows()
    first = moved.shows(moved.client)
    certificates.make(moved.shown.certificate.parent, name="renewed.example")
    assert moved.shows(moved.client) != first
    good = moved.shown.key.read_bytes()
    moved.shown.key.write_bytes(b"half a fi")
    assert moved.shows(moved.client) != first
    moved.shown.key.write_bytes(good)


async def test_a_changed_file_is_taken_over_without_a_restart(moved: Moved, backend: Backend) -> None:
    assert moved.server.process is not None
    moved.write(key="another-key")
    moved.server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(PATIENCE_S):
        async with cent.AsyncClient(f"{moved.server.http}/api", "another-key") as api:
            while True:
                try:
                    await api.publish(cent.PublishRequest(channel="news:1", data=1))
                except cent.CentUnauthorizedError:
                    await asyncio.sleep(0.05)
                else:
                    break
        async with cent.AsyncClient(f"{moved.server.http}/api", KEY) as api:
            with pytest.raises(cent.CentUnauthorizedError):
                await api.publish(cent.PublishRequest(channel="news:1", data=1))


def test_what_is_ignored_was_said_at_the_start(moved: Moved) -> None:
    assert "sign in at /admin with an account of Madang's own: admin" in moved.server.said()

"""The ways in, on real sockets with raw bytes: who may knock, streams, emulation, one-way clients."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import Request
from tests.unit.realtime.conftest import NAMESPACES, OPEN, Yard

from madang.base.limits import REALTIME_REFUSED_PER_S
from madang.net.addresses import TrustedProxies
from madang.net.counters import NetCounters
from madang.net.ground import Ground
from madang.net.http.routes import Answer
from madang.net.http.server import HttpServer
from madang.net.listeners import Binding
from madang.net.settings import NetSettings
from madang.net.websocket import WebSockets
from madang.protocols.websocket.frame import PING, TEXT, build_frame
from madang.protocols.websocket.handshake import build_request
from madang.protocols.websocket.receiver import Closed, Event, Message, Ping, Receiver
from madang.realtime.binding import Binding as Namespace
from madang.realtime.broker import BrokerError, Stretch
from madang.realtime.doors import PREFIXES, Doors
from madang.realtime.settings import RealtimeSettings
from madang.realtime.sockets import CrowdSocket

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
PATIENCE_S = 15
EVENTS = "/connection/sse?cf_connect=%7B%22id%22%3A1%2C%22connect%22%3A%7B%7D%7D"
MASK = b"\1\2\3\4"


class Client:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._frames = Receiver(1 << 24, masked=False)
        self._events: list[Event] = []

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(PATIENCE_S):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:-2])

    async def chunk(self) -> bytes:
        """The next chunk of a stream; empty at its end."""
        async with asyncio.timeout(PATIENCE_S):
            size = int(await self.reader.readline(), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def event(self) -> Any:
        """The next server-sent event."""
        chunk = await self.chunk()
        assert chunk.startswith(b"data: ") and chunk.endswith(b"\n\n"), chunk
        return json.loads(chunk[6:])

    async def frame(self) -> Event:
        async with asyncio.timeout(PATIENCE_S):
            while not self._events:
                data = await self.reader.read(1 << 16)
                assert data, "the connection is gone"
                self._events += self._frames.feed(data)
        return self._events.pop(0)

    async def message(self) -> Any:
        frame = await self.frame()
        assert isinstance(frame, Message), frame
        return json.loads(str(frame.data).split("\n")[0])

    def say(self, text: str) -> None:
        self.send(build_frame(TEXT, text.encode(), mask=MASK))


class House:
    """A server with the crowd's doors."""

    def __init__(self, yard: Yard, server: HttpServer, port: int) -> None:
        self.yard = yard
        self.server = server
        self.port = port
        self.clients: list[Client] = []

    async def client(self) -> Client:
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)))
        return self.clients[-1]

    async def ask(
        self, method: str, target: str, body: bytes = b"", **headers: str
    ) -> tuple[Client, int, dict[str, str]]:
        """A request and the head of its answer."""
        client = await self.client()
        lines = [f"{method} {target} HTTP/1.1", "Host: yard", *(f"{k}: {v}" for k, v in headers.items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        client.send("\r\n".join((*lines, "", "")).encode() + body)
        return client, *await client.head()

    async def websocket(self, target: str = "/connection/websocket", *headers: tuple[str, str]) -> Client:
        client = await self.client()
        client.send(build_request("yard", target, KEY, headers))
        status, _ = await client.head()
        assert status == 101
        return client


@pytest.fixture
async def house(clock: FakeClock, settings: RealtimeSettings) -> AsyncIterator[House]:
    async with Ground(NetSettings(), clock) as ground:
        kept = dataclasses.replace(
            settings,
            namespaces=NAMESPACES,
            allowed_origins=("https://app.example", "https://*.wild.example"),
            message_bytes=4096,
        )
        yard = Yard(clock, kept)
        yard.engine.core.sweeper = ground.sweeper
        await yard.engine.start()
        sockets = WebSockets(ground.sweeper, ground.counters, 0, CrowdSocket)
        doors = Doors(yard.engine, sockets, ground.proxies)

        async def nothing(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

        server = HttpServer(ground, [(prefix, doors) for prefix in PREFIXES], nothing)
        door = await server.listen(Binding("127.0.0.1", 0, "--http"))
        made = House(yard, server, door.port)
        yield made
        for client in made.clients:
            client.writer.close()
        yard.engine.drain()
        await server.close(0.2)
        for room in yard.engine.core.rooms.values():
            room.close()


# --- who may knock ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("", True),
        ("http://yard", True),
        ("https://app.example", True),
        ("https://yard", False),
        ("http://yard.evil.example", False),
        ("http://evil.example", False),
        ("https://app.example:444", False),
        ("https://app.example.evil.example", False),
        ("http://app.example", False),
        ("https://app.example, http://yard", False),
        ("null", False),
        ("https://APP.example", False),
        ("https://a.wild.example", True),
        ("https://a.b.wild.example", True),
        ("https://wild.example", False),
        ("http://a.wild.example", False),
        ("https://a.wild.example.evil.example", False),
        ("https://evil.example, https://a.wild.example", False),
        ("https://evil.example/.wild.example", False),
    ],
)
async def test_origins(house: House, origin: str, allowed: bool) -> None:
    """A16, A18."""
    headers = {"Origin": origin} if origin else {}
    for path in (
        "/connection/sse?cf_connect=%7B%22id%22%3A1%2C%22connect%22%3A%7B%7D%7D",
        "/connection/websocket",
    ):
        _, status, told = await house.ask("GET", path, **headers)
        assert (status != 403) is allowed
        if path.startswith("/connection/sse"):
            assert told.get("access-control-allow-origin") == (origin.lower() if origin and allowed else None)


async def test_preflights_and_wrong_methods(house: House) -> None:
    for path in ("/connection/http_stream", "/connection/sse", "/emulation"):
        _, status, told = await house.ask("OPTIONS", path, Origin="https://app.example")
        assert status == 204 and told["access-control-max-age"] == "300"
        assert told["access-control-allow-origin"] == "https://app.example"
        assert (await house.ask("DELETE", path))[1] == 405
    assert (await house.ask("GET", "/emulation"))[1] == 405
    assert (await house.ask("GET", "/connection/init"))[1] == 204
    assert (await house.ask("GET", "/connection/websocket"))[1] == 426
    assert (await house.ask("GET", "/connection/other"))[1] == 404


async def test_nobody_new_while_the_server_drains(house: House) -> None:
    house.yard.engine.drain()
    _, status, told = await house.ask("GET", "/connection/websocket")
    assert status == 503 and told["retry-after"]


async def test_one_address_knocks_so_often_a_second(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A57: of a crowd that returns at once, each address gets its share; others come in meanwhile."""
    monkeypatch.setattr("madang.realtime.doors.REALTIME_CONNECTS_PER_IP", 2)
    engine, proxies = house.yard.engine, TrustedProxies(("198.51.100.7",))
    sockets = WebSockets(engine.core.sweeper, NetCounters(), 0, CrowdSocket)
    doors = Doors(engine, sockets, proxies)

    def knock(address: str) -> int:
        request: Any = Request("/connection/http_stream", "POST")
        request.client = address
        answer = doors.ask(request)
        return answer.status if isinstance(answer, Answer) else 0

    refused = engine.counters.connections_refused
    assert [knock("192.0.2.1") for _ in range(12)] == [0] * 10 + [503] * 2
    assert knock("192.0.2.2") == 0
    assert {knock(address) for address in ("127.0.0.1", "198.51.100.7") for _ in range(20)} == {0}
    engine.core.sweeper.advance(1)
    assert [knock("192.0.2.1") for _ in range(3)] == [0, 0, 503]
    assert engine.counters.connections_refused - refused == 3


# --- websockets ------------------------------------------------------------------------------------------


async def test_a_websocket_and_its_close_code(house: House) -> None:
    client = await house.websocket()
    client.say('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"plain:1"}}')
    assert (await client.message())["connect"]["ping"] == 25
    assert (await client.message())["id"] == 2
    await house.yard.publish("plain:1", {"a": 1})
    assert (await client.message())["push"]["pub"]["data"] == {"a": 1}
    client.say('{"id":3,"connect":{}}')
    closed = await client.frame()
    assert closed == Closed(3501, "bad request")
    assert not house.yard.engine.core.rooms


async def test_an_empty_subprotocol_header_is_json(house: House) -> None:
    client = await house.websocket("/connection/websocket", ("Sec-WebSocket-Protocol", ""))
    client.say('{"id":1,"connect":{}}')
    assert (await client.message())["id"] == 1


@pytest.mark.parametrize(
    "target", ["/connection/websocket?format=protobuf", "/connection/websocket?cf_protocol=protobuf"]
)
async def test_protobuf_by_query(house: House, target: str) -> None:
    client = await house.websocket(target)
    client.send(build_frame(2, b"\x04\x08\x01\x22\x00", mask=MASK))
    frame = await client.frame()
    assert isinstance(frame, Message) and isinstance(frame.data, bytes) and frame.data[1:3] == b"\x08\x01"


async def test_the_transports_own_pings(house: House) -> None:
    client = await house.websocket("/connection/websocket?cf_ws_frame_ping_pong=true")
    client.say('{"id":1,"connect":{}}')
    assert "ping" not in (await client.message())["connect"]
    house.yard.clock.advance(30)
    house.yard.engine.core.sweeper.advance(30)
    assert await client.frame() == Ping(b"")
    client.send(build_frame(0xA, b"", mask=MASK))
    client.send(build_frame(PING, b"x", mask=MASK))
    await client.frame()
    house.yard.engine.core.sweeper.advance(10)
    client.say('{"id":2,"rpc":{"method":"x"}}')
    assert (await client.message())["id"] == 2


@pytest.mark.parametrize(
    "flood",
    [
        build_frame(TEXT, b"x" * 5000, mask=MASK),
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4",
        b"\x81\x02{}",
        build_frame(TEXT, b"x", fin=False, mask=MASK) + build_frame(0, b"x", fin=False, mask=MASK) * 100,
        build_frame(PING, b"", mask=MASK) * 50,
        build_frame(TEXT, b"\xff", mask=MASK),
    ],
    ids=["too long", "64-bit length", "unmasked", "fragments", "pings", "not UTF-8"],
)
async def test_floods_end_their_own_connection_alone(house: House, flood: bytes) -> None:
    """A43."""
    good, bad = await house.websocket(), await house.websocket()
    bad.send(flood)
    async with asyncio.timeout(PATIENCE_S):
        while not isinstance(await bad.frame(), Closed):
            pass
    good.say('{"id":1,"connect":{}}')
    assert (await good.message())["id"] == 1


async def test_one_byte_at_a_time(house: House) -> None:
    client = await house.websocket()
    said = b'{"id":1,"connect":{}}'
    frames = [build_frame(TEXT if not at else 0, said[at : at + 1], fin=at == len(said) - 1, mask=MASK)
              for at in range(len(said))]  # fmt: skip
    for byte in b"".join(frames):
        client.send(bytes((byte,)))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.message())["id"] == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", b'{"id":1,"connect":{"data":' + b"[" * 2000 + b"]" * 2000 + b"}}"),
        ("", b'{"id":1,"connect":{"data":' + b'{"a":' * 500),
        ("", b'{"id":-1,"connect":{}}'),
        ("?format=protobuf", b"\x05\x08\x01"),
        ("?format=protobuf", b"\xff" * 12),
        ("?format=protobuf", b"\x04\x22\x05\x0a\x01"),
        ("?format=protobuf", b"\x05\x22\x03\x0a\x01\xff"),
        ("?format=protobuf", b"\x00\x00"),
    ],
)
async def test_what_is_no_command_is_a_bad_request(house: House, target: str, words: bytes) -> None:
    """A44, A46."""
    client = await house.websocket(f"/connection/websocket{target}")
    client.send(build_frame(2 if target else TEXT, words, mask=MASK))
    closed = await client.frame()
    assert isinstance(closed, Closed) and closed.code == 3501


async def test_thousands_of_subscribes_on_one_connection(house: House) -> None:
    """A57: the first 128 are subscribed, the next ones are too many, then they come too fast, and then it is
    enough."""
    core = house.yard.engine.core
    client = await house.websocket()
    client.say('{"id":1,"connect":{}}')
    await client.message()
    lines = [f'{{"id":{n + 2},"subscribe":{{"channel":"plain:{n}"}}}}' for n in range(3000)]
    for start in range(0, len(lines), 50):
        client.say("\n".join(lines[start : start + 50]))
    counts: dict[int, int] = {}
    while isinstance(frame := await client.frame(), Message):
        for line in str(frame.data).split("\n"):
            code = json.loads(line).get("error", {}).get("code", 0)
            counts[code] = counts.get(code, 0) + 1
    most = core.settings.channels_per_connection
    assert counts[0] == most and set(counts) == {0, 106, 111}
    assert counts[111] == REALTIME_REFUSED_PER_S
    assert isinstance(frame, Closed) and frame.code == 3013
    client.writer.close()
    async with asyncio.timeout(PATIENCE_S):
        while core.rooms:  # noqa: ASYNC110  told by synchronous calls
            await asyncio.sleep(0.01)
    assert not core.guests


# --- streams and emulation -------------------------------------------------------------------------------


async def emulate(house: House, told: Any, *commands: Any) -> int:
    data = "\n".join(json.dumps(command) for command in commands)
    body = json.dumps({"session": told["session"], "node": told["node"], "data": data}).encode()
    return (await house.ask("POST", "/emulation", body))[1]


async def test_a_stream_and_its_emulation(house: House) -> None:
    client, status, head = await house.ask("POST", "/connection/http_stream", b'{"id":1,"connect":{}}')
    assert status == 200 and head["x-accel-buffering"] == "no" and "no-store" in head["cache-control"]
    told = json.loads(await client.chunk())["connect"]
    assert told["session"] and told["node"] == house.yard.engine.node
    assert (
        await emulate(house, told, {"id": 2, "subscribe": {"channel": "plain:1"}}, {"id": 3, "ping": {}})
        == 204
    )
    assert [json.loads(await client.chunk())["id"] for _ in range(2)] == [2, 3]
    await house.yard.publish("plain:1", [1, 2])
    assert json.loads(await client.chunk())["push"]["pub"]["data"] == [1, 2]
    assert await emulate(house, told, {"id": 4, "connect": {}}) == 204
    assert json.loads(await client.chunk()) == {
        "push": {"disconnect": {"code": 3501, "reason": "bad request"}}
    }
    assert await client.chunk() == b""


async def test_events(house: House) -> None:
    client, status, head = await house.ask("GET", EVENTS)
    assert status == 200 and head["content-type"] == "text/event-stream"
    assert await client.chunk() == b"\r\n"
    told = (await client.event())["connect"]
    assert await emulate(house, told, {"id": 2, "subscribe": {"channel": "plain:1"}}) == 204
    assert (await client.event())["id"] == 2
    client.writer.close()
    async with asyncio.timeout(PATIENCE_S):
        while house.yard.engine.core.guests:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"node":"x","session":"y","data":"{}"}', 404),
        (b'{"node":"NODE","session":"y","data":"{}"}', 204),
        (b'{"node":"NODE","session":"y","data":"' + b"x" * 5000 + b'"}', 413),
        (b"x" * 9000, 413),
    ],
)
async def test_bad_emulation(house: House, body: bytes, expected: int) -> None:
    body = body.replace(b"NODE", house.yard.engine.node.encode())
    assert (await house.ask("POST", "/emulation", body))[1] == expected


async def test_streams_without_a_connect_command(house: House) -> None:
    assert (await house.ask("POST", "/connection/http_stream", b""))[1] == 400
    assert (await house.ask("GET", "/connection/sse"))[1] == 400
    client, status, _ = await house.ask("POST", "/connection/http_stream", b"nonsense")
    assert status == 200
    assert json.loads(await client.chunk())["push"]["disconnect"]["code"] == 3501


# --- unidirectional --------------------------------------------------------------------------------------


async def test_unidirectional_streams(house: House) -> None:
    body = json.dumps({"token": house.yard.token("ann", channels=["plain:1"])}).encode()
    client, status, _ = await house.ask("POST", "/connection/uni_http_stream", body)
    assert status == 200
    told = json.loads(await client.chunk())["connect"]
    assert told["subs"] == {"plain:1": {}} and told["session"] and "pong" not in told
    await house.yard.publish("plain:1", 5)
    assert json.loads(await client.chunk()) == {"channel": "plain:1", "pub": {"data": 5}}
    events, _, _ = await house.ask("GET", "/connection/uni_sse")
    assert await events.chunk() == b"\r\n"
    assert "connect" in await events.event()
    house.yard.engine.drain()
    assert (await events.event())["disconnect"] == {"code": 3001, "reason": "shutdown", "reconnect": True}


async def test_a_unidirectional_websocket(house: House) -> None:
    client = await house.websocket("/connection/uni_websocket")
    client.say(json.dumps({"token": house.yard.token("ann", channels=["plain:1"])}))
    assert (await client.message())["connect"]["subs"] == {"plain:1": {}}
    client.say("whatever else it says")
    await house.yard.publish("plain:1", 5)
    assert await client.message() == {"channel": "plain:1", "pub": {"data": 5}}
    asked = await house.websocket("/connection/uni_websocket?cf_connect=%7B%7D")
    assert "connect" in await asked.message()
    refused, status, _ = await house.ask("POST", "/connection/uni_http_stream", b"[]")
    assert status == 400 and refused


async def test_a_connect_that_fails_with_a_status(house: House) -> None:
    core = house.yard.engine.core
    core.settings = dataclasses.replace(core.settings, unidirectional_statuses={3500: 401, 109: 403})
    for token, expected in (("x.y.z", 401), (house.yard.token("ann", exp=1), 403)):
        for path in ("/connection/uni_http_stream", "/connection/uni_sse"):
            client, status, headers = await house.ask("POST", path, json.dumps({"token": token}).encode())
            assert (status, headers["content-length"]) == (expected, "0")
            assert await client.reader.read() == b""
    client, status, _ = await house.ask("POST", "/connection/uni_http_stream", b"{}")
    assert status == 200 and "connect" in json.loads(await client.chunk())
    gone = json.dumps({"token": house.yard.token("ann", channels=["nowhere:1"])}).encode()
    client, status, _ = await house.ask("POST", "/connection/uni_http_stream", gone)
    assert status == 200 and json.loads(await client.chunk())["disconnect"]["code"] == 3501


async def test_a_connect_that_fails_while_something_is_published_is_an_answer_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard = house.yard
    core, history = yard.engine.core, yard.broker.history
    core.settings = dataclasses.replace(core.settings, unidirectional_statuses={109: 403})
    monkeypatch.setattr(yard.broker, "in_process", False)

    async def fails(channel: str, *more: Any) -> Stretch:
        if channel != "kept:2":
            return await history(channel, *more)
        await yard.publish("kept:1", 1)
        await yard.settle()
        raise BrokerError("away")

    monkeypatch.setattr(yard.broker, "history", fails)
    core.bind(Namespace("kept", msgspec.structs.replace(OPEN, force_recovery=True)))
    body = json.dumps({"token": yard.token("ann", channels=["kept:1", "kept:2"])}).encode()
    client, status, _ = await house.ask("POST", "/connection/uni_http_stream", body)
    assert status == 200 and json.loads(await client.chunk())["disconnect"]["code"] == 3004


async def test_a_unidirectional_client_that_may_not_connect(house: House) -> None:
    client, _, _ = await house.ask("POST", "/connection/uni_http_stream", b'{"token":"x.y.z"}')
    assert json.loads(await client.chunk())["disconnect"] == {"code": 3500, "reason": "invalid token"}

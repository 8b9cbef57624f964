"""Websockets over a real socket, with our own frames and with the `websockets` library."""

import asyncio
from typing import Any

import pytest
from tests.unit.net.conftest import Wire, Yard
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from madang.net.http.routes import Answer
from madang.net.websocket import WebSocket, WebSockets, same_origin, shake_hands
from madang.protocols.websocket import frame, handshake
from madang.protocols.websocket.receiver import Event, Message, Receiver

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"abcd"


class Echo:
    """Sends back what it gets; remembers its end."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.closed: tuple[int, str] | None = None

    def on_message(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.socket.send_text(data)
        else:
            self.socket.send_binary(data)

    def on_closed(self, code: int, reason: str) -> None:
        assert self.closed is None
        self.closed = (code, reason)


class Hall:
    """A route that echoes, and its handlers."""

    def __init__(self, yard: Yard) -> None:
        self.sockets = WebSockets(yard.ground.sweeper, yard.ground.counters)
        self.echoes: list[Echo] = []
        yard.route.says["/hot/ws"] = lambda request: self.sockets.accept(
            request, self.greet, subprotocols=("echo",), limit_bytes=1 << 20
        )

    def greet(self, socket: WebSocket) -> Echo:
        self.echoes.append(Echo(socket))
        return self.echoes[-1]


@pytest.fixture
def hall(yard: Yard) -> Hall:
    return Hall(yard)


async def shake(yard: Yard, rest: bytes = b"") -> Wire:
    wire = await yard.connect()
    wire.send(handshake.build_request("yard", "/hot/ws", KEY) + rest)
    reply = await wire.reply()
    assert reply.status == 101
    assert reply.headers[b"sec-websocket-accept"] == handshake.accept_token(KEY).lower()
    return wire


async def events(wire: Wire, count: int) -> list[Event]:
    receiver = Receiver(1 << 21, masked=False)
    found: list[Event] = []
    while len(found) < count:
        data = await wire.read(1 << 16)
        assert data, found
        found += receiver.feed(data)
    return found


def masked(opcode: int, payload: bytes) -> bytes:
    return frame.build_frame(opcode, payload, mask=MASK)


async def test_library_client_talks(yard: Yard, hall: Hall) -> None:
    url = f"ws://127.0.0.1:{yard.door.port}/hot/ws"
    async with connect(url, subprotocols=["other", "echo"], proxy=None) as client:  # type: ignore[list-item]
        assert client.subprotocol == "echo"
        for text in ("안녕", "", "x" * 70_000):
            await client.send(text)
            assert await client.recv() == text
        await client.send(bytes(200_000))
        assert await client.recv() == bytes(200_000)
        await (await client.ping())
        assert len(hall.sockets.open) == 1
    await yard.settle()
    assert hall.echoes[0].closed == (1000, "")
    assert not hall.sockets.open


async def test_bytes_that_came_with_the_upgrade_go_along(yard: Yard, hall: Hall) -> None:
    wire = await shake(yard, masked(frame.TEXT, b"early"))
    assert await events(wire, 1) == [Message("early")]


async def test_server_closes_and_tells_why(yard: Yard, hall: Hall) -> None:
    async with connect(f"ws://127.0.0.1:{yard.door.port}/hot/ws", proxy=None) as client:
        hall.sockets.drain(4001, "come back later")
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4001, "come back later")
    await yard.settle()
    assert hall.echoes[0].closed == (4001, "come back later")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame.build_frame(frame.TEXT, b"unmasked"), 1002),
        (masked(frame.TEXT, b"\xff"), 1007),
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big"), 1009),
        (masked(frame.PING, b"") * 11, 1008),
    ],
)
async def test_breach_is_closed_with_its_code(yard: Yard, hall: Hall, data: bytes, code: int) -> None:
    wire = await shake(yard, data)
    receiver = Receiver(masked=False)
    told = list(receiver.feed(await wire.read()))
    assert told[-1].code == code  # type: ignore[union-attr]
    wire.close()
    await yard.settle()
    assert hall.echoes[0].closed is not None
    assert hall.echoes[0].closed[0] == code


async def test_ping_pong_keeps_alive_and_silence_ends(yard: Yard, hall: Hall) -> None:
    wire = await shake(yard)
    for _ in range(3):
        await yard.after(25.5)
        assert await wire.reader.readexactly(2) == b"\x89\x00"
        wire.send(masked(frame.PONG, b""))
        await yard.settle()
    await yard.after(25.5)
    assert await wire.open()
    await yard.after(10.5)
    assert hall.echoes[0].closed == (1006, "no pong")
    assert yard.ground.counters.websocket_timeouts == 1


async def test_lost_connection_is_1006(yard: Yard, hall: Hall) -> None:
    wire = await shake(yard)
    wire.writer.transport.abort()
    await yard.settle()
    assert hall.echoes[0].closed == (1006, "")


async def test_who_never_says_goodbye_is_cut(yard: Yard, hall: Hall) -> None:
    wire = await shake(yard)
    hall.echoes[0].socket.close(1000)
    await yard.settle()
    assert hall.echoes[0].closed is None
    await yard.after(2.5)
    assert hall.echoes[0].closed == (1000, "")
    wire.close()


async def test_backlog_is_told(yard: Yard, hall: Hall) -> None:
    wire = await shake(yard)
    socket = hall.echoes[0].socket
    while not socket.paused:
        socket.send_frame(frame.build_frame(frame.BINARY, bytes(1 << 20)))
    assert socket.backlog_bytes > 0
    await asyncio.wait_for(wire.reader.readexactly(1 << 20), 30)
    while socket.paused:
        await wire.read(1 << 20)
    assert socket.is_open


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Upgrade: websocket\r\nConnection: Upgrade\r\n", 426),
        ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", 400),
    ],
)
async def test_bad_handshake(yard: Yard, hall: Hall, headers: str, status: int) -> None:
    wire = await yard.connect()
    reply = await wire.ask("/hot/ws", headers=headers)
    assert reply.status == status
    assert reply.headers[b"sec-websocket-version"] == b"13"
    assert await wire.closed()


async def test_plain_request_is_told_to_upgrade(yard: Yard, hall: Hall) -> None:
    wire = await yard.connect()
    assert (await wire.ask("/hot/ws")).status == 426


async def test_websocket_to_asgi_is_refused_cleanly(yard: Yard) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"ws://127.0.0.1:{yard.door.port}/elsewhere", proxy=None):
            pass
    assert caught.value.response.status_code == 200


class Asked:
    """A request as far as `same_origin` looks at it."""

    def __init__(self, origin: str, host: str, secure: bool) -> None:
        self.origin, self.host, self.secure = origin, host, secure

    def header(self, name: bytes) -> bytes:
        return self.origin.encode() if name == b"origin" else b""


@pytest.mark.parametrize(
    ("origin", "secure", "good"),
    [
        ("", False, True),
        ("http://yard.example", False, True),
        ("https://yard.example", True, True),
        ("https://friend.example", True, True),
        ("http://yard.example", True, False),
        ("https://yard.example", False, False),
        ("null", False, False),
        ("http://yard.example.evil", False, False),
        ("http://evil-yard.example", False, False),
        ("http://yard.example:8080", False, False),
        ("http://YARD.example", False, False),
        ("http://friend.example", False, False),
    ],
)
def test_origins(origin: str, secure: bool, good: bool) -> None:
    """A18."""
    request: Any = Asked(origin, "yard.example", secure)
    assert same_origin(request, frozenset(("https://friend.example",))) is good


async def test_only_get_upgrades(yard: Yard) -> None:
    yard.route.says["/hot/raw"] = shake_hands  # type: ignore[assignment]
    wire = await yard.connect()
    assert (await wire.ask("/hot/raw", "POST")).status == 426
    assert isinstance(shake_hands(yard.route.asked[0]), Answer)

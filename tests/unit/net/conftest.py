"""A real server on a real socket, with raw bytes in and out; time is the sweeper's and is moved by hand."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop

from madang.net.ground import Ground
from madang.net.http.routes import Answer, Growing, Hold, Request, TakeOver
from madang.net.http.server import HttpServer
from madang.net.listeners import Binding, Door
from madang.net.settings import NetSettings

HOST = b"Host: yard\r\n\r\n"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class TestRoute:
    """Says what the test put under a path; keeps what it was asked."""

    __test__ = False
    says: dict[str, Answer | Hold | Growing | TakeOver | Callable[[Request], Any]] = field(
        default_factory=dict
    )
    asked: list[Request] = field(default_factory=list)

    def ask(self, request: Request) -> Any:
        self.asked.append(request)
        outcome = self.says.get(request.path)
        return outcome(request) if callable(outcome) else outcome


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that answers with what it saw."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    head = f"{scope['method']} {scope['path']} {scope['client'][0]} {scope['scheme']} ".encode()
    host = dict(scope["headers"]).get(b"host", b"")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": head + host + b" " + body})


@dataclass
class Reply:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Wire:
    """A raw client: what it reads is parsed by hand, so that nothing is smoothed over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self, method: str = "GET") -> Reply:
        """The next response; `method` says whether a body follows."""
        async with asyncio.timeout(30):
            return await self._reply(method)

    async def _reply(self, method: str) -> Reply:
        head = (await self.reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        found = re.fullmatch(rb"HTTP/1\.1 (\d{3}) .*", head[0])
        assert found, head
        headers = dict(line.lower().split(b": ", 1) for line in head[1:-2])
        status = int(found[1])
        body = b""
        if headers.get(b"transfer-encoding") == b"chunked" and method != "HEAD":
            while size := int(await self.reader.readline(), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            assert await self.reader.readline() == b"\r\n"
        elif method != "HEAD" and status not in (204, 304):
            body = await self.reader.readexactly(int(headers.get(b"content-length", b"0")))
        return Reply(status, headers, body)

    async def ask(self, target: str, method: str = "GET", headers: str = "", body: bytes = b"") -> Reply:
        """One request and its response."""
        self.send(f"{method} {target} HTTP/1.1\r\n{headers}".encode() + HOST + body)
        return await self.reply(method)

    async def closed(self) -> bool:
        """Whether the server closed and sent nothing more."""
        return await asyncio.wait_for(self.reader.read(), 30) == b""

    async def open(self) -> bool:
        """Whether the connection is still there after all that was due was done."""
        for _ in range(5):
            await asyncio.sleep(0.002)
        return not self.reader.at_eof()

    async def read(self, size: int = -1) -> bytes:
        async with asyncio.timeout(30):
            return await self.reader.read(size)

    def close(self) -> None:
        self.writer.close()


@dataclass
class Yard:
    """A server under test."""

    ground: Ground
    server: HttpServer
    door: Door
    route: TestRoute
    wires: list[Wire] = field(default_factory=list)

    async def connect(self, buffer_bytes: int = 1 << 24, **options: int) -> Wire:
        sock = socket.create_connection(("127.0.0.1", self.door.port))
        for name, value in options.items():
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        reader, writer = await asyncio.open_connection(sock=sock, limit=buffer_bytes)
        self.wires.append(Wire(reader, writer))
        return self.wires[-1]

    async def settle(self) -> None:
        """Let the loop do what is due now."""
        for _ in range(8):
            await asyncio.sleep(0.002)

    async def after(self, seconds: float) -> None:
        """Let listening time pass, tick by tick."""
        await self.settle()
        for _ in range(int(seconds * 4)):
            self.ground.sweeper.advance(0.25)
        await self.settle()


@pytest.fixture
async def make_yard(clock: Any) -> AsyncIterator[Callable[..., Awaitable[Yard]]]:
    yards: list[Yard] = []

    async def make(app: Any = echo, **settings: Any) -> Yard:
        ground = Ground(NetSettings(**settings), clock)
        route = TestRoute()
        server = HttpServer(ground, [("/hot/", route)], app)
        door = await server.listen(Binding("127.0.0.1", 0, "--http"))
        yards.append(Yard(ground, server, door, route))
        return yards[-1]

    yield make
    for yard in yards:
        for wire in yard.wires:
            wire.close()
        await yard.server.close(0.1)
        await yard.ground.__aexit__()
        await yard.settle()


@pytest.fixture
async def yard(make_yard: Callable[..., Awaitable[Yard]]) -> Yard:
    return await make_yard()

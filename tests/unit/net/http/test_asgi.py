"""A FastAPI application behind the protocol, and its lifespan around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from tests.unit.net.conftest import HOST, TestRoute, Yard

from madang.net.http.lifespan import Lifespan, LifespanError
from madang.net.http.routes import Answer
from madang.net.http.server import HttpServer
from madang.net.listeners import Binding


@asynccontextmanager
async def life(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    app.state.lived = ["began"]
    yield {"word": "state"}
    app.state.lived.append("ended")


app = FastAPI(lifespan=life)


@app.get("/word")
async def word(request: Request) -> str:
    return str(request.state.word)


@app.post("/size")
async def size(request: Request) -> int:
    return len(await request.body())


@app.get("/drip")
async def drip() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(1 << 16)

    return StreamingResponse(pieces())


@app.get("/endless")
async def endless() -> StreamingResponse:
    async def ticks() -> AsyncIterator[bytes]:
        while True:
            yield b"tick"
            await asyncio.sleep(0.01)

    return StreamingResponse(ticks())


@app.post("/early")
async def early() -> str:
    return "not read"


@app.websocket("/ws")
async def ws(socket: WebSocket) -> None:
    await socket.accept()


async def test_application_lives_and_answers(make_yard: Any) -> None:
    async with Lifespan(app) as state:
        yard: Yard = await make_yard(app)
        yard.server.app_state.update(state)
        wire = await yard.connect()
        assert (await wire.ask("/word")).body == b'"state"'
        reply = await wire.ask("/size", "POST", "Content-Length: 300000\r\n", bytes(300_000))
        assert reply.body == b"300000"
        assert len((await wire.ask("/drip")).body) == 4 << 20
        assert (await wire.ask("/size", "HEAD")).status == 405
        reply = await wire.ask("/ws", headers="Connection: Upgrade\r\nUpgrade: websocket\r\n")
        assert reply.status == 404
        assert app.state.lived == ["began"]
    assert app.state.lived == ["began", "ended"]


async def test_body_that_the_application_does_not_read_is_skipped(make_yard: Any) -> None:
    yard: Yard = await make_yard(app)
    wire = await yard.connect()
    wire.send(b"POST /early HTTP/1.1\r\nContent-Length: 200000\r\n" + HOST + bytes(100_000))
    assert (await wire.reply()).body == b'"not read"'
    wire.send(bytes(100_000))
    assert (await wire.ask("/none")).status == 404


async def test_application_that_fails_is_500(make_yard: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("secret")

    yard: Yard = await make_yard(broken)
    wire = await yard.connect()
    reply = await wire.ask("/x")
    assert (reply.status, reply.body) == (500, b"Internal Server Error")
    assert await wire.closed()


async def test_stubborn_application_is_cut_at_the_end(make_yard: Any) -> None:
    began = asyncio.Event()

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        began.set()
        await asyncio.Event().wait()

    yard: Yard = await make_yard(stubborn)
    wire = await yard.connect()
    wire.send(b"GET /x HTTP/1.1\r\n" + HOST)
    await began.wait()
    await yard.server.close(0.05)
    await wire.read()
    assert not yard.server.state.tasks


async def test_endless_stream_ends_with_the_server(make_yard: Any, caplog: pytest.LogCaptureFixture) -> None:
    yard: Yard = await make_yard(app)
    wire = await yard.connect()
    wire.send(b"GET /endless HTTP/1.1\r\n" + HOST)
    await wire.reader.readuntil(b"tick")
    await yard.server.close(0.05)
    assert not yard.server.state.tasks
    assert not caplog.records


async def test_application_without_a_lifespan_is_fine() -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    async with Lifespan(bare) as state:
        assert state == {}


async def test_failing_start_is_told() -> None:
    @asynccontextmanager
    async def bad(_: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    with pytest.raises(LifespanError, match="no database"):
        async with Lifespan(FastAPI(lifespan=bad)):
            pass


async def test_longest_prefix_is_asked_first(yard: Yard) -> None:

    short, long = (
        TestRoute({"/a/b/c": Answer(200, (), b"short")}),
        TestRoute({"/a/b/c": Answer(200, (), b"long")}),
    )
    server = HttpServer(yard.ground, [("/a/", short), ("/a/b/", long)], app)
    door = await server.listen(Binding("127.0.0.1", 0, "--http"))
    wire = await Yard(yard.ground, server, door, short, yard.wires).connect()
    assert (await wire.ask("/a/b/c")).body == b"long"
    long.says.clear()
    assert (await wire.ask("/a/b/c")).body == b"short"
    wire.close()
    await server.close(0)

"""Slow and silent peers (A40), by the sweeper's own time."""

import asyncio
import time
from typing import Any

import pytest
from tests.unit.net.conftest import HOST, Yard

from madang.base import limits
from madang.net.http.routes import Answer, Growing

BIG = Answer(200, (), bytes(8 << 20))


async def test_silent_connection_is_closed(yard: Yard) -> None:
    wire = await yard.connect()
    await yard.after(limits.ACCEPT_TO_FIRST_BYTE_S - 0.5)
    assert await wire.open()
    await yard.after(1)
    assert await wire.closed()


async def test_dripped_header_has_one_deadline(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(b"GET / HTTP/1.1\r\nHost: yard\r\nX: ")
    for _ in range(9):
        await yard.after(1)
        wire.send(b"y")
    assert await wire.open()
    await yard.after(1.5)
    assert (await wire.reply()).status == 408
    assert await wire.closed()


async def test_keepalive_ends_after_hot_answer(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200)
    wire = await yard.connect()
    for _ in range(3):
        await wire.ask("/hot/a")
        await yard.after(limits.HTTP_KEEPALIVE_S - 1)
    assert await wire.open()
    await yard.after(1.5)
    assert await wire.closed()


async def test_keepalive_ends_after_asgi(yard: Yard) -> None:
    wire = await yard.connect()
    await wire.ask("/x")
    await yard.after(limits.HTTP_KEEPALIVE_S + 0.5)
    assert await wire.closed()


async def test_second_header_has_its_deadline_too(yard: Yard) -> None:
    wire = await yard.connect()
    await wire.ask("/x")
    wire.send(b"GET")
    await yard.after(limits.HTTP_HEADER_S + 0.5)
    assert (await wire.reply()).status == 408


async def test_dripped_body_is_refused(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(b"POST /x HTTP/1.1\r\nContent-Length: 100000\r\n" + HOST)
    for _ in range(29):
        await yard.after(1)
        wire.send(b"x" * 100)
    assert await wire.open()
    await yard.after(1.5)
    assert (await wire.reply()).status == 408
    assert await wire.closed()


async def test_slow_but_honest_body_is_taken(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(b"POST /x HTTP/1.1\r\nContent-Length: 90000\r\n" + HOST)
    for _ in range(60):
        await yard.after(1)
        wire.send(b"x" * 1500)
    reply = await wire.reply()
    assert (reply.status, len(reply.body)) == (200, len(b"POST /x 127.0.0.1 http yard ") + 90000)


async def test_slow_application_has_no_deadline_here(make_yard: Any) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await go.wait()
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    go = asyncio.Event()
    yard = await make_yard(slow)
    wire = await yard.connect()
    wire.send(b"GET /x HTTP/1.1\r\n" + HOST)
    await yard.after(120)
    go.set()
    assert (await wire.reply()).status == 204


async def test_answer_that_nobody_reads_is_cut(yard: Yard) -> None:
    yard.route.says["/hot/big"] = BIG
    wire = await yard.connect(SO_RCVBUF=4096)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    wire.send(b"GET /hot/big HTTP/1.1\r\n" + HOST)
    await yard.after(2 * limits.HTTP_STALLED_WRITE_S + 1)
    assert yard.ground.counters.stalled_writes == 1
    assert not yard.server.state.connections


@pytest.mark.parametrize("target", ["/hot/big", "/big"])
async def test_last_answer_that_nobody_reads_is_cut(make_yard: Any, target: str) -> None:
    async def big(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": bytes(8 << 20)})

    yard: Yard = await make_yard(big)
    yard.route.says["/hot/big"] = BIG
    wire = await yard.connect(SO_RCVBUF=4096)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    wire.send(f"GET {target} HTTP/1.0\r\n\r\n".encode())
    await yard.after(3 * limits.HTTP_STALLED_WRITE_S + 1)
    assert yard.ground.counters.stalled_writes == 1
    assert not yard.server.state.connections


async def test_answer_that_is_read_slowly_is_not(yard: Yard) -> None:
    yard.route.says["/hot/big"] = BIG
    wire = await yard.connect(buffer_bytes=1 << 16, SO_RCVBUF=1 << 17)
    wire.send(b"GET /hot/big HTTP/1.1\r\n" + HOST)
    for _ in range(20):
        for _ in range(4):
            await wire.read(1 << 16)
        await yard.after(10)
    assert yard.ground.counters.stalled_writes == 0
    assert await wire.open()


async def test_requests_of_who_does_not_read_wait(yard: Yard) -> None:
    yard.route.says["/hot/big"] = BIG
    wire = await yard.connect()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(8):
        wire.send(b"GET /hot/big HTTP/1.1\r\n" + HOST)
        await yard.settle()
    connection = next(iter(yard.server.state.connections))
    assert len(yard.route.asked) < 4
    assert connection.transport.get_write_buffer_size() <= 8 << 20
    wire.writer.transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(8):
        assert len((await wire.reply()).body) == 8 << 20


async def test_growing_body_that_stops_growing_is_cut(yard: Yard) -> None:
    growing = yard.route.says["/hot/g"] = Growing(())
    wire = await yard.connect()
    wire.send(b"GET /hot/g HTTP/1.1\r\n" + HOST)
    for _ in range(3):
        await yard.after(limits.HOLD_S_MAX - 1)
        growing.grow(b"x")
    assert await wire.open()
    await yard.after(limits.HOLD_S_MAX + 1)
    await wire.read()
    assert not growing.waiting


async def test_own_stall_drops_nobody(yard: Yard) -> None:
    """F23: after the loop stood still, everybody gets the chance to be read first."""
    yard.ground.sweeper.start()
    wire = await yard.connect()
    wire.send(b"GET / HTTP/1.1\r\nHost:")
    await yard.settle()
    yard.ground.sweeper.advance(limits.HTTP_HEADER_S - 1)
    time.sleep(1.2)  # noqa: ASYNC251
    await asyncio.sleep(0.02)
    assert await wire.open()
    assert yard.ground.sweeper.stalls == 1
    wire.send(b" yard\r\n\r\n")
    assert (await wire.reply()).status == 200

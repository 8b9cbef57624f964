"""Connections that leave HTTP, and what they leave behind: nothing."""

import asyncio
import gc
import weakref

from tests.unit.net.conftest import HOST, Wire, Yard

from madang.net.http.protocol import HttpProtocol
from madang.net.http.routes import Answer, Growing, Hold, TakeOver

LATE = Answer(503)


class Shout(asyncio.Protocol):
    """Says what it hears, in capitals."""

    __slots__ = ("lost", "transport")

    def __init__(self, transport: asyncio.Transport, rest: bytes) -> None:
        self.transport = transport
        self.lost = False
        transport.write(b"HTTP/1.1 200 OK\r\n\r\nREST:" + rest)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


TAKE = TakeOver(Shout)
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"


async def hear(wire: Wire, until: bytes) -> bytes:
    async with asyncio.timeout(30):
        return await wire.reader.readuntil(until)


async def test_plain_request_is_taken_over(yard: Yard) -> None:
    yard.route.says["/hot/flv"] = TAKE
    wire = await yard.connect()
    await wire.ask("/x")
    wire.send(b"GET /hot/flv HTTP/1.1\r\n" + HOST)
    await hear(wire, b"REST:")
    wire.send(b"hello")
    assert await hear(wire, b"HELLO") == b"HELLO"
    assert not yard.server.state.connections
    assert yard.ground.counters.takeovers == 1
    await yard.after(120)
    assert await wire.open()


async def test_bytes_behind_an_upgrade_go_along(yard: Yard) -> None:
    yard.route.says["/hot/ws"] = TAKE
    wire = await yard.connect()
    wire.send(b"GET /hot/ws HTTP/1.1\r\n" + UPGRADE + HOST + b"frames")
    assert (await hear(wire, b"REST:frames")).endswith(b"REST:frames")


async def test_held_then_taken_over_with_all_that_came(yard: Yard) -> None:
    hold = Hold(6.0, LATE)
    yard.route.says["/hot/ws"] = hold
    wire = await yard.connect()
    wire.send(b"GET /hot/ws HTTP/1.1\r\n" + UPGRADE + HOST + b"one,")
    await yard.settle()
    wire.send(b"two")
    await yard.settle()
    hold.resolve(TAKE)
    await hear(wire, b"REST:one,two")
    wire.send(b",three")
    assert await hear(wire, b",THREE") == b",THREE"


async def test_upgrade_that_a_route_refuses(yard: Yard) -> None:
    yard.route.says["/hot/ws"] = Answer(403, (), b"no")
    wire = await yard.connect()
    wire.send(b"GET /hot/ws HTTP/1.1\r\n" + UPGRADE + HOST + b"\x81\x80abcd")
    reply = await wire.reply()
    assert (reply.status, reply.headers[b"connection"]) == (403, b"close")


async def test_taken_over_behind_asgi(yard: Yard) -> None:
    yard.route.says["/hot/flv"] = TAKE
    wire = await yard.connect()
    wire.send(b"GET /x HTTP/1.1\r\n" + HOST + b"GET /hot/flv HTTP/1.1\r\n" + HOST)
    assert (await wire.reply()).status == 200
    await hear(wire, b"REST:")


async def test_failing_takeover_closes(yard: Yard) -> None:
    def fail(transport: asyncio.Transport, rest: bytes) -> asyncio.Protocol:
        raise ValueError

    yard.route.says["/hot/flv"] = TakeOver(fail)
    wire = await yard.connect()
    wire.send(b"GET /hot/flv HTTP/1.1\r\n" + HOST)
    assert await wire.closed()
    assert yard.ground.counters.route_errors == 1


async def test_connection_counts_until_it_is_closed_by_whomever(yard: Yard) -> None:
    yard.route.says["/hot/flv"] = TAKE
    wire = await yard.connect()
    wire.send(b"GET /hot/flv HTTP/1.1\r\n" + HOST)
    await hear(wire, b"REST:")
    assert (len(yard.ground.crowd), yard.ground.crowd.of("127.0.0.1")) == (1, 1)
    wire.close()
    await yard.settle()
    assert (len(yard.ground.crowd), yard.ground.crowd.of("127.0.0.1")) == (0, 0)


async def test_end_of_the_server_ends_those_who_left_http(yard: Yard) -> None:
    yard.route.says["/hot/flv"] = TAKE
    wire = await yard.connect()
    wire.send(b"GET /hot/flv HTTP/1.1\r\n" + HOST)
    await hear(wire, b"REST:")
    yard.ground.crowd.disperse()
    assert await wire.closed()


async def test_closed_connections_leave_no_garbage(yard: Yard) -> None:
    """Every way that a connection ends frees it at once, without the collector."""
    growing = Growing(())
    yard.route.says |= {
        "/hot/flv": TAKE,
        "/hot/a": Answer(200),
        "/hot/g": growing,
        "/hot/h": lambda _: Hold(6.0, LATE),
    }
    requests = [
        b"GET /hot/a HTTP/1.1\r\n" + HOST,
        b"GET /hot/flv HTTP/1.1\r\n" + HOST,
        b"GET /hot/ws HTTP/1.1\r\n" + UPGRADE + HOST,
        b"GET /hot/g HTTP/1.1\r\n" + HOST,
        b"GET /hot/h HTTP/1.1\r\n" + HOST,
        b"GET /x HTTP/1.1\r\n" + HOST,
        b"POST /x HTTP/1.1\r\nContent-Length: 9\r\n" + HOST + b"half",
        b"GET /hot/h HTTP/1.1\r\n" + HOST + b"GET /x HTTP/1.1\r\n" + HOST,
        b"nonsense\r\n\r\n",
        b"GET / HT",
    ]
    seen: list[weakref.ref[HttpProtocol]] = []
    made = HttpProtocol.connection_made

    def note(self: HttpProtocol, transport: asyncio.Transport) -> None:
        seen.append(weakref.ref(self))
        made(self, transport)

    gc.collect()
    gc.disable()
    HttpProtocol.connection_made = note  # type: ignore[method-assign]
    try:
        for request in requests:
            wire = await yard.connect()
            wire.send(request)
            await yard.settle()
            wire.writer.transport.abort()
            await yard.settle()
            yard.wires.clear()
            del wire
        await yard.settle()
        alive = [i for i, ref in enumerate(seen) if ref() is not None]
        assert not alive, [requests[i] for i in alive]
        assert len(seen) == len(requests)
        yard.route.asked.clear()
        assert gc.collect() < 200
        assert not [thing for thing in gc.get_objects() if isinstance(thing, Shout | HttpProtocol)]
    finally:
        HttpProtocol.connection_made = made  # type: ignore[method-assign]
        gc.enable()

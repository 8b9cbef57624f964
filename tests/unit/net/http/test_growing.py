"""Bodies that are still being made: chunked, shared, at each reader's own pace."""

import pytest
from tests.unit.net.conftest import HOST, Yard

from madang.net.http.routes import Answer, Growing, Hold

ASK = b"GET /hot/g HTTP/1.1\r\n" + HOST
TYPE = ((b"content-type", b"video/mp4"),)


@pytest.fixture
def growing(yard: Yard) -> Growing:
    yard.route.says["/hot/g"] = growing = Growing(TYPE)
    return growing


async def test_pieces_arrive_as_they_are_made(yard: Yard, growing: Growing) -> None:
    growing.grow(b"first")
    wire = await yard.connect()
    wire.send(ASK)
    head = await wire.reader.readuntil(b"\r\n\r\n")
    assert b"transfer-encoding: chunked\r\n" in head
    assert b"content-length" not in head
    assert await wire.reader.readuntil(b"first\r\n") == b"5\r\nfirst\r\n"
    growing.grow(b"")
    growing.grow(b"second piece")
    assert await wire.reader.readuntil(b"piece\r\n") == b"c\r\nsecond piece\r\n"
    growing.finish()
    assert await wire.reader.readexactly(5) == b"0\r\n\r\n"
    assert not growing.waiting
    assert (await wire.ask("/hot/g")).body == b"firstsecond piece"


async def test_shared_by_many_who_came_at_different_times(yard: Yard, growing: Growing) -> None:
    wires = []
    for i in range(5):
        wires.append(await yard.connect())
        wires[-1].send(ASK)
        await yard.settle()
        growing.grow(b"piece %d," % i)
    growing.finish()
    assert {(await wire.reply()).body for wire in wires} == {b"piece 0,piece 1,piece 2,piece 3,piece 4,"}
    assert len(growing.chunks) == 5


async def test_http_1_0_reads_to_the_end(yard: Yard, growing: Growing) -> None:
    wire = await yard.connect()
    wire.send(b"GET /hot/g HTTP/1.0\r\n\r\n")
    await yard.settle()
    growing.grow(b"one,")
    growing.grow(b"two")
    growing.finish()
    head, _, body = (await wire.read()).partition(b"\r\n\r\n")
    assert body == b"one,two"
    assert b"chunked" not in head


async def test_head_has_no_body(yard: Yard, growing: Growing) -> None:
    wire = await yard.connect()
    assert (await wire.ask("/hot/g", "HEAD")).headers[b"content-type"] == b"video/mp4"
    assert not growing.waiting


async def test_slow_reader_keeps_an_index_not_bytes(yard: Yard, growing: Growing) -> None:
    wire = await yard.connect(buffer_bytes=1 << 16)
    wire.send(ASK)
    await yard.settle()
    for _ in range(64):
        growing.grow(bytes(1 << 18))
        await yard.settle()
    connection = next(iter(yard.server.state.connections))
    assert connection.transport.get_write_buffer_size() < 1 << 20
    growing.finish()
    assert len((await wire.reply()).body) == 64 << 18


async def test_reader_that_left_is_forgotten(yard: Yard, growing: Growing) -> None:
    wire = await yard.connect()
    wire.send(ASK)
    await yard.settle()
    assert len(growing.waiting) == 1
    wire.close()
    await yard.settle()
    assert not growing.waiting


async def test_held_until_it_begins_to_grow(yard: Yard, growing: Growing) -> None:
    hold = Hold(6.0, Answer(503))
    yard.route.says["/hot/h"] = hold
    wire = await yard.connect()
    wire.send(b"GET /hot/h HTTP/1.1\r\n" + HOST + b"GET /x HTTP/1.1\r\n" + HOST)
    await yard.settle()
    hold.resolve(growing)
    growing.grow(b"abc")
    growing.finish()
    assert (await wire.reply()).body == b"abc"
    assert (await wire.reply()).body.startswith(b"GET /x")

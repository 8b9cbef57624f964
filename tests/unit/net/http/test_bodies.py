"""Hot routes that decide by a body: whole, in pieces, pipelined, too long, announced with Expect."""

import asyncio

import pytest
from tests.unit.net.conftest import HOST, Yard

from madang.base import limits
from madang.net.http.routes import Answer, Body, Hold, TakeOver

LATE = Answer(503, (), b"late")


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /hot/echo HTTP/1.1", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n" + HOST + body


@pytest.fixture
def heard(yard: Yard) -> list[bytes]:
    bodies: list[bytes] = []

    def then(body: bytes) -> Answer:
        bodies.append(body)
        return Answer(200, (), b"<" + body + b">")

    yard.route.says["/hot/echo"] = lambda _: Body(100, then)
    return bodies


async def test_whole_and_byte_by_byte_on_one_connection(yard: Yard, heard: list[bytes]) -> None:
    wire = await yard.connect()
    wire.send(post(b"whole"))
    assert (await wire.reply()).body == b"<whole>"
    for byte in post(b"dripped"):
        wire.send(bytes((byte,)))
        await asyncio.sleep(0)
    assert (await wire.reply()).body == b"<dripped>"
    wire.send(post(b""))
    assert (await wire.reply()).body == b"<>"
    assert heard == [b"whole", b"dripped", b""]


async def test_a_long_body_in_pieces_is_not_taken_for_a_head(yard: Yard) -> None:
    """Neither the bound of a head's bytes nor its deadline is a body's."""
    yard.route.says["/hot/echo"] = lambda _: Body(100_000, lambda body: Answer(200, (), b"%d" % len(body)))
    wire = await yard.connect()
    whole = post(bytes(90_000))
    for begin in range(0, len(whole), 15_000):
        wire.send(whole[begin : begin + 15_000])
        await yard.settle()
    assert (await wire.reply()).body == b"90000"
    wire.send(whole[:60_000])
    await yard.after(limits.HTTP_HEADER_S + 1)
    wire.send(whole[60_000:])
    assert (await wire.reply()).body == b"90000"


async def test_chunked(yard: Yard, heard: list[bytes]) -> None:
    wire = await yard.connect()
    wire.send(
        b"POST /hot/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        + HOST
        + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    assert (await wire.reply()).body == b"<abc>"


async def test_pipelined_behind_a_held_answer(yard: Yard, heard: list[bytes]) -> None:
    hold = Hold(6.0, LATE)
    yard.route.says["/hot/held"] = hold
    wire = await yard.connect()
    whole = post(b"second") + post(b"third")
    wire.send(b"GET /hot/held HTTP/1.1\r\n" + HOST + whole[:-3])
    await yard.settle()
    assert heard == []
    hold.resolve(Answer(200, (), b"first"))
    assert [(await wire.reply()).body for _ in range(2)] == [b"first", b"<second>"]
    wire.send(whole[-3:])
    assert (await wire.reply()).body == b"<third>"


async def test_pipelined_in_one_buffer(yard: Yard, heard: list[bytes]) -> None:
    wire = await yard.connect()
    wire.send(b"".join(post(b"%d" % number) for number in range(5)))
    assert [(await wire.reply()).body for _ in range(5)] == [b"<%d>" % number for number in range(5)]


@pytest.mark.parametrize("announced", [True, False])
async def test_too_long(yard: Yard, heard: list[bytes], announced: bool) -> None:
    wire = await yard.connect()
    if announced:
        wire.send(post(b"x" * 101)[:-101])
    else:
        wire.send(
            b"POST /hot/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"65\r\n" + b"x" * 101
        )
    assert (await wire.reply()).status == 413
    wire.send(b"x" * 200)
    assert await wire.closed()
    assert heard == []


async def test_expect_continue(yard: Yard, heard: list[bytes]) -> None:
    wire = await yard.connect()
    wire.send(post(b"body", b"Expect: 100-continue")[:-4])
    async with asyncio.timeout(30):
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b"body")
    assert (await wire.reply()).body == b"<body>"


async def test_a_body_may_lead_to_a_takeover_or_a_hold(yard: Yard) -> None:
    hold = Hold(6.0, LATE)

    def begin(transport: asyncio.Transport, rest: bytes) -> asyncio.Protocol:
        transport.write(b"mine")
        transport.close()
        return asyncio.Protocol()

    yard.route.says["/hot/echo"] = lambda _: Body(100, lambda body: TakeOver(begin) if body else hold)
    wire = await yard.connect()
    wire.send(post(b""))
    await yard.settle()
    hold.resolve(Answer(200, (), b"held"))
    assert (await wire.reply()).body == b"held"
    wire.send(post(b"take"))
    assert await wire.read() == b"mine"


async def test_our_own_fault_is_a_500(yard: Yard) -> None:
    yard.route.says["/hot/echo"] = lambda _: Body(100, lambda body: Answer(1 // 0))
    wire = await yard.connect()
    wire.send(post(b"x"))
    assert (await wire.reply()).status == 500


async def test_a_client_that_leaves_inside_its_body(yard: Yard, heard: list[bytes]) -> None:
    wire = await yard.connect()
    wire.send(post(b"abc")[:-1])
    await yard.settle()
    wire.close()
    await yard.settle()
    assert heard == []

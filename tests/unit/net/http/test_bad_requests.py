"""Requests that deceive or exhaust: refused with a clear status, and the connection closed (A42)."""

import pytest
from tests.unit.net.conftest import HOST, Yard

from madang.net.http.routes import Answer

POST = b"POST /x HTTP/1.1\r\n"
GET = b"GET /x HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

SMUGGLED = {
    "bare line feeds": b"GET /x HTTP/1.1\nHost: yard\n\n",
    "bare line feed after a header": GET + b"X: y\n" + HOST,
    "bare line feed at the end": GET + b"Host: yard\r\n\n",
    "length twice, the same": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n" + HOST + b"abc",
    "length twice, different": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n" + HOST + b"abcd",
    "length as a list": POST + b"Content-Length: 3, 3\r\n" + HOST + b"abc",
    "length with a sign": POST + b"Content-Length: +3\r\n" + HOST + b"abc",
    "length with an underscore": POST + b"Content-Length: 1_0\r\n" + HOST + b"0123456789",
    "negative length": POST + b"Content-Length: -1\r\n" + HOST,
    "length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n" + HOST,
    "length and chunked": POST + b"Content-Length: 3\r\n" + CHUNKED + HOST + b"0\r\n\r\n",
    "chunked and length": POST + CHUNKED + b"Content-Length: 3\r\n" + HOST + b"0\r\n\r\n",
    "chunked twice": POST + CHUNKED + CHUNKED + HOST + b"0\r\n\r\n",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n" + HOST + b"0\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n" + HOST + b"0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n" + HOST + b"0\r\n\r\n",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n" + HOST + b"0\r\n\r\n",
    "chunked after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n" + HOST + b"0\r\n\r\n",
    "space before the colon": POST + b"Transfer-Encoding : chunked\r\n" + HOST + b"0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /x HTTP/1.0\r\n" + CHUNKED + HOST + b"0\r\n\r\n",
    "folded header": GET + b"X: a\r\n b\r\n" + HOST,
    "NUL in a header": GET + b"X: a\0b\r\n" + HOST,
    "space before the first header": GET + b" X: a\r\n" + HOST,
    "two hosts": GET + b"Host: other\r\n" + HOST,
    "no host": GET + b"\r\n",
    "fragment in the target": b"GET /x#y HTTP/1.1\r\n" + HOST,
    "byte beyond ASCII in the target": b"GET /\xff HTTP/1.1\r\n" + HOST,
    "HTTP/0.9": b"GET /x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET /x HTTP/9.9\r\n" + HOST,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "tunnel": b"CONNECT inner:22 HTTP/1.1\r\n" + HOST,
}
BAD_CHUNKS = {
    "hexadecimal prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "bare line feed": b"3\nabc\r\n0\r\n\r\n",
    "space behind the size": b"3 \r\nabc\r\n0\r\n\r\n",
    "no line end behind the data": b"3\r\nabcd\r\n0\r\n\r\n",
    "size beyond 64 bits": b"fffffffffffffffff\r\nabc",
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_deceiving_request_is_400_and_closed(yard: Yard, name: str) -> None:
    wire = await yard.connect()
    wire.send(SMUGGLED[name] + GET + HOST)
    reply = await wire.reply()
    assert reply.status == 400
    assert reply.headers[b"connection"] == b"close"
    assert await wire.closed()
    assert not yard.server.state.tasks


@pytest.mark.parametrize("name", BAD_CHUNKS)
async def test_bad_chunk_is_400_and_closed(yard: Yard, name: str) -> None:
    wire = await yard.connect()
    wire.send(POST + CHUNKED + HOST + BAD_CHUNKS[name] + GET + HOST)
    assert (await wire.reply()).status == 400
    assert await wire.closed()


async def test_byte_by_byte_is_the_same(yard: Yard) -> None:
    wire = await yard.connect()
    for byte in POST + CHUNKED + HOST + b"3;extension=1\r\nabc\r\n0\r\nX-Trailer: no\r\n\r\n":
        wire.send(bytes((byte,)))
        await yard.settle() if byte == 13 else None
    assert (await wire.reply()).body == b"POST /x 127.0.0.1 http yard abc"
    assert await wire.open()


async def test_trailers_are_no_headers(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200)
    wire = await yard.connect()
    wire.send(b"POST /hot/a HTTP/1.1\r\n" + CHUNKED + HOST + b"0\r\nX-Trailer: 1\r\n\r\n")
    assert (await wire.reply()).status == 200
    assert yard.route.asked[0].header(b"x-trailer") == b""


@pytest.mark.parametrize("step", [1 << 20, 500])
async def test_large_head_is_431(yard: Yard, step: int) -> None:
    wire = await yard.connect()
    data = GET + b"X: " + b"y" * 40_000 + b"\r\n" + HOST
    for start in range(0, len(data), step):
        wire.send(data[start : start + step])
        await yard.settle()
    assert (await wire.reply()).status == 431
    assert await wire.closed()


async def test_large_body_behind_a_split_head_is_fine(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(POST + b"Content-Length: 200000\r\nHost: ya")
    await yard.settle()
    wire.send(b"rd\r\n\r\n" + bytes(200_000))
    assert (await wire.reply()).status == 200


async def test_many_headers_are_431(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(GET + b"a: b\r\n" * 100 + HOST)
    assert (await wire.reply()).status == 431


async def test_hundred_headers_are_fine(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(GET + b"".join(b"a%d: b\r\n" % i for i in range(99)) + HOST)
    assert (await wire.reply()).status == 200


async def test_endless_trailers_are_431(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(POST + CHUNKED + HOST + b"0\r\n")
    for _ in range(4):
        wire.send(b"a: b\r\n" * 60)
        await yard.settle()
    assert (await wire.reply()).status == 431
    assert await wire.closed()


async def test_declared_body_beyond_the_bound_is_413(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(POST + b"Content-Length: 100000000\r\n" + HOST)
    assert (await wire.reply()).status == 413
    assert await wire.closed()


async def test_chunked_body_beyond_the_bound_is_413(yard: Yard) -> None:
    yard.server.body_bytes_max = 100_000
    wire = await yard.connect()
    wire.send(POST + CHUNKED + HOST)
    for _ in range(3):
        wire.send(b"c350\r\n" + bytes(50_000) + b"\r\n")
        await yard.settle()
    assert (await wire.reply()).status == 413
    assert await wire.closed()


async def test_long_pipeline_is_cut(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send((GET + HOST) * 2000)
    statuses = [(await wire.reply()).status for _ in range(66)]
    assert statuses == [200] * 65 + [429]
    assert await wire.closed()


async def test_refusal_waits_for_the_answers_before_it(yard: Yard) -> None:
    wire = await yard.connect()
    wire.send(GET + HOST + GET + HOST + b"nonsense\r\n\r\n")
    assert [(await wire.reply()).status for _ in range(3)] == [200, 200, 400]
    assert await wire.closed()


async def test_nothing_after_connection_close_is_answered(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200)
    wire = await yard.connect()
    wire.send(b"GET /hot/a HTTP/1.1\r\nConnection: close\r\n" + HOST + GET + HOST)
    reply = await wire.reply()
    assert (reply.status, reply.headers[b"connection"]) == (200, b"close")
    assert await wire.closed()
    assert len(yard.route.asked) == 1


async def test_upgrade_that_we_do_not_speak_is_ignored(yard: Yard) -> None:
    wire = await yard.connect()
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    reply = await wire.ask("/x", "POST", upgrade + "Content-Length: 3\r\n", b"abc")
    assert (reply.status, reply.body) == (200, b"POST /x 127.0.0.1 http yard abc")
    assert (await wire.ask("/y")).status == 200


async def test_a_failing_route_is_500_and_says_nothing(yard: Yard) -> None:
    def fail(_: object) -> None:
        raise ValueError("secret")

    yard.route.says["/hot/bug"] = fail
    wire = await yard.connect()
    reply = await wire.ask("/hot/bug")
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert (await wire.ask("/x")).status == 200
    assert yard.ground.counters.route_errors == 1


async def test_expect_continue(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(403)
    wire = await yard.connect()
    wire.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n" + HOST)
    assert (await wire.reply()).status == 100
    wire.send(b"abc")
    assert (await wire.reply()).body.endswith(b"abc")
    wire.send(b"POST /hot/a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n" + HOST)
    reply = await wire.reply()
    assert (reply.status, reply.headers[b"connection"]) == (403, b"close")


async def test_absolute_form_and_odd_targets(yard: Yard) -> None:
    wire = await yard.connect()
    assert (await wire.ask("http://other/x?q")).body == b"GET /x 127.0.0.1 http yard "
    assert (await wire.ask("/%2e%2e/%ea%b0%80")).body == "GET /../가 127.0.0.1 http yard ".encode()
    assert (await wire.ask("*", "OPTIONS")).body == b"OPTIONS * 127.0.0.1 http yard "

"""Hot answers over a real socket: variants, ranges, keep-alive, pipelining."""

import pytest
from tests.unit.net.conftest import HOST, Yard

from madang.net.http.routes import Answer

PLAIN = ((b"content-type", b"text/plain"),)


async def test_hot_answer_is_whole_and_keeps_alive(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200, PLAIN, b"hello", etag=b'"v1"')
    wire = await yard.connect()
    for _ in range(3):
        reply = await wire.ask("/hot/a")
        assert (reply.status, reply.body) == (200, b"hello")
        assert reply.headers[b"content-length"] == b"5"
        assert reply.headers[b"etag"] == b'"v1"'
        assert reply.headers[b"date"] == b"mon, 21 sep 2026 14:13:20 gmt"
    assert await wire.open()


async def test_unknown_goes_to_asgi(yard: Yard) -> None:
    wire = await yard.connect()
    assert (await wire.ask("/hot/none")).body == b"GET /hot/none 127.0.0.1 http yard "
    reply = await wire.ask("/x?y", "POST", "Content-Length: 3\r\n", b"abc")
    assert reply.body == b"POST /x 127.0.0.1 http yard abc"


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-0", 206, b"0", b"bytes 0-0/10"),
        ("bytes=3-", 206, b"3456789", b"bytes 3-9/10"),
        ("bytes=-2", 206, b"89", b"bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", b"bytes 8-9/10"),
        ("bytes=10-", 416, b"", b"bytes */10"),
        ("bytes=-0", 416, b"", b"bytes */10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-0,2-2", 200, b"0123456789", None),
        ("bytes=" + "0-0," * 2000, 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=a-b", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=" + "9" * 40 + "-", 200, b"0123456789", None),
    ],
)
async def test_one_range(
    yard: Yard, asked: str, status: int, body: bytes, content_range: bytes | None
) -> None:
    yard.route.says["/hot/a"] = Answer(200, PLAIN, b"0123456789", etag=b'"v1"', ranges=True)
    wire = await yard.connect()
    reply = await wire.ask("/hot/a", headers=f"Range: {asked}\r\n")
    assert (reply.status, reply.body, reply.headers.get(b"content-range")) == (status, body, content_range)


async def test_pipelined_requests_are_answered_in_order(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200, PLAIN, b"a")
    wire = await yard.connect()
    targets = ["/hot/a", "/x", "/hot/a", "/y", "/hot/a"]
    wire.send(b"".join(b"GET %s HTTP/1.1\r\n" % target.encode() + HOST for target in targets))
    bodies = [(await wire.reply()).body[:6].strip() for _ in targets]
    assert bodies == [b"a", b"GET /x", b"a", b"GET /y", b"a"]

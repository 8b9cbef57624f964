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
    """A21: one range is served; of two thousand, none: the whole comes instead."""
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


PLAYLIST = Answer(200, PLAIN, b"#EXTM3U" * 9, etag=b'"v1"', gzip=b"squeezed")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", b"gzip"),
        ("br, GZIP;q=0.5", b"gzip"),
        ("*", b"gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.000, *", None),
        ("br", None),
        ("", None),
        ("xgzip", None),
    ],
)
async def test_gzip_where_it_is_accepted(yard: Yard, accepted: str, coding: bytes | None) -> None:
    yard.route.says["/hot/a"] = PLAYLIST
    wire = await yard.connect()
    reply = await wire.ask("/hot/a", headers=f"Accept-Encoding: {accepted}\r\n" if accepted else "")
    assert reply.headers.get(b"content-encoding") == coding
    assert reply.headers[b"vary"] == b"accept-encoding"
    assert reply.headers[b"etag"] == (b'"v1-gzip"' if coding else b'"v1"')
    assert reply.body == (PLAYLIST.gzip if coding else PLAYLIST.body)


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"v1"', 304),
        ('W/"v1"', 304),
        ('"v0", "v1"', 304),
        ('"v1-gzip"', 304),
        ("*", 304),
        ('"v2"', 200),
        ("v1", 200),
    ],
)
async def test_not_modified(yard: Yard, tags: str, status: int, gzip: bool) -> None:
    yard.route.says["/hot/a"] = PLAYLIST
    wire = await yard.connect()
    accepted = "Accept-Encoding: gzip\r\n" if gzip else ""
    for method in ("GET", "HEAD"):
        reply = await wire.ask("/hot/a", method, f"If-None-Match: {tags}\r\n{accepted}")
        assert reply.status == status
        assert reply.headers[b"etag"] == (b'"v1-gzip"' if gzip else b'"v1"')
        if status == 304:
            assert b"content-length" not in reply.headers
    assert await wire.open()


async def test_head_is_the_get_without_its_body(yard: Yard) -> None:
    yard.route.says["/hot/a"] = PLAYLIST
    wire = await yard.connect()
    head, get = await wire.ask("/hot/a", "HEAD"), await wire.ask("/hot/a")
    assert head.headers == get.headers
    assert (head.body, get.body) == (b"", PLAYLIST.body)


async def test_if_range(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200, PLAIN, b"0123456789", etag=b'"v1"', ranges=True)
    wire = await yard.connect()
    for tag, status in (
        ('"v1"', 206),
        ('"v0"', 200),
        ('W/"v1"', 200),
        ("Mon, 21 Sep 2026 14:13:20 GMT", 200),
    ):
        reply = await wire.ask("/hot/a", headers=f"Range: bytes=0-1\r\nIf-Range: {tag}\r\n")
        assert reply.status == status
    assert (await wire.ask("/hot/a", "HEAD", "Range: bytes=0-1\r\n")).status == 200


async def test_ranges_only_where_they_are_offered(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(200, PLAIN, b"0123456789")
    yard.route.says["/hot/e"] = Answer(200, PLAIN, b"", ranges=True)
    wire = await yard.connect()
    assert (await wire.ask("/hot/a", headers="Range: bytes=0-1\r\n")).status == 200
    assert (await wire.ask("/hot/e", headers="Range: bytes=0-1\r\n")).status == 416


async def test_http_1_0_is_closed(yard: Yard) -> None:
    yard.route.says["/hot/a"] = PLAYLIST
    wire = await yard.connect()
    wire.send(b"GET /hot/a HTTP/1.0\r\n\r\n")
    reply = await wire.reply()
    assert (reply.body, reply.headers[b"connection"]) == (PLAYLIST.body, b"close")
    assert await wire.closed()
    wire = await yard.connect()
    wire.send(b"GET /hot/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    await wire.reply()
    assert await wire.closed()


async def test_answer_without_a_body(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(204)
    wire = await yard.connect()
    assert b"content-length" not in (await wire.ask("/hot/a", "OPTIONS")).headers
    yard.route.says["/hot/a"] = Answer(404)
    assert (await wire.ask("/hot/a")).headers[b"content-length"] == b"0"
    yard.route.says["/hot/a"] = Answer(599, (), b"odd")
    assert (await wire.ask("/hot/a")).body == b"odd"


async def test_head_is_rendered_once(yard: Yard) -> None:
    yard.route.says["/hot/a"] = answer = Answer(200, PLAIN, b"x" * 100_000, etag=b'"v1"')
    wire = await yard.connect()
    heads = set()
    for _ in range(3):
        assert len((await wire.ask("/hot/a")).body) == 100_000
        heads |= {id(head) for head in answer.head.values()}
    assert len(heads) == 1


async def test_date_follows_the_clock(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(204)
    wire = await yard.connect()
    yard.ground.clock.advance(61)  # type: ignore[attr-defined]
    yard.ground.sweeper.start()
    while b"14:14:21" not in (await wire.ask("/hot/a")).headers[b"date"]:
        await yard.settle()


async def test_body_of_a_hot_request_is_skipped(yard: Yard) -> None:
    yard.route.says["/hot/a"] = Answer(405)
    wire = await yard.connect()
    for _ in range(2):
        assert (await wire.ask("/hot/a", "POST", "Content-Length: 70000\r\n", bytes(70_000))).status == 405

"""Any bytes in any pieces: nothing escapes, and the pieces make no difference."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import FakeClock

from madang.net.ground import Ground
from madang.net.http.protocol import HttpProtocol
from madang.net.http.routes import Answer, Growing, Hold, Request
from madang.net.http.server import HttpServer
from madang.net.listeners import Accepted
from madang.net.settings import NetSettings

PEER = Accepted("192.0.2.1", 4711, ("192.0.2.2", 80), secure=False)


class Transport:
    """Takes what is written; closes as told."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.written += data

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Everything:
    """A route for each way to answer at once."""

    def ask(self, request: Request) -> Any:
        if request.path == "/growing":
            growing = Growing(())
            growing.grow(b"grown")
            growing.finish()
            return growing
        if request.path == "/held":
            hold = Hold(5.0, Answer(503))
            hold.resolve(Answer(200, (), b"held"))
            return hold
        body = f"{request.method} {request.path}".encode()
        return Answer(200, (), body, etag=b'"tag"', gzip=b"gzip", ranges=True)


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("every path has a route")


def converse(pieces: list[bytes]) -> bytes:
    """What one connection answers to these pieces, the loop never turning."""

    async def run() -> bytes:
        server = HttpServer(Ground(NetSettings(), FakeClock()), [("", Everything())], nobody)
        protocol, transport = HttpProtocol(server, PEER), Transport()
        protocol.connection_made(transport)  # type: ignore[arg-type]
        for piece in pieces:
            if not transport.closing:
                protocol.data_received(piece)
        protocol.connection_lost(None)
        assert not server.state.connections
        assert not server.holds
        assert not server.counters.route_errors
        return transport.written

    return asyncio.run(run())


WORDS = st.sampled_from(
    [
        b"GET ", b"POST ", b"HEAD ", b"CONNECT ", b"/growing ", b"/held ", b"/%41?b ", b"/\xff", b"* ",
        b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", b"HTTP/", b"Host: a\r\n", b"Connection: close\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Upgrade: h2c\r\n", b"Content-Length: 3\r\n",
        b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"abc",
        b"3\r\nabc\r\n", b"0\r\n\r\n", b"Range: bytes=0-1\r\n", b'If-None-Match: "tag"\r\n',
        b"Accept-Encoding: gzip\r\n", b"\r\n", b"\n", b"\0", b": ", b"X-Y: z\r\n",
    ]
)  # fmt: skip
REQUEST = st.builds(
    lambda method, path, fields, body: (
        method + b" " + path + b" HTTP/1.1\r\nHost: a\r\n" + b"".join(fields) + b"%s" % body
    ),
    st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS"]),
    st.sampled_from([b"/growing", b"/held", b"/a?b=c", b"/%EA%B0%80"]),
    st.lists(
        st.sampled_from([b"Range: bytes=0-1\r\n", b"Accept-Encoding: gzip\r\n", b"X: y\r\n"]), unique=True
    ),
    st.sampled_from(
        [b"\r\n", b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
    ),
)


@given(st.lists(st.one_of(WORDS, st.binary(max_size=20)), max_size=30))
def test_nothing_escapes(words: list[bytes]) -> None:
    data = b"".join(words)
    for pieces in ([data], words, [data[i : i + 1] for i in range(len(data))]):
        written = converse(pieces)
        assert not written or written.startswith(b"HTTP/1.1 ")
        assert b" 500 " not in written


@given(st.lists(REQUEST, min_size=1, max_size=5), st.lists(st.integers(1, 60), max_size=40))
def test_pieces_make_no_difference(requests: list[bytes], sizes: list[int]) -> None:
    data = b"".join(requests)
    pieces, position = [], 0
    for size in sizes:
        pieces.append(data[position : position + size])
        position += size
    pieces = [piece for piece in [*pieces, data[position:]] if piece]
    whole = converse([data])
    assert converse(pieces) == whole
    assert converse([data[i : i + 1] for i in range(len(data))]) == whole
    assert whole.count(b"HTTP/1.1 ") == len(requests)

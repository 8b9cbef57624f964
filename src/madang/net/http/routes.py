"""Hot routes: what may be answered before ASGI, and in which four ways.

A `Route` is asked synchronously with the parsed request head. It answers with an `Answer` (bytes that are
ready), a `Hold` (the answer comes later: LL-HLS blocking reload, a gate that must look something up), a
`Growing` (a chunked body that is still being made: low-latency DASH), a `TakeOver` (the connection leaves
HTTP: FLV, websocket), a `Body` (tell me the request's body first), or None (not mine: ASGI).
"""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Request(Protocol):
    """The head of a request; made once per request by the protocol, read by routes."""

    method: str
    path: str
    """Decoded once, never normalised; routes match it against names and nothing else."""
    query: bytes
    """Raw, without the question mark."""
    client: str
    """The resolved client address."""
    secure: bool
    host: str
    http_1_0: bool

    def header(self, name: bytes) -> bytes:
        """The value of the first header of this lower-case name, or empty."""
        ...


class Answer:
    """Bytes that are ready. Immutable, made once and sent to many: the head is rendered once.

    The protocol adds what the connection asks (Connection: close), leaves the body out for HEAD, answers
    304 when `etag` matches If-None-Match, 206 or 416 for one byte range when `ranges`, and sends `gzip`
    instead when the client accepts it.
    """

    __slots__ = ("body", "etag", "gzip", "head", "headers", "ranges", "status")

    def __init__(
        self,
        status: int,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        body: bytes = b"",
        *,
        etag: bytes = b"",
        gzip: bytes = b"",
        ranges: bool = False,
    ) -> None:
        self.status = status
        self.headers = headers
        """Without Content-Length, ETag, Content-Encoding, Date, Connection: the protocol writes those."""
        self.body = body
        self.etag = etag
        self.gzip = gzip
        """The body, compressed once; empty when compression does not pay."""
        self.ranges = ranges
        self.head: dict[int, bytes] = {}
        """Heads as the protocol rendered them, by variant; a cache that the protocol owns."""


class Hold:
    """An answer that comes later. The route keeps it and calls `resolve` once; the protocol sets `respond`.

    `gone` is called when the client left or the deadline passed (then the protocol has answered
    `late` itself)."""

    __slots__ = ("answer", "deadline_s", "gone", "late", "respond")

    def __init__(self, deadline_s: float, late: Answer, gone: Callable[["Hold"], None] | None = None) -> None:
        self.answer: Answer | Growing | TakeOver | None = None
        self.deadline_s = deadline_s
        self.late = late
        self.gone = gone
        self.respond: Callable[[Hold], None] | None = None

    def resolve(self, answer: "Answer | Growing | TakeOver") -> None:
        """Answer now; a second call is ignored."""
        if self.answer is None:
            self.answer = answer
            if self.respond is not None:
                self.respond(self)


class Growing:
    """A body that is still being made, sent chunked: `pieces` so far, `done`, and callbacks on growth.

    Shared by all who ask for it; the protocol remembers an index into `pieces` per connection."""

    __slots__ = ("chunks", "done", "headers", "pieces", "waiting")

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self.headers = headers
        self.pieces: list[bytes] = []
        self.chunks: list[bytes] = []
        """The pieces as HTTP/1.1 chunks, framed once for all; a cache that the protocol owns."""
        self.done = False
        self.waiting: set[Callable[[], None]] = set()

    def grow(self, piece: bytes) -> None:
        if not piece:
            return  # an empty chunk would end the body
        self.pieces.append(piece)
        for wake in tuple(self.waiting):
            wake()

    def finish(self) -> None:
        self.done = True
        for wake in tuple(self.waiting):
            wake()


class TakeOver:
    """The connection leaves HTTP: `begin(transport, rest)` sets the new protocol on the transport, and
    `rest` are bytes that came behind the request. The response head is the new owner's to write."""

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[[asyncio.Transport, bytes], asyncio.Protocol]) -> None:
        self.begin = begin


class Body:
    """The request's body is needed to decide: up to `limit_bytes` of it are collected, more is 413; then
    `then(body)` gives the outcome. Made per request."""

    __slots__ = ("data", "limit_bytes", "then")

    def __init__(
        self, limit_bytes: int, then: "Callable[[bytes], Answer | Hold | Growing | TakeOver]"
    ) -> None:
        self.limit_bytes = limit_bytes
        self.then = then
        self.data = bytearray()
        """What has come of it; belongs to the protocol."""


Outcome = Answer | Hold | Growing | TakeOver | Body | None


class Route(Protocol):
    """A hot route, registered under a path prefix by `app/wiring`."""

    def ask(self, request: Request) -> Outcome: ...

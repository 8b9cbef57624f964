"""The ways in: `/connection/*` and `/emulation`, as hot routes.

Who may knock is decided before anything is read: the origin of a browser's page (A18), how many there are,
how often one address comes. Who it is, is said by the first command.
"""

import asyncio
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from typing import Final
from urllib.parse import parse_qs

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_CONNECTS_PER_IP
from madang.net.addresses import TrustedProxies
from madang.net.http.routes import Answer, Body, Hold, Request, TakeOver
from madang.net.websocket import WebSocket, WebSockets, same_origin
from madang.protocols.centrifugo import binary, text
from madang.protocols.centrifugo import messages as m
from madang.realtime import wires
from madang.realtime.commands import answer
from madang.realtime.connecting import Hello
from madang.realtime.engine import Engine
from madang.realtime.gate import Caller
from madang.realtime.limiter import Buckets
from madang.realtime.sending import Link
from madang.realtime.session import Session
from madang.realtime.sockets import PING_FRAME, CrowdSocket, SocketHandler
from madang.realtime.streams import StreamLink
from madang.realtime.wires import Wire

PREFIXES: Final = ("/connection/", "/emulation")
_PROTOBUF: Final = "centrifuge-protobuf"
_JSON: Final = "centrifuge-json"
_EMULATION_S: Final = 5.0
_ORIGIN: Final = re.compile(r"https?://[-a-z0-9.:\[\]]+")
"""One origin as browsers write it: what a `*` may stand for."""
_UNI_CONNECT: Final = msgspec.json.Decoder(m.ConnectRequest)

_NO_STORE: Final = (b"cache-control", b"private, no-cache, no-store, must-revalidate, max-age=0")
_FORBIDDEN: Final = Answer(
    403, (_NO_STORE, (b"content-type", b"text/plain")), b"This origin may not connect."
)
_CROWDED: Final = Answer(503, (_NO_STORE, (b"retry-after", b"2")))
_LATE: Final = Answer(503, (_NO_STORE,))


class Doors:
    """A hot route; `start` draws the way in from the request."""

    def __init__(self, engine: Engine, sockets: WebSockets, proxies: TrustedProxies) -> None:
        self._engine = engine
        self._core = engine.core
        self._sockets = sockets
        self._proxies = proxies
        self._per_ip = Buckets(REALTIME_CONNECTS_PER_IP)
        self._all = Buckets(engine.core.settings.connects_per_s)
        engine.core.is_exempt = proxies.exempt
        self._ways: dict[str, Callable[[Request], Answer | Body | TakeOver]] = {
            "/connection/websocket": self._websocket,
            "/connection/uni_websocket": self._uni_websocket,
            "/connection/http_stream": partial(self._stream, wires.STREAM_TEXT),
            "/connection/sse": partial(self._stream, wires.EVENTS),
            "/connection/uni_http_stream": partial(self._stream, wires.UNI_STREAM),
            "/connection/uni_sse": partial(self._stream, wires.UNI_EVENTS),
            "/emulation": self._emulation,
        }

    def ask(self, request: Request) -> Answer | Body | TakeOver | None:
        """None for a path that is not ours."""
        if request.path == "/connection/init":
            return self._options(request)
        way = self._ways.get(request.path)
        if way is None:
            return None
        if not self.allows(request):
            return _FORBIDDEN
        if request.method == "OPTIONS":
            return self._options(request)
        if request.path != "/emulation" and (refused := self.refuse(request.client)) is not None:
            self._engine.counters.connections_refused += 1
            return refused
        return way(request)

    def allows(self, request: Request) -> bool:
        """Whether a page of this origin may connect: our own, or a listed one (A16, A18)."""
        allowed = self._core.settings.allowed_origins
        if "*" in allowed or same_origin(request, frozenset(allowed)):
            return True
        origin = request.header(b"origin").decode("latin-1")
        return _ORIGIN.fullmatch(origin) is not None and any(
            "*" in each and fnmatchcase(origin, each) for each in allowed
        )

    def refuse(self, client: str) -> Answer | None:
        """Why nobody more may connect now from this address, if so."""
        core, now = self._core, self._core.sweeper.now
        if self._engine.draining:
            return _CROWDED
        if core.settings.connections and len(core.guests) >= core.settings.connections:
            return _CROWDED
        if not self._all.take("", now):
            return _CROWDED
        if not self._proxies.exempt(client) and not self._per_ip.take(client, now):
            return _CROWDED
        return None

    def _cors(self, request: Request) -> tuple[tuple[bytes, bytes], ...]:
        origin = request.header(b"origin")
        if not origin:
            return ()
        return ((b"access-control-allow-origin", origin), (b"vary", b"Origin"))

    def _options(self, request: Request) -> Answer:
        headers = (
            *self._cors(request),
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", b"content-type"),
            (b"access-control-max-age", b"300"),
        )
        return Answer(204, headers if self.allows(request) else ())

    def _headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """What proxies want of the request's head."""
        found = ((name, request.header(name)) for name in self._core.headers)
        return tuple((name.decode(), value.decode("latin-1")) for name, value in found if value)

    # --- websocket -----------------------------------------------------------------------------------

    def _websocket(self, request: Request) -> Answer | TakeOver:
        asked = parse_qs(request.query.decode("latin-1"))
        offered = [
            name.strip() for name in request.header(b"sec-websocket-protocol").decode("latin-1").split(",")
        ]
        chosen = asked.get("format", asked.get("cf_protocol", [""]))[0]
        is_binary = chosen == "protobuf" or _PROTOBUF in offered
        wire = wires.SOCKET_BINARY if is_binary else wires.SOCKET_TEXT
        own_pings = asked.get("cf_ws_frame_ping_pong", [""])[0] == "true"
        if own_pings:
            wire = wires.with_ping(wire, PING_FRAME)
        return self._open(request, wire, None, own_pings)

    def _uni_websocket(self, request: Request) -> Answer | TakeOver:
        asked = parse_qs(request.query.decode("latin-1")).get("cf_connect", [""])[0]
        try:
            first = _uni_connect(asked.encode()) if asked else None
        except PeerError:
            return _bad("cf_connect is no connect request")
        return self._open(request, wires.with_ping(wires.UNI_SOCKET, PING_FRAME), first, own_pings=True)

    def _open(
        self, request: Request, wire: Wire, first: m.ConnectRequest | None, own_pings: bool
    ) -> Answer | TakeOver:
        hello, peer = Hello(self._headers(request)), request.client

        def make(socket: WebSocket) -> SocketHandler:
            assert isinstance(socket, CrowdSocket)
            session = socket.session = self.session(socket, wire, peer, hello)
            session.pings = not own_pings
            handler = UniHandler(session) if wire.bare else SocketHandler(session)
            if first is not None:
                session.begin_with(first)
            return handler

        return self._sockets.accept(
            request,
            make,
            subprotocols=(_PROTOBUF, _JSON),
            limit_bytes=self._core.settings.message_bytes,
        )

    def session(self, link: Link, wire: Wire, peer: str, hello: Hello) -> Session:
        """A connection that has not said yet who it is."""
        caller = Caller(
            client=_uuid(self._core.entropy(16)),
            user="",
            peer=peer,
            transport=wire.transport,
            encoding=wire.encoding,
        )
        return Session(self._core, link, wire, caller, partial(answer, self._core, hello))

    # --- streams -------------------------------------------------------------------------------------

    def _stream(self, wire: Wire, request: Request) -> Answer | Body | TakeOver:
        if wire is wires.STREAM_TEXT and request.header(b"content-type").startswith(
            b"application/octet-stream"
        ):
            wire = wires.STREAM_BINARY
        if request.method == "GET" and wire.transport.endswith("sse"):
            asked = parse_qs(request.query.decode("latin-1")).get("cf_connect", [""])[0]
            return self._begin(request, wire, asked.encode())
        if request.method != "POST":
            return Answer(405, (_NO_STORE, (b"allow", b"GET, POST, OPTIONS")))
        return Body(self._core.settings.message_bytes, lambda body: self._begin(request, wire, body))

    def _begin(self, request: Request, wire: Wire, body: bytes) -> Answer | TakeOver:
        first: m.ConnectRequest | None = None
        if wire.bare:
            try:
                first = _uni_connect(body)
            except PeerError:
                return _bad("the body is no connect request")
        elif not body:
            return _bad("the connect command is missing")
        if request.http_1_0:
            return Answer(505, (_NO_STORE,))
        is_events = wire.transport.endswith("sse")
        kind = b"text/event-stream" if is_events else b"application/octet-stream"
        lines = [
            b"HTTP/1.1 200 OK",
            b"content-type: " + kind,
            b"%s: %s" % _NO_STORE,
            b"x-accel-buffering: no",
            b"transfer-encoding: chunked",
            b"connection: close",
            *(b"%s: %s" % pair for pair in self._cors(request)),
        ]
        head = b"\r\n".join((*lines, b"", b"")) + (wires.EVENTS_HELLO if is_events else b"")
        hello, peer = Hello(self._headers(request), emulated=not wire.bare), request.client

        def begin(transport: asyncio.Transport, rest: bytes) -> asyncio.Protocol:
            link = StreamLink(transport, self._core.sweeper)
            transport.set_protocol(link)
            session = self.session(link, wire, peer, hello)
            link.begin(head, session, self._core.settings.unidirectional_statuses if wire.bare else {})
            if first is not None:
                session.begin_with(first)
            else:
                session.on_message(body)
            return link

        return TakeOver(begin)

    def _emulation(self, request: Request) -> Answer | Body:
        if request.method != "POST":
            return Answer(405, (_NO_STORE, (b"allow", b"POST, OPTIONS")))
        is_binary = request.header(b"content-type").startswith(b"application/octet-stream")
        cors = self._cors(request)
        # Twice the message: in JSON it travels quoted.
        most = self._core.settings.message_bytes * 2
        return Body(most, lambda body: self._emulate(body, is_binary, cors))

    def _emulate(self, body: bytes, is_binary: bool, cors: tuple[tuple[bytes, bytes], ...]) -> Answer | Hold:
        try:
            node, session, data = (binary if is_binary else text).parse_emulation(body)
        except PeerError:
            return _bad("the body is no emulation request", cors)
        if len(data) > self._core.settings.message_bytes:
            return Answer(413, cors)
        done, unknown = Answer(204, (_NO_STORE, *cors)), Answer(404, (_NO_STORE, *cors))
        if node == self._engine.node:
            guest = self._core.sessions.get(session)
            if guest is not None:
                guest.receive(data)
            return done
        if self._core.broker.in_process:
            return unknown
        hold = Hold(_EMULATION_S, _LATE)

        async def forward() -> None:
            hold.resolve(done if await self._engine.emulate(node, session, data) else unknown)

        self._core.run(forward())
        return hold


class UniHandler(SocketHandler):
    """A unidirectional websocket: its first message may be the connect request."""

    __slots__ = ()

    def on_message(self, data: str | bytes) -> None:
        self._session.begin_from(data)


def _uni_connect(body: bytes) -> m.ConnectRequest:
    """A unidirectional client's connect request. Raises PeerError."""
    if text.is_deep(body):
        raise PeerError("3501", "JSON is nested too deeply")
    try:
        return _UNI_CONNECT.decode(body or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError("3501", f"bad connect request: {error}") from None


def _bad(why: str, cors: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(400, (_NO_STORE, (b"content-type", b"text/plain"), *cors), why.encode())


def _uuid(entropy: bytes) -> str:
    """RFC 9562 version 4."""
    number = int.from_bytes(entropy, "big") & ~(0xF << 76 | 3 << 62) | 4 << 76 | 2 << 62
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

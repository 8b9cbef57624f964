"""The gRPC doors: the server API and the unidirectional stream. Loaded only where they are switched on.

Requests and answers travel as bytes; `api_binary` and the crowd's own wire write them.
"""

import asyncio
import hmac
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import grpc

from madang.base.errors import PeerError
from madang.base.limits import (
    REALTIME_API_BYTES,
    REALTIME_API_S,
    REALTIME_WRITE_BYTES,
    TCP_KEEPALIVE,
    TCP_USER_TIMEOUT_S,
)
from madang.net.deadlines import NEVER, NOWHERE, Sweeper
from madang.protocols.centrifugo import binary
from madang.protocols.centrifugo import messages as m
from madang.protocols.centrifugo.codes import SHUTDOWN, Code, reconnects
from madang.realtime import api_binary, wires
from madang.realtime.api_commands import Commands
from madang.realtime.api_methods import Methods
from madang.realtime.api_requests import Asked
from madang.realtime.connecting import Hello
from madang.realtime.doors import Doors
from madang.realtime.engine import Engine
from madang.realtime.session import Session

log = logging.getLogger(__name__)
UNI_SERVICES: Final = (
    "centrifugal.centrifugo.unistream.CentrifugoUniStream",
    "centrifugal.centrifuge.unistream.CentrifugeUniStream",
)
"""The service, and the name that older clients know it by."""
_GRACE_S: Final = 1.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", REALTIME_API_BYTES),
    ("grpc.so_reuseport", 0),
    # Dead peers, as on every other socket.
    ("grpc.keepalive_time_ms", TCP_KEEPALIVE[0] * 1000),
    ("grpc.keepalive_timeout_ms", int(TCP_USER_TIMEOUT_S * 1000)),
)


Pair = tuple[bytes, bytes]
"""A certificate with its intermediates, and its key, in PEM."""


class Shown(NamedTuple):
    """The certificate of a door. `read` is asked with each connection, in a thread of the library, and gives
    another one when there is one."""

    read: Callable[[], Pair | None]
    authorities: bytes = b""
    """PEM: clients must show a certificate of these, where there are any."""

    def credentials(self) -> grpc.ServerCredentials:
        """Raises OSError when there is no certificate to begin with."""
        first = self._read()
        if first is None:
            raise OSError("there is no certificate to show")
        must = bool(self.authorities)
        return grpc.dynamic_ssl_server_credentials(first, self._read, require_client_authentication=must)

    def _read(self) -> "grpc.ServerCertificateConfiguration | None":
        pair = self.read()
        if pair is None:
            return None
        certificate, key = pair
        return grpc.ssl_server_certificate_configuration([(key, certificate)], self.authorities or None)


class GrpcDoors:
    """A server for each place that was opened, until `close`."""

    def __init__(self, engine: Engine, doors: Doors) -> None:
        self._engine = engine
        self._doors = doors
        self._servers: list[Any] = []

    async def open(
        self, place: str, *, with_api: bool, with_stream: bool, shown: "Shown | None" = None
    ) -> None:
        """Listen at `host:port` for the server API, the unidirectional stream, or both, with TLS where a
        certificate is shown. Raises OSError."""
        server = grpc.aio.server(options=_OPTIONS)
        handlers = [_api(self._engine)] if with_api else []
        if with_stream:
            handlers += [_stream(name, self._engine, self._doors) for name in UNI_SERVICES]
        server.add_generic_rpc_handlers(handlers)
        try:
            if shown is None:
                server.add_insecure_port(place)
            else:
                server.add_secure_port(place, shown.credentials())
        except RuntimeError as error:
            raise OSError(str(error)) from None
        await server.start()
        self._servers.append(server)

    async def close(self) -> None:
        while self._servers:
            await self._servers.pop().stop(_GRACE_S)


# --- the server API --------------------------------------------------------------------------------------


class _Api:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._commands = Commands(engine, Methods(engine, api_binary.BinaryForm()))

    async def call(self, method: str, body: bytes, context: Any) -> bytes:
        await self._check(context)
        try:
            asked = api_binary.parse(method, body)
        except PeerError as error:
            return await self._refuse(context, error)
        outcomes = await self._perform([asked], False, context)
        return api_binary.encode(method, outcomes[0])

    async def batch(self, body: bytes, context: Any) -> bytes:
        await self._check(context)
        try:
            commands, parallel = api_binary.parse_batch(body)
        except PeerError as error:
            return await self._refuse(context, error)
        outcomes = await self._perform(commands, parallel, context)
        return api_binary.encode_batch(commands, outcomes)

    async def _perform(self, commands: Sequence[Asked], parallel: bool, context: Any) -> Sequence[object]:
        try:
            async with asyncio.timeout(REALTIME_API_S):
                return await self._commands.perform(commands, parallel)
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the command took too long")
            return ()

    async def _check(self, context: Any) -> None:
        """The key comes as metadata, `authorization: apikey …`; compared in constant time with all."""
        kind, _, key = _metadata(context).get("authorization", "").partition(" ")
        known = [secret.reveal().encode() for secret in self._engine.core.settings.api_keys if secret]
        given = key.strip().encode() if kind.lower() == "apikey" else b""
        if not any([hmac.compare_digest(given, each) for each in known]):
            self._engine.counters.api_unauthorized += 1
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "unauthorized")

    async def _refuse(self, context: Any, error: PeerError) -> bytes:
        self._engine.counters.api_errors += 1
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.reason)
        return b""


def _api(engine: Engine) -> Any:
    api = _Api(engine)
    methods = {
        name: grpc.unary_unary_rpc_method_handler(partial(api.call, method))
        for name, method in api_binary.NAMES.items()
    }
    methods["Batch"] = grpc.unary_unary_rpc_method_handler(api.batch)
    return grpc.method_handlers_generic_handler(api_binary.SERVICE, methods)


def _metadata(context: Any) -> dict[str, str]:
    return {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}


# --- the unidirectional stream ---------------------------------------------------------------------------


class GrpcLink:
    """Implements `sending.Link`: what is written waits here, message by message, for its stream."""

    def __init__(self, sweeper: Sweeper) -> None:
        self.deadline = NEVER
        self.bucket = NOWHERE
        self.session: Session | None = None
        self._sweeper = sweeper
        self._messages: deque[bytes] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._over = False

    @property
    def transport(self) -> "GrpcLink":
        return self

    def write(self, data: bytes) -> None:
        """Frames of the wire: messages behind their lengths."""
        if not data:
            return
        self._messages.extend(binary.split(data))
        self._bytes += len(data)
        self._news.set()
        if self._is_full() and self.session is not None:
            self.session.pause()

    async def messages(self) -> AsyncIterator[Sequence[bytes]]:
        """Until the connection is over: what has come, together."""
        while self._messages or not self._over:
            if not self._messages:
                self._news.clear()
                await self._news.wait()
                continue
            taken, size = tuple(self._messages), self._bytes
            self._messages.clear()  # before they are on their way: meanwhile others come
            yield taken
            self._bytes -= size
            if self.session is not None:
                self.session.resume(self._is_full)

    def _is_full(self) -> bool:
        return self._bytes > REALTIME_WRITE_BYTES

    def acked_bytes(self) -> int | None:
        """The library counts by itself."""
        return None

    def refuse(self, number: int) -> bool:
        return False

    def end(self, code: Code) -> None:
        session, self.session = self.session, None
        if session is not None:
            push = m.DisconnectPush(code.number, code.words, reconnects(code.number))
            self.write(session.wire.push(m.Push(disconnect=push)))
        self._over = True
        self._news.set()

    def leave(self) -> None:
        """The stream is closed, from whichever side."""
        self._sweeper.forget(self)
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def pause_reading(self) -> None:
        """A unidirectional client says nothing after its request."""

    def resume_reading(self) -> None:
        """Nor then."""

    def on_deadline(self) -> None:
        if self.session is not None:
            self.session.on_deadline()


def _stream(service: str, engine: Engine, doors: Doors) -> Any:
    async def consume(body: bytes, context: Any) -> None:
        peer = _address(context.peer())
        if doors.refuse(peer) is not None:
            engine.counters.connections_refused += 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, SHUTDOWN.words)
        try:
            request = binary.parse_connect(body)
        except PeerError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.reason)
        said = _metadata(context)
        headers = ((name.decode(), said.get(name.decode(), "")) for name in engine.core.headers)
        hello = Hello(tuple((name, value) for name, value in headers if value))
        link = GrpcLink(engine.core.sweeper)
        session = link.session = doors.session(link, wires.UNI_GRPC, peer, hello)
        try:
            session.begin_with(request)
            async for messages in link.messages():
                for message in messages:
                    await context.write(message)
        finally:
            link.leave()

    handler = grpc.unary_stream_rpc_method_handler(consume)
    return grpc.method_handlers_generic_handler(service, {"Consume": handler})


def _address(peer: str) -> str:
    """The address in `ipv4:127.0.0.1:5000` or `ipv6:[::1]:5000`, which gRPC writes escaped."""
    host = peer.partition(":")[2].rpartition(":")[0].replace("%5B", "").replace("%5D", "")
    return host.strip("[]")

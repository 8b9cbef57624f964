"""Doors: listening sockets whose accepting we hold in our own hands.

We accept ourselves, since uvloop closes a listener that runs out of descriptors (F22); the options of a
viewer's socket are set once on the listening socket, from which Linux hands them down.
"""

import asyncio
import errno
import logging
import resource
import socket
import ssl
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from madang.base import limits
from madang.net.addresses import TrustedProxies, peer_address
from madang.net.counters import NetCounters

PORT_TAKEN: Final = "another program listens there"
_ACCEPTS_PER_TURN: Final = 64
_PAUSE_S: Final = (0.1, 0.2, 0.5, 1.0)
_OUT_OF_ROOM: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
log = logging.getLogger(__name__)


class Accepted(NamedTuple):
    """Whom a door let in: the peer's address and port, the door's own, and whether TLS is spoken."""

    address: str
    port: int
    local: tuple[str, int]
    secure: bool


ProtocolFactory = Callable[[Accepted], asyncio.Protocol]


@dataclass(frozen=True, slots=True)
class Binding:
    """Where to listen. An empty host, `*` and `::` mean all addresses of both families; port 0, any port."""

    host: str
    port: int
    setting: str
    """How the operator changes it, for the error's sentence: `--http HOST:PORT`."""
    reuse_port: bool = False
    backlog: int = 4096
    reserved: bool = False
    """For operators: there is room for a few more here when the other doors are full (F21)."""


class ListenError(Exception):
    """A door cannot be opened; the text is one sentence for the operator."""

    def __init__(self, binding: Binding, reason: str) -> None:
        host = f"[{binding.host}]" if ":" in binding.host else binding.host or "*"
        super().__init__(
            f"cannot listen on {host}:{binding.port} ({reason}); change it with {binding.setting}"
        )
        self.binding = binding
        self.port = binding.port
        self.setting = binding.setting
        self.reason = reason


class _Seat(weakref.ref[socket.socket]):
    """A connection's place in the count, free again when its socket is: whoever owns it by then."""

    __slots__ = ("address",)
    address: str


class Crowd:
    """Counts the connections of all doors, in all and by address (F21)."""

    def __init__(self, proxies: TrustedProxies, counters: NetCounters, total: int, per_ip: int) -> None:
        self._proxies = proxies
        self.counters = counters
        self.full = False
        """Somebody was refused for want of room, and nobody has left since; health reports it."""
        self._per_ip = per_ip
        self._seats: set[_Seat] = set()
        self._by_address: Counter[str] = Counter()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        reserve = min(limits.FD_RESERVE, soft // 4)
        self._bounds = (total, soft - reserve)
        self._reserved_bounds = (total + limits.CONNECTIONS_RESERVED, soft - reserve // 2)
        """The other half of the descriptors stays for files."""

    def __len__(self) -> int:
        return len(self._seats)

    def of(self, address: str) -> int:
        """Connections of one address."""
        return self._by_address[address]

    def admit(self, sock: socket.socket, address: str, reserved: bool = False) -> bool:
        """Count this connection until its socket is closed; False when there is no room for it, at a
        `reserved` door not even that which others are not given."""
        total, fd_end = self._reserved_bounds if reserved else self._bounds
        if len(self._seats) >= total or sock.fileno() >= fd_end:
            self.counters.refused += 1
            self.full = True
            return False
        if self._by_address[address] >= self._per_ip and not self._proxies.exempt(address):
            self.counters.refused_per_ip += 1
            return False
        seat = _Seat(sock, self._leave)
        seat.address = address
        self._seats.add(seat)
        self._by_address[address] += 1
        return True

    def disperse(self) -> None:
        """Shut every connection down, whoever owns it by now."""
        for seat in tuple(self._seats):
            sock = seat()
            if sock is not None and sock.fileno() >= 0:
                _shut(sock)

    def _leave(self, seat: weakref.ref[socket.socket]) -> None:
        assert isinstance(seat, _Seat)
        self._seats.discard(seat)
        self.full = False
        self._by_address[seat.address] -= 1
        if self._by_address[seat.address] <= 0:
            del self._by_address[seat.address]


class Door:
    """One listening address: accepts, counts, and hands connections to a protocol factory.

    `tls` may be replaced at any time: later connections use the new context.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        factory: ProtocolFactory,
        crowd: Crowd,
        reserved: bool = False,
    ) -> None:
        self.tls: ssl.SSLContext | None = None
        self.crowded = False
        """Whether accepting pauses because descriptors ran out; readiness reports it."""
        self._sockets = sockets
        self._factory = factory
        self._crowd = crowd
        self._reserved = reserved
        self._counters = crowd.counters
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pauses = 0
        self._resume: asyncio.TimerHandle | None = None
        self._locals = {sock: _name(sock) for sock in sockets}

    @property
    def port(self) -> int:
        """The port that was bound, also when 0 was asked for."""
        return next(iter(self._locals.values()))[1]

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        return tuple(self._locals.values())

    def open(self) -> None:
        """Begin, or begin again, to accept."""
        self.crowded = False
        self._resume = None
        for sock in self._sockets:
            self._loop.add_reader(sock.fileno(), self._accept, sock)

    def close(self) -> None:
        """Stop accepting and free the port; connections go on."""
        if self._resume is not None:
            self._resume.cancel()
        self._pause()
        for sock in self._sockets:
            sock.close()
        self._sockets = []

    async def settle(self) -> None:
        """End the handshakes under way."""
        for task in self._opening:
            task.cancel()
        if self._opening:
            await asyncio.wait(self._opening)

    def _pause(self) -> None:
        for sock in self._sockets:
            self._loop.remove_reader(sock.fileno())

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock, name = listening.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in _OUT_OF_ROOM:
                    return self._back_off(error)
                continue  # the peer left before it was accepted
            self._welcome(sock, peer_address(name[0]), name[1], self._locals[listening])
        self._pauses = 0
        return None

    def _back_off(self, error: OSError) -> None:
        self._counters.accept_pauses += 1
        if not self._pauses:
            log.warning("accepting pauses on port %s: %s", self.port, error.strerror)
        delay_s = _PAUSE_S[min(self._pauses, len(_PAUSE_S) - 1)]
        self._pauses += 1
        self._pause()
        self.crowded = True
        self._resume = self._loop.call_later(delay_s, self.open)

    def _welcome(self, sock: socket.socket, address: str, port: int, local: tuple[str, int]) -> None:
        if not self._crowd.admit(sock, address, self._reserved):
            sock.close()
            return
        self._counters.accepted += 1
        sock.setblocking(False)
        peer = Accepted(address, port, local, self.tls is not None)
        task = self._loop.create_task(self._connect(sock, peer))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, sock: socket.socket, peer: Accepted) -> None:
        try:
            if self.tls is None:
                await self._loop.connect_accepted_socket(lambda: self._factory(peer), sock)
            else:
                await self._loop.connect_accepted_socket(
                    lambda: self._factory(peer),
                    sock,
                    ssl=self.tls,
                    ssl_handshake_timeout=limits.TLS_HANDSHAKE_S,
                    ssl_shutdown_timeout=limits.TLS_GOODBYE_S,
                )
        except OSError:  # of which TLS errors and time-outs are kinds
            self._counters.tls_failures += self.tls is not None
            sock.close()


async def open_door(
    binding: Binding, factory: ProtocolFactory, crowd: Crowd, tls: ssl.SSLContext | None = None
) -> Door:
    """Listen and accept at once; raises ListenError."""
    try:
        sockets = await _bind(binding)
    except OSError as error:
        reason = PORT_TAKEN if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise ListenError(binding, reason) from None
    door = Door(sockets, factory, crowd, binding.reserved)
    door.tls = tls
    door.open()
    return door


async def _bind(binding: Binding) -> list[socket.socket]:
    host, port = binding.host, binding.port
    if host in ("", "::", "*") and socket.has_dualstack_ipv6():
        places = [(socket.AF_INET6, ("::", port))]
    else:
        found = await asyncio.get_running_loop().getaddrinfo(
            "0.0.0.0" if host in ("", "*") else host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        places = list(dict.fromkeys((family, (str(name[0]), port)) for family, _, _, _, name in found))
    sockets: list[socket.socket] = []
    try:
        for family, (address, number) in places:
            # Port 0: the second family takes the port that the first was given.
            taken = number or (_name(sockets[0])[1] if sockets else 0)
            sockets.append(_listening(family, (address, taken), binding))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _listening(family: socket.AddressFamily, name: tuple[str, int], binding: Binding) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if binding.reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, name[0] != "::")
        _set_options(sock)
        sock.bind(name)
        sock.listen(binding.backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _set_options(sock: socket.socket) -> None:
    idle_s, interval_s, probes = limits.TCP_KEEPALIVE
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, probes)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.TCP_USER_TIMEOUT_S * 1000))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, limits.TCP_NOTSENT_LOWAT_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.VIEWER_SNDBUF_BYTES)


def _name(sock: socket.socket) -> tuple[str, int]:
    name = sock.getsockname()
    return str(name[0]), int(name[1])


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is already gone

"""The one UDP port of all sessions, and ICE-TCP beside it: who sent a datagram, and what it is (RFC 7983)."""

import asyncio
import errno
import os
import socket
from collections import Counter
from functools import cached_property
from ipaddress import ip_address
from typing import Final

import structlog

from madang.base.errors import Overloaded, PeerError
from madang.base.limits import STUN_PER_IP_PER_S, WEBRTC_DATAGRAM_BYTES
from madang.net.deadlines import Sweeper
from madang.net.ground import Ground
from madang.net.listeners import PORT_TAKEN, Accepted, Binding, Door, ListenError
from madang.net.webrtc.candidates import Address, candidate_lines, local_addresses
from madang.net.webrtc.compiled import load
from madang.net.webrtc.counters import WebRtcCounters
from madang.net.webrtc.dtls import Identity
from madang.net.webrtc.fanout import Pump
from madang.net.webrtc.paths import Path, UdpPath
from madang.net.webrtc.session import Receiver, Remote, Session
from madang.net.webrtc.settings import WebRtcSettings
from madang.net.webrtc.tcp import TcpPath
from madang.protocols.stun import binding
from madang.protocols.stun.message import is_stun

_READS: Final = 128
"""Datagrams that are read in one go."""
_SLOTS: Final = 8
"""Viewers are told the time in so many parts, one per tick of the sweeper: each every other second."""
_LOOK_S: Final = 0.05
_BUFFER_BYTES: Final = 4 * 1024 * 1024
_NO_FAMILY: Final = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))
_SO_RCVBUFFORCE: Final = 33
_SO_SNDBUFFORCE: Final = 32
log = structlog.get_logger(__name__)


class WebRtcPort:
    """Made once by `app/wiring`, inside the running loop; `listen` opens it."""

    def __init__(self, ground: Ground, settings: WebRtcSettings) -> None:
        self.settings = settings
        self.sweeper: Sweeper = ground.sweeper
        self.counters = WebRtcCounters()
        self.candidates: tuple[str, ...] = ()
        """Values of `a=candidate:` lines for peers elsewhere; `Session.candidates` are for that peer."""
        self.pump = Pump(self.counters, settings.segment_offload, load() if settings.compiled else None)
        dice = os.urandom(16)
        numbers = [int.from_bytes(dice[at : at + 4], "big") & ~3 for at in range(0, 16, 8)]
        self.video_ssrcs = (numbers[0], numbers[0] + 1)
        self.audio_ssrcs = (numbers[1] + 2, numbers[1] + 3)
        self.sessions: set[Session] = set()
        self.publishing: set[Session] = set()
        """Those that expect media, while they are connected."""
        self.handshakes: dict[Session, float] = {}
        """Sessions in their DTLS handshake, and when it must be done."""
        self.connections: set[TcpPath] = set()
        self._ground = ground
        self._exempt = ground.proxies.exempt
        self._loop = asyncio.get_running_loop()
        self._ufrags: dict[str, Session] = {}
        self._paths: dict[Path, Session] = {}
        self._names: dict[socket.socket, dict[tuple[object, ...], UdpPath]] = {}
        self._pending: Counter[str] = Counter()
        self._checks: Counter[str] = Counter()
        self._checks_s = 0
        self._slot = 0
        self._door: Door | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._loopback: tuple[str, ...] = ()
        ground.sweeper.each_tick(self.tick)

    @cached_property
    def identity(self) -> Identity:
        """Who we are to all peers; made by the first use, for OpenSSL is not loaded at the start."""
        return Identity()

    @property
    def fingerprint(self) -> str:
        return self.identity.fingerprint

    # --- the doors ---------------------------------------------------------------------------------------

    async def listen(self, udp: Binding | None, tcp: Binding | None = None) -> None:
        """Open the UDP port, and ICE-TCP; either may be missing. Raises ListenError."""
        if udp is not None:
            for sock in _bind(udp):
                self._names[sock] = {}
                self._loop.add_reader(sock, self._read, sock)
        if tcp is not None:
            self._door = await self._ground.listen(tcp, self._accept)
        await self._find_candidates(udp, tcp)

    @property
    def udp_port(self) -> int:
        """The number of the UDP port; 0 while it is closed."""
        return next((sock.getsockname()[1] for sock in self._names), 0)

    @property
    def tcp_port(self) -> int:
        return self._door.port if self._door is not None else 0

    def close(self) -> None:
        """End every session and close the UDP port."""
        for session in tuple(self.sessions):
            session.close("ours")
        for connection in tuple(self.connections):
            connection.close()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self.pump.close()
        for sock in self._names:
            self._loop.remove_reader(sock)
            sock.close()
        self._names.clear()

    async def _find_candidates(self, udp: Binding | None, tcp: Binding | None) -> None:
        addresses = await self._public_addresses()
        door = udp or tcp
        bound = _literal(door.host) if door is not None else None
        if not addresses and bound is not None:
            addresses = [bound]
        ports = (self.udp_port, self.tcp_port)
        plain = addresses or local_addresses()
        self.candidates = candidate_lines(plain, *ports)
        loopback = [ip_address("127.0.0.1"), ip_address("::1")]
        families = {sock.family for sock in self._names}
        reachable = [a for a in loopback if not families or a.version == 4 or socket.AF_INET6 in families]
        if bound is not None:
            reachable = [bound]
        self._loopback = candidate_lines([*reachable, *(a for a in plain if a not in reachable)], *ports)

    async def _public_addresses(self) -> list[Address]:
        """Those of the settings; names are looked up at the start."""
        found: list[Address] = []
        for text in self.settings.addresses:
            literal = _literal(text)
            if literal is not None:
                found.append(literal)
                continue
            try:
                answers = await self._loop.getaddrinfo(text, None, type=socket.SOCK_DGRAM)
            except OSError:
                log.warning("webrtc_address_unknown", address=text)
                continue
            found += [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
        return list(dict.fromkeys(found))

    def candidates_for(self, client: str) -> tuple[str, ...]:
        """For a peer whose HTTP request came from `client`: one on this machine is told of loopback first."""
        literal = _literal(client)
        return self._loopback if literal is not None and literal.is_loopback else self.candidates

    # --- sessions ----------------------------------------------------------------------------------------

    def session(self, remote: Remote, receiver: Receiver, address: str) -> Session:
        """A session for an offer. Raises Overloaded, and PeerError for a fingerprint that is none."""
        exempt = self._exempt(address)
        settings = self.settings
        if len(self.sessions) >= settings.sessions or (
            not exempt
            and (
                self._pending.total() >= settings.pending_total
                or self._pending[address] >= settings.pending_per_ip
            )
        ):
            self.counters.refused += 1
            raise Overloaded(
                f"too many WebRTC sessions wait for {address}",
                "Too many WebRTC sessions are being set up; try again in a moment.",
                retry_after_s=5,
            )
        session = Session(self, remote, receiver, address)
        session.slot = self.counters.sessions % _SLOTS
        if not exempt:
            self._pending[address] += 1
            session.counted = True
        self.counters.sessions += 1
        self.sessions.add(session)
        self.know_ufrag(session)
        session.arm()
        return session

    def admitted(self, session: Session) -> None:
        """It is connected, or gone: no longer pending."""
        self.handshakes.pop(session, None)
        if session.state == "connected":
            self.counters.connected += 1
            if session.publishes:
                self.publishing.add(session)
                if self._looking is None:
                    self._looking = self._loop.call_later(_LOOK_S, self._look)
        if session.counted:
            session.counted = False
            self._pending[session.client] -= 1
            if not self._pending[session.client]:
                del self._pending[session.client]

    def leave(self, session: Session, paths: dict[Path, None]) -> None:
        """The session is over."""
        self.sweeper.forget(session)
        self.sessions.discard(session)
        self.publishing.discard(session)
        self.forget_ufrag(session)
        self.admitted(session)
        for path in tuple(paths):
            self.forget_path(path)
            if isinstance(path, TcpPath):
                path.close()
        paths.clear()

    def know_ufrag(self, session: Session) -> None:
        self._ufrags[session.ufrag] = session

    def forget_ufrag(self, session: Session) -> None:
        self._ufrags.pop(session.ufrag, None)

    def know_path(self, path: Path, session: Session) -> None:
        """The peer was heard there. What another session heard there is over."""
        before = self._paths.get(path)
        self._paths[path] = session
        if isinstance(path, UdpPath):
            self._names[path.socket][path.name] = path
        if before is not None and before is not session:
            before.path_taken(path)

    def forget_path(self, path: Path) -> None:
        self._paths.pop(path, None)
        if isinstance(path, UdpPath):
            self._names.get(path.socket, {}).pop(path.name, None)

    def knows(self, path: Path) -> bool:
        return path in self._paths

    def lost(self, path: Path) -> None:
        """A connection is gone."""
        session = self._paths.get(path)
        if session is not None:
            session.forget_path(path)

    def log_failure(self, session: Session, error: PeerError) -> None:
        log.info("webrtc_failed", session=session.id[:8], peer=session.client, reason=error.reason)

    # --- datagrams ---------------------------------------------------------------------------------------

    def _read(self, sock: socket.socket) -> None:
        names = self._names.get(sock)
        if names is None:
            return
        for _ in range(_READS):
            try:
                data, name = sock.recvfrom(WEBRTC_DATAGRAM_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # what the network says about an earlier datagram
            path = names.get(name)
            self.on_datagram(data, UdpPath(sock, name) if path is None else path)

    def on_datagram(self, data: bytes, path: Path) -> None:
        """Sort by the first byte (RFC 7983), and only media and DTLS of paths that were checked."""
        self.counters.datagrams_in += 1
        first = data[0] if data else 255
        session = self._paths.get(path)
        if 128 <= first < 192 and session is not None and len(data) >= 12:
            session.on_media(data)
        elif first < 4:
            self._on_stun(data, path, session)
        elif 20 <= first < 64 and session is not None:
            session.on_dtls(data)
        else:
            self.counters.datagrams_unknown += 1

    def _on_stun(self, data: bytes, path: Path, known: Session | None) -> None:
        counters = self.counters
        if not is_stun(data) or (known is None and not self._may_check(path)):
            counters.checks_refused += 1
            return
        try:
            check = binding.read_check(data)
        except PeerError:
            counters.datagrams_bad += 1
            return
        if check is None:
            return
        session = self._ufrags.get(check.ufrag)
        if session is not None and session.on_check(data, check, path):
            counters.checks += 1
        else:
            counters.checks_refused += 1

    def _may_check(self, path: Path) -> bool:
        """A48: checks of strangers are counted by address, and the counts forgotten each second."""
        second = int(self.sweeper.now)
        if second != self._checks_s:
            self._checks_s = second
            self._checks.clear()
        address = path.address
        if len(self._checks) > 10_000 and address not in self._checks:
            return False
        self._checks[address] += 1
        return self._checks[address] <= STUN_PER_IP_PER_S or self._exempt(address)

    def _accept(self, peer: Accepted) -> TcpPath:
        return TcpPath(self, peer)

    # --- time --------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Four times a second: handshakes repeat themselves, an eighth of the sessions tell the time."""
        for session, until in tuple(self.handshakes.items()):
            if self.sweeper.now > until:
                session.on_deadline()
            else:
                session.wait_dtls()
        self._slot = (self._slot + 1) % _SLOTS
        for session in tuple(self.sessions):
            if session.slot == self._slot and session.state == "connected":
                session.report()

    def _look(self) -> None:
        """Publishers hear about what is missing."""
        self._looking = None
        for session in tuple(self.publishing):
            session.look()
        if self.publishing:
            self._looking = self._loop.call_later(_LOOK_S, self._look)


def _literal(text: str) -> Address | None:
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return None if address.is_unspecified else address


def _bind(binding: Binding) -> list[socket.socket]:
    """A socket for each family, so that addresses are what they look like."""
    literal = _literal(binding.host)
    if literal is not None:
        places = [(socket.AF_INET if literal.version == 4 else socket.AF_INET6, str(literal))]
    elif binding.host in ("", "*", "::", "[::]") and socket.has_ipv6:
        places = [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
    elif binding.host in ("", "*", "0.0.0.0"):
        places = [(socket.AF_INET, "0.0.0.0")]
    else:
        places = [(socket.AF_INET, socket.gethostbyname(binding.host))]
    sockets: list[socket.socket] = []
    port = binding.port
    for family, host in places:
        try:
            sock = _open(family, host, port, binding.reuse_port)
        except OSError as error:
            if family == socket.AF_INET6 and sockets and error.errno in _NO_FAMILY:
                continue  # a machine without IPv6
            for opened in sockets:
                opened.close()
            reason = PORT_TAKEN if error.errno == errno.EADDRINUSE else str(error.strerror)
            raise ListenError(binding, reason) from None
        port = port or sock.getsockname()[1]
        sockets.append(sock)
    return sockets


def _open(family: socket.AddressFamily, host: str, port: int, reuse_port: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for option, forced in ((socket.SO_RCVBUF, _SO_RCVBUFFORCE), (socket.SO_SNDBUF, _SO_SNDBUFFORCE)):
            try:
                sock.setsockopt(socket.SOL_SOCKET, forced, _BUFFER_BYTES)
            except OSError:  # only for root
                sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock

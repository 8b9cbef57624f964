"""A WebRTC peer of raw UDP: connectivity checks, DTLS client, SRTP, nothing more than it is told to do."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

from madang.net.webrtc.dtls import DtlsLink, DtlsState, Fingerprint, Identity
from madang.net.webrtc.session import Receiver, Remote, Session
from madang.protocols.rtp import packet as rtp
from madang.protocols.rtp import rtcp
from madang.protocols.rtp.packet import RtpPacket
from madang.protocols.srtp.cm import CmOpener, CmSealer
from madang.protocols.srtp.gcm import GcmOpener, GcmSealer
from madang.protocols.srtp.profile import Profile
from madang.protocols.stun import message

PATIENCE_S = 15.0


class Told:
    """A receiver that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.packets: list[tuple[Any, RtpPacket, int]] = []
        self.wanted = 0

    def connected(self) -> None:
        self.said.append("connected")

    def closed(self, reason: str) -> None:
        self.said.append(reason)

    def packet(self, source: Any, packet: RtpPacket, lost: int) -> None:
        self.packets.append((source, packet, lost))

    def keyframe_wanted(self, sender: Any) -> None:
        self.wanted += 1


class Peer(asyncio.DatagramProtocol):
    """One peer connection on a socket of its own. `lose` decides about each datagram that comes."""

    def __init__(self, identity: Identity | None = None) -> None:
        self.identity = identity or Identity()
        self.ufrag, self.password = os.urandom(4).hex(), os.urandom(16).hex()
        self.packets: list[RtpPacket] = []
        self.reports: list[rtcp.Item] = []
        self.stun: list[message.Message] = []
        self.raw: list[bytes] = []
        self.lose: Callable[[bytes], bool] = lambda data: False
        self.link: DtlsLink | None = None
        self.sealer: GcmSealer | CmSealer | None = None
        self.opener: GcmOpener | CmOpener | None = None
        self.transport: asyncio.DatagramTransport | None = None
        self.session: Session | None = None
        self.changed = asyncio.Event()
        self.number = 100

    # --- life --------------------------------------------------------------------------------------------

    def offer(self, passive: bool = False) -> Remote:
        return Remote(self.ufrag, self.password, self.identity.fingerprint, passive)

    async def open(self, session: Session, to: int, host: str = "127.0.0.1") -> None:
        """A socket towards the port, nothing said yet."""
        self.session = session
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=(host, to))

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def connect(self, session: Session, to: int, receiver: Receiver | None = None) -> None:
        """All the way to media."""
        await self.open(session, to)
        self.check(nominate=True)
        await self.until(lambda: bool(self.stun))
        self.begin_dtls(session.port.fingerprint)
        await self.until(lambda: self.sealer is not None)

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    # --- out ---------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.sendto(data)

    def check(self, nominate: bool = True, **changes: Any) -> None:
        assert self.session is not None
        ufrag = changes.get("ufrag", self.session.ufrag)
        attributes = [
            (message.USERNAME, f"{ufrag}:{self.ufrag}".encode()),
            (message.PRIORITY, bytes.fromhex("6e7f1eff")),
            changes.get("role", (message.ICE_CONTROLLING, os.urandom(8))),
        ]
        if nominate:
            attributes.append((message.USE_CANDIDATE, b""))
        password = changes.get("password", self.session.password).encode()
        self.send(message.build(message.REQUEST, os.urandom(12), attributes, password))

    def begin_dtls(self, fingerprint: str, client: bool = True) -> None:
        self.link = DtlsLink(self.identity, Fingerprint(fingerprint), client=client)
        self.flush()

    def flush(self) -> None:
        assert self.link is not None
        for datagram in self.link.take_output():
            self.send(datagram)

    def rtp(self, packet: RtpPacket, index: int | None = None) -> None:
        assert self.sealer is not None
        at = packet.sequence if index is None else index
        self.send(self.sealer.rtp(rtp.build_header(packet), packet.payload, at))

    def rtcp(self, packet: bytes) -> None:
        assert self.sealer is not None
        self.send(self.sealer.rtcp(packet))

    # --- in ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.lose(data):
            self._take(data)
        self.changed.set()

    def _take(self, data: bytes) -> None:
        if message.is_stun(data):
            self.stun.append(message.parse(data))
        elif 20 <= data[0] < 64:
            if self.link is None:
                return
            self.link.feed(data)
            self.flush()
            if self.link.state is DtlsState.OPEN and self.link.keys is not None and self.sealer is None:
                ours, theirs = self.link.keys
                gcm = self.link.profile is Profile.GCM
                self.sealer = GcmSealer(ours) if gcm else CmSealer(ours)
                self.opener = GcmOpener(theirs) if gcm else CmOpener(theirs)
        elif self.opener is not None and 192 <= data[1] <= 223:
            self.reports += rtcp.parse(self.opener.rtcp(data))
        elif self.opener is not None:
            self.raw.append(data)
            self.packets.append(rtp.parse(self.opener.rtp(data)))

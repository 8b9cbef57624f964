"""One peer connection: from the first genuine check over DTLS to media, and to its end."""

import os
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from madang.base.errors import PeerError
from madang.base.limits import DTLS_HANDSHAKE_S, WEBRTC_CONNECT_S, WEBRTC_CONSENT_S, WEBRTC_SILENCE_S
from madang.net.deadlines import NEVER, NOWHERE, Sweeper
from madang.net.webrtc.compiled import Handle
from madang.net.webrtc.counters import WebRtcCounters
from madang.net.webrtc.dtls import DtlsLink, DtlsState, Fingerprint, Identity
from madang.net.webrtc.fanout import Pump
from madang.net.webrtc.incoming import CNAME, Incoming
from madang.net.webrtc.log import PacketLog
from madang.net.webrtc.paths import Hot, Path, UdpPath, plain
from madang.net.webrtc.sender import Sender, Sending
from madang.net.webrtc.sources import Expected, Source
from madang.protocols.rtp import packet as rtp
from madang.protocols.rtp import rtcp
from madang.protocols.rtp.packet import RtpPacket
from madang.protocols.srtp.cm import CmOpener, CmSealer
from madang.protocols.srtp.gcm import GcmOpener, GcmSealer
from madang.protocols.srtp.profile import Profile
from madang.protocols.stun import binding
from madang.protocols.stun.binding import Check, Verdict

_PATHS: Final = 8
"""Addresses of one peer that are remembered."""
REPORT_S: Final = 2.0
"""Every session is told the time so often, and must have said something since."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What an offer says about its transport."""

    ufrag: str
    password: str
    fingerprint: str
    passive: bool = False
    """It waits for our ClientHello (`a=setup:passive`)."""


class Receiver(Protocol):
    """What becomes of a session: implemented by the rooms above. Called synchronously, must not await."""

    def connected(self) -> None:
        """Media flows from now on."""
        ...

    def closed(self, reason: str) -> None:
        """The end, told once."""
        ...

    def packet(self, source: Source, packet: RtpPacket, lost: int) -> None:
        """The next packet of a source; `lost` before it were given up."""
        ...

    def keyframe_wanted(self, sender: Sender) -> None:
        """A viewer cannot go on without a keyframe."""
        ...


class Home(Protocol):
    """What a session needs of the port."""

    counters: WebRtcCounters
    handshakes: "dict[Session, float]"
    pump: Pump
    sweeper: Sweeper
    audio_ssrcs: tuple[int, int]
    video_ssrcs: tuple[int, int]

    @property
    def fingerprint(self) -> str: ...

    @property
    def identity(self) -> Identity: ...

    def admitted(self, session: "Session") -> None: ...

    def candidates_for(self, client: str) -> tuple[str, ...]: ...

    def forget_path(self, path: Path) -> None: ...

    def forget_ufrag(self, session: "Session") -> None: ...

    def know_path(self, path: Path, session: "Session") -> None: ...

    def know_ufrag(self, session: "Session") -> None: ...

    def leave(self, session: "Session", paths: dict[Path, None]) -> None: ...

    def log_failure(self, session: "Session", error: PeerError) -> None: ...


class Session:
    """Made by `WebRtcPort.session`."""

    # `deadline` and `bucket` belong to the sweeper.
    __slots__ = (
        "_dtls",
        "_early",
        "_fingerprint",
        "_incoming",
        "_opener",
        "_passive",
        "_paths",
        "_peer_ufrag",
        "_quiet",
        "_receiver",
        "_sealer",
        "_ssrc",
        "bucket",
        "client",
        "counted",
        "deadline",
        "handle",
        "hot",
        "id",
        "password",
        "path",
        "port",
        "reason",
        "senders",
        "slot",
        "state",
        "ufrag",
    )

    def __init__(self, port: Home, remote: Remote, receiver: Receiver, client: str) -> None:
        self.port = port
        self.client = client
        """The HTTP client's address."""
        self.slot = 0
        """When it is told the time."""
        self.counted = False
        """As one that is pending."""
        self.id = secrets.token_urlsafe(18)
        self.ufrag, self.password = words()
        self.state = "new"
        self.reason = ""
        self.path: Path | None = None
        """Where the peer wants to be sent to."""
        self.senders: list[Sender] = []
        self.hot: Hot | None = None
        """For the fan-out: encrypt, salt, sendmsg, sendto, address; None where it must go slowly."""
        self.handle: Handle | None = None
        """The same for the compiled loop."""
        self.deadline, self.bucket = NEVER, NOWHERE
        self._fingerprint = Fingerprint(remote.fingerprint)
        self._passive = remote.passive
        self._peer_ufrag = remote.ufrag
        self._receiver = receiver
        self._paths: dict[Path, None] = {}
        self._dtls: DtlsLink | None = None
        self._early: list[bytes] = []
        self._sealer: GcmSealer | CmSealer | None = None
        self._opener: GcmOpener | CmOpener | None = None
        self._incoming: Incoming | None = None
        self._ssrc = int.from_bytes(os.urandom(4), "big")
        """Ours as one that only receives."""
        self._quiet = 0
        """Reports since the peer was heard last."""

    # --- for the rooms above -----------------------------------------------------------------------------

    def send(self, log: PacketLog, options: Sending) -> Sender:
        """A track to this peer; it starts when the session is connected."""
        ssrcs = self.port.video_ssrcs if log.keyframes else self.port.audio_ssrcs
        sender = Sender(self, log, options, ssrcs)
        self.senders.append(sender)
        if self.state == "connected":
            self.port.pump.fanout_of(log).add(sender)
        return sender

    def expect(self, incoming: Expected) -> None:
        """What this peer may send."""
        self._incoming = Incoming(incoming, self, self._ssrc)

    def restart(self, ufrag: str, password: str) -> tuple[str, str]:
        """ICE restart (RFC 8445 section 9): media goes on by the old path until a new one is checked."""
        self._peer_ufrag = ufrag
        self.port.forget_ufrag(self)
        self.ufrag, self.password = words()
        self.port.know_ufrag(self)
        return self.ufrag, self.password

    @property
    def candidates(self) -> tuple[str, ...]:
        """Values of `a=candidate:` lines for this peer."""
        return self.port.candidates_for(self.client)

    @property
    def counters(self) -> WebRtcCounters:
        return self.port.counters

    @property
    def publishes(self) -> bool:
        return self._incoming is not None

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the peer sends."""
        return tuple(self._incoming.sources.values()) if self._incoming is not None else ()

    def close(self, reason: str = "ours") -> None:
        """Say goodbye and be gone."""
        if self.state == "closed":
            return
        for sender in self.senders:
            sender.stop()
        if self.state == "connected" and reason != "silent":
            self._send_rtcp(
                rtcp.build_rr(self._ssrc) + rtcp.build_bye([s.ssrc for s in self.senders] or [self._ssrc])
            )
        if self._dtls is not None:
            self._dtls.close()
            self._flush()
        self.state, self.reason = "closed", reason
        self.port.leave(self, self._paths)
        self._dtls = None
        self._receiver.closed(reason)

    # --- ICE ---------------------------------------------------------------------------------------------

    def on_check(self, data: bytes, check: Check, path: Path) -> bool:
        """Answer a connectivity check; whether it was genuine."""
        password = self.password.encode()
        verdict = binding.judge(data, check, password)
        if verdict is not Verdict.GOOD:
            answer = binding.build_error(check, verdict, password)
            if len(answer) <= len(data):
                path.send(answer)
            return False
        path.send(binding.build_success(check, plain(path), path.port, password))
        self._consented(path)
        if self.path is None or (check.nominates and path != self.path):
            self._select(path)
        return True

    def _consented(self, path: Path) -> None:
        """The peer wants to hear from us there (RFC 7675)."""
        self._quiet = 0
        if self.state == "connected":
            self.deadline = self.port.sweeper.now + WEBRTC_CONSENT_S
        elif self.state == "new":
            self.state = "checking"
        if path not in self._paths:
            self._paths[path] = None
            self.port.know_path(path, self)
            if len(self._paths) > _PATHS:
                eldest = next(known for known in self._paths if known != self.path)
                self.forget_path(eldest)

    def forget_path(self, path: Path) -> None:
        """The peer is no longer there."""
        if self._paths.pop(path, path) is None:
            self.port.forget_path(path)
        if path == self.path and self.state != "closed":
            self.path = next(reversed(self._paths), None)
            self._rewire()

    def path_taken(self, path: Path) -> None:
        """Another session's peer is there now."""
        del self._paths[path]
        if path == self.path:
            self.path = next(reversed(self._paths), None)
            self._rewire()

    def _select(self, path: Path) -> None:
        if self.path is not None:
            self.port.counters.moved += 1
        self.path = path
        self._rewire()
        if self._dtls is None and self._passive:
            self._begin_dtls()

    def _rewire(self) -> None:
        """The way to the peer has changed."""
        sealer, path, seal = self._sealer, self.path, self.port.pump.seal
        former = self.handle  # groups know it until the senders are regrouped
        if isinstance(sealer, GcmSealer) and isinstance(path, UdpPath):
            sock = path.socket
            encrypt = sealer.cipher.encrypt_into
            self.hot = (encrypt, sealer.rtp_salt, sock.sendmsg, sock.sendto, path.name)
            if seal is not None:
                self.handle = seal.viewer(sealer.rtp_key, sealer.rtp_salt, sock, path.name)
                if self.handle is None:
                    self.hot = None
        else:
            self.hot = None
        for sender in self.senders:
            if sender.fanout is not None:
                sender.fanout.regroup(sender)
        del former

    @property
    def fast(self) -> bool:
        """Whether the fan-out seals and sends by itself: GCM over UDP."""
        return self.hot is not None

    @property
    def socket(self) -> socket.socket | None:
        """Through which the peer is reached by UDP."""
        return self.path.socket if isinstance(self.path, UdpPath) else None

    # --- DTLS --------------------------------------------------------------------------------------------

    def on_dtls(self, data: bytes) -> None:
        """A DTLS datagram from a path that was checked."""
        if self._dtls is None:
            if self.state == "closed" or self._passive:
                return
            self._begin_dtls()
        dtls = self._dtls
        if dtls is None:
            return
        was = dtls.state
        try:
            dtls.feed(data)
        except PeerError as error:
            self._flush()
            self._fail(error)
            return
        self._flush()
        if was is DtlsState.HANDSHAKE and dtls.state is not DtlsState.HANDSHAKE:
            self._open()
        if dtls.state is DtlsState.CLOSED:
            self.close("bye")

    def _begin_dtls(self) -> None:
        self._dtls = DtlsLink(self.port.identity, self._fingerprint, client=self._passive)
        self.port.handshakes[self] = self.port.sweeper.now + DTLS_HANDSHAKE_S
        self._flush()

    def wait_dtls(self) -> None:
        """Time has passed in the handshake."""
        if self._dtls is not None:
            try:
                self._dtls.wait()
            except PeerError as error:
                self._fail(error)
                return
            self._flush()

    def _flush(self) -> None:
        if self._dtls is not None and self.path is not None:
            for datagram in self._dtls.take_output():
                self.path.send(datagram)

    def _open(self) -> None:
        assert self._dtls is not None and self._dtls.keys is not None
        ours, theirs = self._dtls.keys
        if self._dtls.profile is Profile.GCM:
            self._sealer, self._opener = GcmSealer(ours), GcmOpener(theirs)
        else:
            self._sealer, self._opener = CmSealer(ours), CmOpener(theirs)
        self.state = "connected"
        self._rewire()
        self.port.admitted(self)
        self.port.sweeper.expire(self, WEBRTC_CONSENT_S)
        early, self._early = self._early, []
        for sender in self.senders:
            if not sender.stopped:
                self.port.pump.fanout_of(sender.log).add(sender)
        self._receiver.connected()
        for data in early:
            self.on_media(data)

    def _fail(self, error: PeerError) -> None:
        self.port.counters.closed_failed += 1
        self.port.log_failure(self, error)
        self.close(error.code)

    def on_deadline(self) -> None:
        """The peer did not come, or gave no more consent."""
        if self.state == "connected":
            self.port.counters.closed_silent += 1
            self.close("silent")
        else:
            self.port.counters.closed_timeout += 1
            self.close("timeout")

    def arm(self) -> None:
        self.port.sweeper.expire(self, WEBRTC_CONNECT_S)

    # --- media -------------------------------------------------------------------------------------------

    def seal(self, header: bytes, payload: bytes, index: int) -> bytes:
        """One RTP packet for this peer."""
        assert self._sealer is not None
        return self._sealer.rtp(header, payload, index)

    def transmit(self, packets: Sequence[bytes]) -> bool:
        """Send sealed packets; False when there is no room."""
        path = self.path
        if path is None:
            return False
        counters = self.port.counters
        counters.packets_out += len(packets)
        counters.bytes_out += sum(map(len, packets))
        counters.sends += 1
        return path.send_all(packets, self.port.pump.segments)

    def on_media(self, data: bytes) -> None:
        """An RTP or RTCP datagram from a path that was checked."""
        opener = self._opener
        if opener is None:
            if len(self._early) < 32 and self.state != "closed":
                self._early.append(data)  # media that overtook the last flight of the handshake
            return
        try:
            if 192 <= data[1] <= 223:
                self._on_rtcp(rtcp.parse(opener.rtcp(data)))
                self._quiet = 0
            elif self._incoming is not None:
                if self._incoming.push(rtp.parse(opener.rtp(data)), time.monotonic()):
                    self.port.counters.packets_in += 1
                self._quiet = 0
        except PeerError:
            self.port.counters.datagrams_bad += 1

    def _on_rtcp(self, items: list[rtcp.Item]) -> None:
        now = time.monotonic()
        for item in items:
            if isinstance(item, rtcp.SenderReport):
                source = self._incoming.sources.get(item.ssrc) if self._incoming is not None else None
                if source is not None:
                    source.on_report(item, now)
            elif isinstance(item, rtcp.Report | rtcp.Nack | rtcp.KeyframeRequest):
                for sender in self.senders:
                    if sender.ssrc == item.ssrc and not sender.stopped:
                        self._on_feedback(sender, item, now)

    def _on_feedback(
        self, sender: Sender, item: rtcp.Report | rtcp.Nack | rtcp.KeyframeRequest, now: float
    ) -> None:
        if isinstance(item, rtcp.Report):
            sender.on_report(item, now)
        elif isinstance(item, rtcp.Nack):
            if sender.options.nack:
                sender.on_nack(item.sequences, now)
        elif sender.wants_keyframe(now):
            self.port.counters.keyframes_wanted += 1
            self._receiver.keyframe_wanted(sender)

    # --- reports -----------------------------------------------------------------------------------------

    def report(self) -> None:
        """Tell the viewer which time is which (SR), each REPORT_S; or that it was silent for too long."""
        self._quiet += 1
        if self._quiet * REPORT_S > WEBRTC_SILENCE_S:
            self.port.counters.closed_silent += 1
            self.close("silent")
            return
        now = time.monotonic()
        reports = [report for sender in self.senders if (report := sender.report(now)) is not None]
        if reports:
            said = b"".join(map(rtcp.build_sr, reports))
            self._send_rtcp(said + rtcp.build_sdes([report.ssrc for report in reports], CNAME))

    def look(self) -> None:
        """Tell the publisher what is missing and how it arrives; called every 50 ms."""
        if self._incoming is not None and self.state == "connected":
            said = self._incoming.look(time.monotonic())
            if said:
                self._send_rtcp(said)

    def deliver(self, source: Source, packet: RtpPacket, lost: int) -> None:
        """A source's next packet."""
        self.port.counters.packets_lost += lost
        if self.state == "connected":
            self._receiver.packet(source, packet, lost)

    def recover(self) -> None:
        self.port.counters.packets_recovered += 1

    def request_keyframe(self, source: Source) -> None:
        """PLI or FIR, not too often."""
        if self._incoming is None or self.state != "connected":
            return
        said = self._incoming.keyframe_request(source, time.monotonic())
        if said:
            self.port.counters.keyframes_asked += 1
            self._send_rtcp(said)

    def _send_rtcp(self, packet: bytes) -> None:
        if self._sealer is not None and self.path is not None:
            self.path.send(self._sealer.rtcp(packet))


def words() -> tuple[str, str]:
    """A ufrag and a password (RFC 8839 section 5.4: at least 24 and 128 bits)."""
    return secrets.token_hex(4), secrets.token_hex(16)

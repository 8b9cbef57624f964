"""A crowd of WebRTC viewers: python -m bench.webrtc_viewers whep|floor PORT NAME COUNT RAMP_S SECONDS.

Raw UDP: each viewer is a socket that does its connectivity check and its DTLS handshake, gives consent and
sends receiver reports. One in SAMPLE is read, decrypted and checked for gaps; the kernel drops what comes to
the others, who are sent the same. Prints one JSON line when everyone is connected, and one with the result.
"""

import ctypes
import http.client
import json
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from typing import TypeVar

from bench.clip import FPS
from bench.floor_webrtc import JOIN, MASTER
from madang.base.errors import PeerError
from madang.net.webrtc.dtls import DtlsLink, DtlsState, Fingerprint, Identity
from madang.protocols.rtp import rtcp
from madang.protocols.srtp.gcm import GcmOpener, GcmSealer
from madang.protocols.srtp.profile import Profile
from madang.protocols.stun import message

SAMPLE = 10
SETTLE_S = 3.0
REPORT_S = 1.0
CONSENT_S = 5.0
_CONNECT_S = 20.0
_STEP_S = 0.02
Due = TypeVar("Due")
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""Classic BPF: return 0, keep nothing."""
_OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic:WMS *
m=video 9 UDP/TLS/RTP/SAVPF 102 103
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=fingerprint:{fingerprint}
a=setup:actpass
a=mid:0
a=recvonly
a=rtcp-mux
a=rtpmap:102 H264/90000
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=fingerprint:{fingerprint}
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
"""


class Track:
    """What a sampled viewer saw of one SSRC."""

    __slots__ = ("frames", "highest", "lowest", "packets", "start")

    def __init__(self, sequence: int) -> None:
        self.lowest = self.highest = sequence
        self.packets = self.frames = 0

    def take(self, sequence: int, marker: bool) -> None:
        self.packets += 1
        self.frames += marker
        distance = (sequence - self.highest) & 0xFFFF
        if distance < 0x8000:
            self.highest += distance

    @property
    def lost(self) -> int:
        return max(self.highest - self.lowest + 1 - self.packets, 0)


class Viewer:
    """One socket, and what is needed to stay connected."""

    def __init__(self, port: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.opener = GcmOpener(MASTER)
        self.sealer: GcmSealer | None = None
        self.words = ("", "")
        self.ssrc = int.from_bytes(os.urandom(4), "big")
        self.ssrcs: tuple[int, ...] = ()
        self.tracks: dict[int, Track] = {}
        self.broken = 0

    def check(self) -> None:
        username, password = self.words
        attributes = (
            (message.USERNAME, username.encode()),
            (message.PRIORITY, bytes.fromhex("6e7f1eff")),
            (message.ICE_CONTROLLING, bytes(8)),
            (message.USE_CANDIDATE, b""),
        )
        self.send(message.build(message.REQUEST, os.urandom(12), attributes, password.encode()))

    def report(self) -> None:
        if self.sealer is not None:
            blocks = [rtcp.Report(ssrc, 0, 0, 0, 0, 0, 0) for ssrc in self.ssrcs]
            self.send(self.sealer.rtcp(rtcp.build_rr(self.ssrc, blocks)))

    def send(self, data: bytes) -> None:
        try:
            self.sock.send(data)
        except OSError:
            pass

    def handshake(self, identity: Identity, fingerprint: str) -> None:
        """Check, then DTLS, waiting for each answer."""
        self.sock.settimeout(1.0)
        end = time.monotonic() + _CONNECT_S
        self.check()
        link: DtlsLink | None = None
        while link is None or link.state is DtlsState.HANDSHAKE:
            if time.monotonic() > end:
                raise TimeoutError("a viewer could not connect")
            try:
                data = self.sock.recv(2048)
            except TimeoutError:
                if link is None:
                    self.check()
                else:
                    link.wait()
                data = b""
            if data[:1] == b"\1" and link is None:
                link = DtlsLink(identity, Fingerprint(fingerprint), client=True)
            elif data and 20 <= data[0] < 64 and link is not None:
                link.feed(data)
            for datagram in link.take_output() if link is not None else ():
                self.send(datagram)
        assert link.keys is not None
        if link.profile is not Profile.GCM:
            raise RuntimeError("the server did not take GCM")
        self.sealer, self.opener = GcmSealer(link.keys[0]), GcmOpener(link.keys[1])

    def close_ears(self) -> None:
        """Let the kernel drop what comes from now on."""
        code = ctypes.create_string_buffer(_DROP_ALL)
        program = struct.pack("HL", 1, ctypes.addressof(code))
        self.sock.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER

    def read(self) -> None:
        for _ in range(256):
            try:
                data = self.sock.recv(2048)
            except OSError:
                return
            if data[0] >> 6 != 2 or 192 <= data[1] <= 223:
                continue
            try:
                plain = self.opener.rtp(data)
            except PeerError:
                self.broken += 1
                continue
            ssrc, sequence = int.from_bytes(plain[8:12], "big"), int.from_bytes(plain[2:4], "big")
            track = self.tracks.get(ssrc)
            if track is None:
                track = self.tracks[ssrc] = Track(sequence)
            track.take(sequence, plain[1] > 127)


class Crowd:
    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self.sampled: dict[int, Viewer] = {}
        self.poll = select.epoll()
        self._reports: deque[tuple[float, Viewer]] = deque()
        self._checks: deque[tuple[float, Viewer]] = deque()
        """Who is to say something next, and when."""

    def add(self, viewer: Viewer) -> None:
        if len(self.viewers) % SAMPLE == 0:
            viewer.sock.setblocking(False)
            viewer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.sampled[viewer.sock.fileno()] = viewer
            self.poll.register(viewer.sock.fileno(), select.EPOLLIN)
        else:
            viewer.close_ears()
        self.viewers.append(viewer)
        if viewer.sealer is not None:
            now = time.monotonic()
            self._reports.append((now + REPORT_S, viewer))
            self._checks.append((now + CONSENT_S, viewer))

    def run_until(self, when: float) -> None:
        """Read, report and give consent until the monotonic time `when`; every viewer in its own phase."""
        while (now := time.monotonic()) < when:
            for fd, _ in self.poll.poll(min(_STEP_S, when - now), 256):
                self.sampled[fd].read()
            for viewer in due(self._reports, now, REPORT_S):
                viewer.report()
            for viewer in due(self._checks, now, CONSENT_S):
                viewer.check()


def due(queue: deque[tuple[float, Due]], now: float, every_s: float) -> list[Due]:
    """Whose time has come; each comes again `every_s` later."""
    found = []
    while queue and queue[0][0] <= now:
        at, viewer = queue.popleft()
        queue.append((at + every_s, viewer))
        found.append(viewer)
    return found


def offer(connection: http.client.HTTPConnection, name: str, viewer: Viewer, identity: Identity) -> str:
    """Post an offer; the server's fingerprint. The viewer learns its words and where to."""
    ufrag, password = os.urandom(4).hex(), os.urandom(16).hex()
    sdp = _OFFER.format(ufrag=ufrag, password=password, fingerprint=identity.fingerprint)
    body = sdp.replace("\n", "\r\n").encode()
    connection.request("POST", f"/live/{name}/whep", body, {"Content-Type": "application/sdp"})
    response = connection.getresponse()
    lines = response.read().decode().splitlines()
    if response.status != 201:
        raise RuntimeError(f"{response.status}: {lines}")

    def word(name: str) -> str:
        return next(line.split(":", 1)[1] for line in lines if line.startswith(f"a={name}:"))

    viewer.words = (f"{word('ice-ufrag')}:{ufrag}", word("ice-pwd"))
    named = [line.split() for line in lines if line.startswith("a=ssrc:") and " cname:" in line]
    viewer.ssrcs = tuple(int(words[0][7:]) for words in named)
    candidates = [line.split() for line in lines if line.startswith("a=candidate:")]
    port = next(int(words[5]) for words in candidates if words[2].lower() == "udp")
    viewer.sock.connect(("127.0.0.1", port))
    return word("fingerprint")


def result(crowd: Crowd, seconds: float) -> dict[str, float]:
    sampled = list(crowd.sampled.values())
    tracks = [track for viewer in sampled for track in viewer.tracks.values()]
    pictures = [
        min((t.frames for t in viewer.tracks.values() if t.packets > t.frames), default=0)
        for viewer in sampled
    ]
    packets, lost = sum(track.packets for track in tracks), sum(track.lost for track in tracks)
    scale = len(crowd.viewers) / max(len(sampled), 1)
    return {
        "viewers": len(crowd.viewers),
        "served": scale * sum(min(count / (FPS * seconds), 1.0) for count in pictures),
        "packets_per_viewer_s": packets / max(len(sampled), 1) / seconds,
        "lost_share": lost / (packets + lost) if packets else 1.0,
        "broken": sum(viewer.broken for viewer in sampled),
        "starved": sum(count < 0.9 * FPS * seconds for count in pictures),
    }


def main(kind: str, port: int, name: str, count: int, ramp_s: float, seconds: float) -> None:
    crowd, identity = Crowd(), Identity()
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for index in range(count):
        viewer = Viewer(port)
        if kind == "whep":
            viewer.handshake(identity, offer(connection, name, viewer, identity))
        else:
            viewer.send(JOIN)
        crowd.add(viewer)
        crowd.run_until(max(begin + ramp_s * (index + 1) / count, time.monotonic() + 0.0005))
    crowd.run_until(time.monotonic() + SETTLE_S)
    for viewer in crowd.viewers:
        viewer.tracks.clear()
    print(json.dumps({"ready": len(crowd.viewers)}), flush=True)
    crowd.run_until(time.monotonic() + seconds)
    print(json.dumps(result(crowd, seconds)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6]))

"""Fuzz targets of the WebRTC wire: STUN, RTP, RTCP, SRTP and DTLS; whatever comes, PeerError or nothing."""

import os
from functools import cache
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.net.webrtc.dtls import DtlsLink, DtlsState, Fingerprint, Identity
from madang.net.webrtc.sources import Arrivals, Expected, Line, Router
from madang.protocols.dtls.alerts import CLOSE_NOTIFY, WARNING, Alert, Alerts
from madang.protocols.rtp import packet, rtcp
from madang.protocols.rtp.packet import RtpPacket
from madang.protocols.srtp.cm import CmOpener
from madang.protocols.srtp.gcm import GcmOpener
from madang.protocols.srtp.profile import Master
from madang.protocols.stun import binding, message

CHECK = message.build(
    message.REQUEST,
    bytes(range(12)),
    ((message.USERNAME, b"us:them"), (message.PRIORITY, bytes(4)), (message.ICE_CONTROLLING, bytes(8))),
    b"password",
)
RTP = packet.build_header(RtpPacket(96, True, 1, 2, 3, b"", {1: b"0", 3: b"\0\1"})) + b"payload"
COMPOUND = (
    rtcp.build_sr(rtcp.SenderReport(1, 2, 3), [rtcp.Report(1, 2, 3, 4, 5, 6, 7)])
    + rtcp.build_sdes([1, 2], "somebody")
    + rtcp.build_nack(1, 2, [3, 4, 40])
    + rtcp.build_fir(1, 2, 3)
    + rtcp.build_remb(1, 1_000_000, [2, 3])
    + rtcp.build_twcc(1, 2, 3, 4, [1, None, 900, 901])
    + rtcp.build_bye([1])
)

SECRET, RANDOMS = bytes(48), (bytes(32), bytes(32))
GOODBYE = Alerts(SECRET, RANDOMS, client=True).seal(Alert(WARNING, CLOSE_NOTIFY))


def mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    def change(edits: list[tuple[int, int, bytes]], cut: int) -> bytes:
        changed = whole
        for at, size, put in edits:
            at %= len(changed) + 1
            changed = changed[:at] + put + changed[at + size :]
        return changed[: len(changed) - cut % (len(changed) + 1)] if cut else changed

    edit = st.tuples(st.integers(0, 300), st.integers(0, 4), st.binary(max_size=4))
    return st.builds(change, st.lists(edit, max_size=5), st.integers(0, 40))


@given(mutated(CHECK) | st.binary(max_size=200))
def test_stun(data: bytes) -> None:
    try:
        check = binding.read_check(data)
    except PeerError:
        return
    if check is not None:
        verdict = binding.judge(data, check, b"password")
        if verdict is binding.Verdict.GOOD:
            assert check.ufrag == "us"
        else:
            message.parse(binding.build_error(check, verdict, b"password"))


@given(mutated(RTP) | st.binary(max_size=200))
def test_rtp(data: bytes) -> None:
    try:
        found = packet.parse(data)
    except PeerError:
        return
    assert len(found.payload) <= len(data) - 12


@given(mutated(COMPOUND) | st.binary(max_size=200))
def test_rtcp(data: bytes) -> None:
    try:
        items = rtcp.parse(data)
    except PeerError:
        return
    assert sum(len(item.sequences) for item in items if isinstance(item, rtcp.Nack)) <= 17 * len(data) // 4


@pytest.mark.parametrize("kind", ["gcm", "cm"])
@given(data=mutated(RTP + bytes(20)) | mutated(COMPOUND + bytes(20)) | st.binary(max_size=300))
def test_srtp(kind: str, data: bytes) -> None:
    master = Master(bytes(16), bytes(12 if kind == "gcm" else 14))
    opener = GcmOpener(master) if kind == "gcm" else CmOpener(master)
    for opened in (opener.rtp, opener.rtcp):
        with pytest.raises(PeerError):
            opened(data)


class Nowhere:
    """An outlet of which only the order is watched."""

    def __init__(self) -> None:
        self.count = 0

    def deliver(self, source: object, packet: RtpPacket, lost: int) -> None:
        assert lost >= 0
        self.count += 1

    def recover(self) -> None:
        """Nobody counts."""

    def request_keyframe(self, source: object) -> None:
        """Nobody hears."""


PACKETS = st.builds(
    RtpPacket,
    payload_type=st.sampled_from((96, 97, 98, 111)),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(1, 4),
    payload=st.binary(max_size=8),
    extensions=st.dictionaries(st.integers(1, 4), st.binary(max_size=4), max_size=3),
)


@given(st.lists(PACKETS, max_size=60))
def test_sources(packets: list[RtpPacket]) -> None:
    lines = (Line("0", {96: 90_000}, rtx={97: 96}, nack=True, pli=True), Line("1", {111: 48_000}))
    outlet, arrivals = Nowhere(), Arrivals()
    router = Router(Expected(lines, mid_id=1, rid_id=2, repaired_rid_id=3, twcc_id=4), outlet)
    for at, each in enumerate(packets):
        router.push(each, at / 100)
        arrivals.took(each.extensions.get(4, b""), at / 100)
        for source in router.sources.values():
            source.look(at / 100)
            if source.is_heard:
                rtcp.build_rr(1, [source.block(at / 100)])
    arrivals.feedback(1, 2)
    assert outlet.count <= len(packets)


@cache
def identity() -> Identity:
    return Identity()


@cache
def flights() -> tuple[bytes, ...]:
    """What a client says in a whole handshake."""
    ours = identity()
    server = DtlsLink(ours, Fingerprint(ours.fingerprint))
    client = DtlsLink(ours, Fingerprint(ours.fingerprint), client=True)
    said: list[bytes] = []
    while client.state is DtlsState.HANDSHAKE:
        for datagram in client.take_output():
            said.append(datagram)
            server.feed(datagram)
        for datagram in server.take_output():
            client.feed(datagram)
    return tuple(said)


@given(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=4))
def test_dtls(flight: int, changes: list[tuple[int, int]]) -> None:
    datagram = bytearray(flights()[flight % len(flights())])
    for at, value in changes:
        datagram[at % len(datagram)] = value
    link = DtlsLink(identity(), Fingerprint(identity().fingerprint))
    for data in (bytes(datagram), os.urandom(30), pack("!BHHIHH", 22, 0xFEFD, 0, 0, 0, 12) + os.urandom(12)):
        try:
            link.feed(data)
        except PeerError:
            return
        link.take_output()
    assert link.state is not DtlsState.OPEN


@given(st.lists(mutated(GOODBYE) | st.binary(max_size=80), max_size=4))
def test_dtls_behind_the_handshake(datagrams: list[bytes]) -> None:
    """Only a goodbye as the peer made it ends the association."""
    link = DtlsLink(identity(), Fingerprint(identity().fingerprint))
    link.state, link._connection = DtlsState.OPEN, None
    link._alerts = Alerts(SECRET, RANDOMS, client=False)
    for data in datagrams:
        link.feed(data)
        link.take_output()
    if not any(GOODBYE[13:] in data for data in datagrams):
        assert link.state is DtlsState.OPEN

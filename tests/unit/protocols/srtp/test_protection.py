"""Protection of RTP and RTCP: RFC 7714's vector, both profiles against libsrtp, forgeries and replays."""

import random
from collections.abc import Callable
from struct import pack

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pylibsrtp import Policy, Session

from madang.base.errors import PeerError
from madang.base.limits import SRTP_SSRCS
from madang.protocols.srtp.cm import CmOpener, CmSealer
from madang.protocols.srtp.gcm import GcmOpener, GcmSealer, header_bytes
from madang.protocols.srtp.profile import Master

DICE = random.Random(11)
GCM = Master(DICE.randbytes(16), DICE.randbytes(12))
CM = Master(DICE.randbytes(16), DICE.randbytes(14))
KINDS = [
    pytest.param(GcmSealer, GcmOpener, GCM, Policy.SRTP_PROFILE_AEAD_AES_128_GCM, id="gcm"),
    pytest.param(CmSealer, CmOpener, CM, Policy.SRTP_PROFILE_AES128_CM_SHA1_80, id="cm"),
]


def libsrtp(master: Master, profile: int, inbound: bool) -> Session:
    kind = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    return Session(Policy(key=master.key + master.salt, ssrc_type=kind, srtp_profile=profile))


def header(sequence: int, ssrc: int = 7, extension: bytes = b"", sources: int = 0) -> bytes:
    first = 0x80 | (0x10 if extension else 0) | sources
    whole = pack("!BBHII", first, 96, sequence & 0xFFFF, 12345, ssrc) + bytes(4 * sources)
    return whole + (pack("!HH", 0xBEDE, len(extension) // 4) + extension if extension else b"")


def report(ssrc: int = 9, words: int = 5) -> bytes:
    return pack("!BBHI", 0x80, 200, words + 1, ssrc) + DICE.randbytes(4 * words)


def test_the_vector_of_rfc_7714() -> None:
    key = bytes(range(16))
    salt = int.from_bytes(bytes.fromhex("517569642070726f2071756f"), "big")
    head = bytes.fromhex("8040f17b8041f8d35501a0b2")
    plain = b"Gallia est omnis divisa in partes tres"
    iv = (salt ^ (0x5501A0B2 << 48 | 0xF17B)).to_bytes(12, "big")
    assert iv.hex() == "51753c6580c2726f20718414"
    assert AESGCM(key).encrypt(iv, plain, head).hex() == (
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"
    )


@pytest.mark.parametrize(("sealer", "opener", "master", "profile"), KINDS)
def test_packets_agree_with_libsrtp(sealer: Callable, opener: Callable, master: Master, profile: int) -> None:
    ours, theirs = sealer(master), libsrtp(master, profile, inbound=True)
    their_sealer, our_opener = libsrtp(master, profile, inbound=False), opener(master)
    for index in range(65_500, 65_600):
        head = header(index, extension=b"\x10\xff\0\0" if index % 3 == 0 else b"", sources=index % 2)
        payload = DICE.randbytes(index % 400)
        assert theirs.unprotect(ours.rtp(head, payload, index)) == head + payload
        assert our_opener.rtp(their_sealer.protect(head + payload)) == head + payload
    for _ in range(5):
        packet = report()
        assert theirs.unprotect_rtcp(ours.rtcp(packet)) == packet
        assert our_opener.rtcp(their_sealer.protect_rtcp(packet)) == packet


@pytest.mark.parametrize(("sealer", "opener", "master", "profile"), KINDS)
def test_replays_and_forgeries_are_refused(
    sealer: Callable, opener: Callable, master: Master, profile: int
) -> None:
    source, sink = sealer(master), opener(master)
    packets = [source.rtp(header(index), b"payload", index) for index in range(10)]
    reports = [source.rtcp(report()) for _ in range(3)]
    for packet in packets:
        sink.rtp(packet)
    for packet in reports:
        sink.rtcp(packet)
    for packet in packets:
        with pytest.raises(PeerError):
            sink.rtp(packet)
    for packet in reports:
        with pytest.raises(PeerError):
            sink.rtcp(packet)
    fresh = source.rtp(header(10), b"payload", 10)
    for at in range(len(fresh)):
        broken = bytearray(fresh)
        broken[at] ^= 1
        with pytest.raises(PeerError):
            sink.rtp(bytes(broken))
    for length in range(len(fresh)):
        with pytest.raises(PeerError):
            sink.rtp(fresh[:length])
        with pytest.raises(PeerError):
            sink.rtcp(fresh[:length])
    assert sink.rtp(fresh) == header(10) + b"payload"


@pytest.mark.parametrize(("sealer", "opener", "master", "profile"), KINDS)
def test_senders_are_bounded(sealer: Callable, opener: Callable, master: Master, profile: int) -> None:
    """A50: a flood of senders."""
    source, sink = sealer(master), opener(master)
    refused = 0
    for ssrc in range(1, 3 * SRTP_SSRCS):
        try:
            sink.rtp(source.rtp(header(5, ssrc=ssrc), b"x", 5))
        except PeerError:
            refused += 1
    assert refused >= SRTP_SSRCS - 1
    assert sink.rtp(source.rtp(header(6, ssrc=1), b"x", 6)) == header(6, ssrc=1) + b"x"


def test_a_forged_sender_takes_no_place() -> None:
    source, sink = GcmSealer(GCM), GcmOpener(GCM)
    for ssrc in range(100, 200):
        with pytest.raises(PeerError):
            sink.rtp(header(5, ssrc=ssrc) + bytes(40))
    assert sink.rtp(source.rtp(header(1), b"x", 1)) == header(1) + b"x"


def test_unencrypted_rtcp_is_refused() -> None:
    with pytest.raises(PeerError):
        GcmOpener(GCM).rtcp(report() + bytes(16) + bytes(4))


@pytest.mark.parametrize(
    "data", [b"", bytes(12), b"\x8f" + bytes(40), b"\x90" + bytes(13), b"\x90" + b"\xff" * 40]
)
def test_headers_beyond_their_packet(data: bytes) -> None:
    """A50."""
    with pytest.raises(PeerError):
        header_bytes(data)

"""How a peer comes and goes: checks, handshakes, strangers, floods, moves, and what is left of it."""

import asyncio
import gc
import os
import time
from typing import Any

import pytest
from tests.harness.webrtc import Peer, Told

from madang.base import limits
from madang.base.errors import Overloaded, PeerError
from madang.net.webrtc.dtls import DtlsLink, Identity
from madang.net.webrtc.session import Remote, Session
from madang.protocols.rtp import rtcp
from madang.protocols.srtp.cm import CmSealer
from madang.protocols.stun import message

STRANGER = "203.0.113.9"


async def reached(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def waiting(yard: Any) -> tuple[Peer, Any, Told]:
    """A session whose peer has a socket and said nothing yet."""
    peer, told = yard.peer(), Told()
    session = yard.port.session(peer.offer(), told, STRANGER)
    await peer.open(session, yard.port.udp_port)
    return peer, session, told


async def test_a_peer_connects_and_says_goodbye(yard: Any) -> None:
    peer, session, told = await yard.connected()
    assert session.state == "connected"
    assert peer.link is not None
    peer.link.close()
    peer.flush()
    await reached(lambda: told.said == ["connected", "bye"])
    assert not yard.port.sessions
    assert not yard.port.knows(session.path)


async def test_we_say_goodbye(yard: Any) -> None:
    peer, session, told = await yard.connected()
    session.close()
    session.close()
    assert told.said == ["connected", "ours"]
    await peer.until(lambda: peer.link.state == "closed")
    assert any(isinstance(item, rtcp.Bye) for item in peer.reports)


async def test_a_passive_peer_hears_our_hello(yard: Any) -> None:
    peer, told = yard.peer(), Told()
    session = yard.port.session(peer.offer(passive=True), told, STRANGER)
    await peer.open(session, yard.port.udp_port)
    peer.begin_dtls(yard.port.fingerprint, client=False)
    peer.check()
    await reached(lambda: told.said == ["connected"])
    await peer.until(lambda: peer.sealer is not None)


async def test_the_profile_that_everybody_has(yard: Any) -> None:
    peer = yard.peer()
    peer.identity.context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    told = Told()
    session = yard.port.session(peer.offer(), told, STRANGER)
    await peer.connect(session, yard.port.udp_port)
    assert isinstance(peer.sealer, CmSealer)
    await reached(lambda: told.said == ["connected"])
    assert not session.fast


async def test_a_check_is_told_its_own_address(yard: Any) -> None:
    peer, session, _ = await waiting(yard)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    answer = peer.stun[0]
    value = answer.attributes[message.XOR_MAPPED_ADDRESS]
    address, port = message.parse_xor_address(value, answer.transaction)
    assert peer.transport is not None
    assert (str(address), port) == peer.transport.get_extra_info("sockname")
    assert session.state == "checking"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "wrong"}, 401),
        ({"role": (message.ICE_CONTROLLED, bytes(8))}, 487),
        ({"role": (0x7FFF, b"")}, 420),
    ],
)
async def test_other_checks_are_refused(yard: Any, changes: dict[str, Any], code: int) -> None:
    peer, session, _ = await waiting(yard)
    peer.check(**changes)
    await peer.until(lambda: bool(peer.stun))
    error = peer.stun[0].attributes[message.ERROR_CODE]
    assert error[2] * 100 + error[3] == code
    assert session.state == "new"
    assert session.path is None


async def test_strangers_hear_nothing(yard: Any) -> None:
    """A48, A49: neither checks of unknown sessions, nor garbage, nor a handshake before a check."""
    peer, session, _ = await waiting(yard)
    peer.check(ufrag="nobody")
    peer.send(message.build(message.REQUEST, bytes(12), ()))
    for first in range(256):
        peer.send(bytes((first,)) + os.urandom(60))
    peer.begin_dtls(yard.port.fingerprint)
    await reached(lambda: yard.port.counters.datagrams_in >= 259)
    await yard.settle()
    assert peer.stun == []
    assert session.state == "new"
    assert yard.port.handshakes == {}
    assert peer.link.state == "handshake"


async def test_an_answer_to_a_stranger_is_no_longer_than_its_question(yard: Any) -> None:
    """A48: nothing is amplified."""
    peer, session, _ = await waiting(yard)
    told: list[int] = []
    peer.lose = lambda data: told.append(len(data)) is None
    short = message.build(message.REQUEST, bytes(12), ((message.USERNAME, f"{session.ufrag}:x".encode()),))
    peer.send(short)
    peer.check(password="wrong")
    await peer.until(lambda: bool(told))
    await yard.settle()
    assert len(told) == 1
    assert told[0] <= 100


async def test_a_flood_of_checks_is_cut_off(yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A48: by the address."""
    monkeypatch.setattr(yard.port, "_exempt", lambda address: False)
    peer, session, _ = await waiting(yard)
    for _ in range(400):
        peer.check(password="wrong")
    await reached(lambda: yard.port.counters.datagrams_in >= 400)
    await yard.settle()
    assert len(peer.stun) == limits.STUN_PER_IP_PER_S
    await yard.after(1.0)
    peer.check()
    await peer.until(lambda: session.state == "checking")


async def test_another_certificate_is_refused(yard: Any) -> None:
    """A49: before there is any media."""
    peer, told = yard.peer(), Told()
    session = yard.port.session(Remote(peer.ufrag, peer.password, Identity().fingerprint), told, STRANGER)
    await peer.open(session, yard.port.udp_port)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    peer.begin_dtls(yard.port.fingerprint)
    await reached(lambda: told.said == ["fingerprint"])
    assert session.senders == []


@pytest.mark.parametrize("text", ["", "sha-256", "sha-256 AB:CD", "md5 " + "AB:" * 15 + "AB", "sha-256 zz"])
async def test_fingerprints_that_are_none(yard: Any, text: str) -> None:
    with pytest.raises(PeerError):
        yard.port.session(Remote("a", "b", text), Told(), STRANGER)
    assert not yard.port.sessions


async def test_garbage_does_not_end_a_handshake(yard: Any) -> None:
    """A49: fragments that are never completed, by the peer itself; the handshake goes on."""
    peer, session, told = await waiting(yard)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    for _ in range(30):
        peer.send(b"\x16\xfe\xfd" + bytes(8) + b"\x00\x19" + os.urandom(25))
        peer.send(b"\x17\xfe\xfd" + os.urandom(40))
    peer.begin_dtls(yard.port.fingerprint)
    await reached(lambda: told.said == ["connected"])


async def test_a_flood_of_handshake_ends_the_session(yard: Any) -> None:
    """A49."""
    peer, _, told = await waiting(yard)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    for _ in range(80):
        peer.send(b"\x16\xfe\xfd" + bytes(8) + b"\x03\xe8" + os.urandom(1000))
        await asyncio.sleep(0)
    await reached(lambda: told.said == ["dtls"])


async def test_a_spoofer_does_not_disturb(yard: Any) -> None:
    """A49: hellos from an address that was not checked, while the real peer connects, again and again."""
    spoofer = Peer()
    yard.peers.append(spoofer)
    for _ in range(20):
        peer, session, told = await waiting(yard)
        await spoofer.open(session, yard.port.udp_port)
        spoofer.begin_dtls(yard.port.fingerprint)
        peer.check()
        await peer.until(lambda peer=peer: bool(peer.stun))
        spoofer.flush()
        peer.begin_dtls(yard.port.fingerprint)
        await reached(lambda told=told: told.said == ["connected"])
        spoofer.close()
        session.close()


async def test_lost_flights_are_repeated(yard: Any) -> None:
    peer, _, told = await waiting(yard)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    lost: list[bytes] = []
    peer.lose = lambda data: 20 <= data[0] < 64 and len(lost) < 2 and lost.append(data) is None
    peer.begin_dtls(yard.port.fingerprint)
    async with asyncio.timeout(60):
        while told.said != ["connected"]:
            await asyncio.sleep(0.05)
            yard.port.tick()
            assert peer.link is not None
            peer.link.wait()
            peer.flush()
    assert lost


async def test_who_never_comes_is_forgotten(yard: Any) -> None:
    """A55."""
    _, session, told = await waiting(yard)
    await yard.after(limits.WEBRTC_CONNECT_S + 1)
    assert told.said == ["timeout"]
    assert session.state == "closed"
    assert not yard.port.sessions
    assert yard.port.counters.closed_timeout == 1


async def test_a_handshake_that_stalls_is_ended(yard: Any) -> None:
    peer, _, told = await waiting(yard)
    peer.check()
    await peer.until(lambda: bool(peer.stun))
    peer.lose = lambda data: True
    peer.begin_dtls(yard.port.fingerprint)
    await reached(lambda: bool(yard.port.handshakes))
    await yard.after(limits.DTLS_HANDSHAKE_S + 1)
    assert told.said == ["timeout"]
    assert yard.port.handshakes == {}


async def test_without_consent_nothing_is_sent(yard: Any) -> None:
    """A peer that reports, and checks no more: RFC 7675."""
    peer, _, told = await yard.connected()

    async def report_for(seconds: float) -> None:
        for _ in range(int(seconds / 5)):
            peer.rtcp(rtcp.build_rr(1))
            await yard.after(5)

    await report_for(limits.WEBRTC_CONSENT_S - 5)
    peer.check()
    await peer.until(lambda: len(peer.stun) == 2)
    await report_for(limits.WEBRTC_CONSENT_S - 5)
    assert told.said == ["connected"]
    await report_for(10)
    assert told.said == ["connected", "silent"]


async def test_who_says_nothing_at_all_is_gone_sooner(yard: Any) -> None:
    """A closed tab says no goodbye."""
    peer, _, told = await yard.connected()
    await yard.after(limits.WEBRTC_SILENCE_S - 3)
    peer.check()
    await peer.until(lambda: len(peer.stun) == 2)
    await yard.after(limits.WEBRTC_SILENCE_S - 3)
    assert told.said == ["connected"]
    await yard.after(6)
    assert told.said == ["connected", "silent"]
    assert yard.port.counters.closed_silent == 1


async def test_a_peer_moves(yard: Any, video: Any) -> None:
    from madang.net.webrtc.sender import Sending

    peer, session, _ = await yard.connected(prepare=lambda session: session.send(video, Sending(96)))
    video.append([b"a" * 50], 0, True)
    await peer.until(lambda: len(peer.packets) == 1)
    before = session.path
    old = peer.transport
    await peer.open(session, yard.port.udp_port)
    count = len(peer.stun)
    peer.check(nominate=False)
    await peer.until(lambda: len(peer.stun) > count)
    assert session.path == before
    peer.check(nominate=True)
    await reached(lambda: session.path != before)
    video.append([b"b" * 50], 3000, False)
    await peer.until(lambda: len(peer.packets) == 2)
    assert [packet.sequence for packet in peer.packets] == [0, 1]
    assert yard.port.counters.moved == 1
    old.close()


async def test_ice_is_restarted(yard: Any) -> None:
    peer, session, told = await yard.connected()
    was = session.ufrag
    words = session.restart("new", "newer")
    assert words == (session.ufrag, session.password)
    assert session.ufrag != was
    count = len(peer.stun)
    peer.check(ufrag=was)
    peer.check()
    await peer.until(lambda: len(peer.stun) > count)
    assert told.said == ["connected"]


async def test_too_many_wait(make_yard: Any) -> None:
    """A55: sessions whose peer never comes, by address and in all; those who are connected do not count."""
    yard = await make_yard(pending_per_ip=3, pending_total=5, sessions=7)
    peer, session, _ = await yard.connected()
    for _ in range(3):
        yard.port.session(peer.offer(), Told(), STRANGER)
    with pytest.raises(Overloaded):
        yard.port.session(peer.offer(), Told(), STRANGER)
    for place in range(2):
        yard.port.session(peer.offer(), Told(), f"198.51.100.{place}")
    with pytest.raises(Overloaded):
        yard.port.session(peer.offer(), Told(), "198.51.100.9")
    yard.port.session(peer.offer(), Told(), "127.0.0.1")
    with pytest.raises(Overloaded):
        yard.port.session(peer.offer(), Told(), "127.0.0.1")
    assert yard.port.counters.refused == 3
    await yard.after(limits.WEBRTC_CONNECT_S / 2)
    peer.rtcp(rtcp.build_rr(1))
    await yard.settle()
    await yard.after(limits.WEBRTC_CONNECT_S / 2 + 1)
    assert yard.port.sessions == {session}
    yard.port.session(peer.offer(), Told(), STRANGER)


async def test_malformed_media_is_counted(yard: Any) -> None:
    """A50."""
    peer, session, told = await yard.connected()
    for size in range(12, 60):
        for first in (0x80, 0x8F, 0x90, 0xA0, 0xBF):
            peer.send(bytes((first, 96)) + os.urandom(size))
            peer.send(bytes((first, 200)) + os.urandom(size))
        await asyncio.sleep(0)
    peer.rtcp(b"\x80\xc9\x00\x01" + bytes(4) + b"\x85\xc9\x00\x01" + bytes(4))
    await reached(lambda: yard.port.counters.datagrams_bad >= 48 * 5)
    assert told.said == ["connected"]
    assert session.state == "connected"


async def test_a_session_leaves_no_garbage(yard: Any) -> None:
    peer, session, _ = await yard.connected()
    gc.collect()
    gc.disable()
    try:
        session.close()
        await yard.settle()
        peer.session = None
        del session
        left = [thing for thing in gc.get_objects() if type(thing) in (Session, DtlsLink)]
        assert left == [peer.link]
    finally:
        gc.enable()


async def test_reading_is_bounded_in_time(yard: Any) -> None:
    """Garbage is dropped quickly: a datagram costs microseconds, not milliseconds."""
    peer, _, _ = await waiting(yard)
    junk = bytes((0,)) + os.urandom(200)
    began = time.process_time()
    for _ in range(20):
        for _ in range(50):
            peer.send(junk)
        await asyncio.sleep(0.001)
    await reached(lambda: yard.port.counters.datagrams_in > 500)
    assert time.process_time() - began < 8.0

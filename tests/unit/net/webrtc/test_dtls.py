"""A link whose OpenSSL was let go, beside a peer that still has it."""

import gc

import pytest
from OpenSSL import SSL

from madang.base.errors import PeerError
from madang.net.webrtc.dtls import DtlsLink, DtlsState, Fingerprint, Identity
from madang.protocols.dtls.record import HANDSHAKE


class Openssl:
    """The other side, by OpenSSL alone."""

    def __init__(self, identity: Identity, client: bool = True, suites: bytes = b"") -> None:
        if suites:
            identity.context.set_cipher_list(suites)
        self.connection = SSL.Connection(identity.context, None)
        self.connection.set_ciphertext_mtu(1200)
        if client:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()
        self.flights: list[bytes] = []

    def shake(self, link: DtlsLink, rounds: int = 4) -> None:
        """The handshake, until both have nothing to say."""
        for _ in range(rounds):
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                pass
            self.say(link)
            self.hear(link)

    def say(self, link: DtlsLink) -> None:
        try:
            self.flights.append(self.connection.bio_read(65_536))
        except SSL.WantReadError:
            return
        link.feed(self.flights[-1])

    def hear(self, link: DtlsLink) -> None:
        for datagram in link.take_output():
            self.connection.bio_write(datagram)


def link_and_peer(suites: bytes = b"", client: bool = False) -> tuple[DtlsLink, Openssl]:
    """A link, and a peer with an identity of its own; `client`: the link begins."""
    ours, theirs = Identity(), Identity()
    link = DtlsLink(ours, Fingerprint(theirs.fingerprint), client=client)
    peer = Openssl(theirs, not client, suites)
    peer.hear(link)
    return link, peer


ROLES = pytest.mark.parametrize("client", [False, True])
SUITES = pytest.mark.parametrize("suites", [b"", b"ECDHE-ECDSA-CHACHA20-POLY1305"])


def held() -> int:
    return sum(isinstance(thing, SSL.Connection) for thing in gc.get_objects())


@ROLES
@SUITES
def test_it_is_let_go_where_its_alerts_are_understood(suites: bytes, client: bool) -> None:
    before = held()
    link, peer = link_and_peer(suites, client)
    peer.shake(link)
    assert link.state is DtlsState.OPEN
    assert held() - before == (2 if suites else 1)


@ROLES
@SUITES
def test_their_goodbye(suites: bytes, client: bool) -> None:
    link, peer = link_and_peer(suites, client)
    peer.shake(link)
    peer.connection.shutdown()
    peer.say(link)
    assert link.state is DtlsState.CLOSED
    peer.hear(link)
    with pytest.raises(SSL.ZeroReturnError):
        peer.connection.recv(100)


@ROLES
@SUITES
def test_our_goodbye(suites: bytes, client: bool) -> None:
    link, peer = link_and_peer(suites, client)
    peer.shake(link)
    link.close()
    peer.hear(link)
    with pytest.raises(SSL.ZeroReturnError):
        peer.connection.recv(100)


def test_the_end_of_a_handshake_is_said_again() -> None:
    """Our last flight is lost: the peer repeats its own."""
    link, peer = link_and_peer()
    peer.shake(link, rounds=1)
    with pytest.raises(SSL.WantReadError):
        peer.connection.do_handshake()
    peer.say(link)
    assert link.state is DtlsState.OPEN
    assert link.take_output()
    link.feed(peer.flights[-1])
    peer.hear(link)
    peer.connection.do_handshake()


def test_what_strangers_send_is_no_lever() -> None:
    """Handshakes are answered with no more than they brought, other records with nothing."""
    link, peer = link_and_peer()
    peer.shake(link)
    head = bytes((HANDSHAKE, 0xFE, 0xFD)) + bytes(8)
    link.feed(head + b"\0\x05hello")
    assert link.take_output() == []
    link.feed(head + b"\0\xc8" + bytes(200))
    assert 0 < sum(map(len, link.take_output())) < 200
    for kind in (20, 21, 23, 99):
        link.feed(bytes((kind,)) + head[1:] + b"\0\xc8" + bytes(200))
        link.feed(bytes((kind,)) + head[1:] + b"\0\x1a" + bytes(26))
    assert link.take_output() == []
    assert link.state is DtlsState.OPEN


def test_a_peer_that_failed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Identity(), Identity()
    client = DtlsLink(one, Fingerprint(two.fingerprint), client=True)
    server = DtlsLink(two, Fingerprint(one.fingerprint))
    while client.state is DtlsState.HANDSHAKE:
        for datagram in client.take_output():
            server.feed(datagram)
        for datagram in server.take_output():
            client.feed(datagram)
    monkeypatch.setattr("madang.protocols.dtls.alerts.WARNING", 2)
    monkeypatch.setattr("madang.protocols.dtls.alerts.CLOSE_NOTIFY", 80)
    client.close()
    monkeypatch.undo()
    with pytest.raises(PeerError, match="alert 80"):
        for datagram in client.take_output():
            server.feed(datagram)

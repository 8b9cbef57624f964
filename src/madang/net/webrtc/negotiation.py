"""Between SDP and sessions: what an offer says of its peer, and what we answer of ourselves."""

from madang.net.webrtc.session import Remote, Session
from madang.protocols.sdp.words import Description, Setup, Transport


class Negotiated:
    """What the HTTP resource of a session does for who publishes and for who watches (`signalling.Peer`)."""

    session: Session | None = None

    @property
    def id(self) -> str:
        """Of the session."""
        assert self.session is not None
        return self.session.id

    def trickle(self, candidates: tuple[str, ...]) -> None:
        """We are ICE-lite: the peer's checks tell where it is."""

    def restart(self, remote: Transport) -> Transport:
        """A new ICE session: the peer's credentials in, ours out."""
        assert self.session is not None
        self.session.restart(remote.ufrag, remote.pwd)
        return transport_of(self.session)


def remote_of(offer: Description) -> Remote:
    """ICE and DTLS of who made the offer; of several fingerprints the strongest that we know."""
    transport = offer.transport
    known = [pair for pair in transport.fingerprints if pair[0] == "sha-256"] or list(transport.fingerprints)
    function, digest = known[0]
    return Remote(
        ufrag=transport.ufrag,
        password=transport.pwd,
        fingerprint=f"{function} {digest}",
        passive=transport.setup is Setup.PASSIVE,
    )


def transport_of(session: Session, offer: Description | None = None) -> Transport:
    """What an answer says of us: ICE-lite, and passive in DTLS, unless the peer is."""
    active = offer is not None and offer.transport.setup is Setup.PASSIVE
    function, _, digest = session.port.fingerprint.partition(" ")
    return Transport(
        ufrag=session.ufrag,
        pwd=session.password,
        fingerprints=((function, digest),),
        setup=Setup.ACTIVE if active else Setup.PASSIVE,
        candidates=session.candidates,
        end_of_candidates=True,
        lite=True,
    )


def number_of(session: Session) -> str:
    """The session id of the answer's origin (RFC 8866 section 5.2): a number of its own."""
    return str(int.from_bytes(session.id.encode()[:7], "big"))

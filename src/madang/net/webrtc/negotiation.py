"""Between SDP and sessions: what an offer says of its peer, and what we answer of ourselves."""

from madang.net.webrtc.session import Remote, Session
from madang.protocols.sdp.words import Description, Setup, Transport


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

"""DTLS-SRTP (RFC 5764) by OpenSSL, with memory in place of a socket: datagrams in and out, no thread.

OpenSSL keeps some 70 KB of an association. Once the keys are exported nothing is left to it but to repeat its
last flight and to say goodbye: so it is let go, and `protocols/dtls` does that.
"""

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from madang.base.errors import Bug, PeerError
from madang.base.later import later
from madang.base.limits import DTLS_HANDSHAKE_BYTES
from madang.protocols.dtls import alerts, record
from madang.protocols.dtls.alerts import Alert, Alerts
from madang.protocols.srtp.profile import EXPORTER_LABEL, Master, Profile

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from OpenSSL import SSL
else:
    x509 = later("cryptography.x509")
    hashes = later("cryptography.hazmat.primitives.hashes")
    ec = later("cryptography.hazmat.primitives.asymmetric.ec")
    SSL = later("OpenSSL.SSL")

MTU: Final = 1200
"""Bytes of one datagram of a handshake (RFC 8261 and every browser agree on about that)."""
_HASHES: Final = {"sha-256": "SHA256", "sha-384": "SHA384", "sha-512": "SHA512"}
"""By their names in SDP: those of `cryptography`."""
_CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"
    b":ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
    b":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
)
_VALID: Final = timedelta(days=3650)
_BEFORE: Final = timedelta(days=1)


class Fingerprint:
    """A peer's certificate as its offer announced it (RFC 8122)."""

    __slots__ = ("_algorithm", "_digest")

    def __init__(self, text: str) -> None:
        """`sha-256 AB:CD:..`. Raises PeerError for what no certificate can be held against."""
        name, _, value = text.strip().partition(" ")
        known = _HASHES.get(name.lower())
        algorithm: hashes.HashAlgorithm | None = getattr(hashes, known)() if known else None
        try:
            self._digest = bytes.fromhex(value.strip().replace(":", ""))
        except ValueError:
            raise PeerError("fingerprint", "a fingerprint that is not hexadecimal") from None
        if algorithm is None or len(self._digest) != algorithm.digest_size:
            raise PeerError("fingerprint", "a fingerprint of an unknown kind")
        self._algorithm = algorithm

    def fits(self, certificate: "x509.Certificate") -> bool:
        return hmac.compare_digest(certificate.fingerprint(self._algorithm), self._digest)


class Identity:
    """Our key and certificate, made anew at each start, and the context of all handshakes."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "madang")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BEFORE)
            .not_valid_after(now + _VALID)
            .sign(key, hashes.SHA256())
        )
        digest = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
        self.fingerprint = f"sha-256 {digest}"
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(
            SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION
        )
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # Any certificate is taken here; it is held against the offer's fingerprint afterwards.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(":".join(profile.openssl for profile in Profile).encode())
        self.context = context


class DtlsState(StrEnum):
    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSED = "closed"


class DtlsLink:
    """One association. Feed it datagrams and send what `take_output` gives after each call."""

    __slots__ = (
        "_alerts",
        "_budget",
        "_connection",
        "_fingerprint",
        "_flight",
        "_identity",
        "_ours_first",
        "_output",
        "keys",
        "profile",
        "state",
    )

    def __init__(self, identity: Identity, fingerprint: Fingerprint, client: bool = False) -> None:
        self._identity = identity
        self._fingerprint = fingerprint
        self._ours_first = client
        self._budget = DTLS_HANDSHAKE_BYTES
        self.state = DtlsState.HANDSHAKE
        self.profile = Profile.GCM
        self.keys: tuple[Master, Master] | None = None
        """Of what we send and of what the peer sends, when the state is OPEN."""
        self._alerts: Alerts | None = None
        """In place of the connection, once it was let go."""
        self._flight = b""
        """The end of our handshake, for a peer that did not hear it."""
        self._output = b""
        self._connection: SSL.Connection | None = self._begin()

    def feed(self, datagram: bytes) -> None:
        """One datagram of the peer's. Raises PeerError when the association has failed."""
        if self.state is DtlsState.CLOSED:
            return
        if self._connection is None:
            self._hear(datagram)
            return
        if self.state is DtlsState.HANDSHAKE:
            self._budget -= len(datagram)
            if self._budget < 0:
                raise PeerError("dtls", "more DTLS than a handshake takes")
        self._connection.bio_write(datagram)
        if self.state is DtlsState.HANDSHAKE:
            self._go_on(self._connection)
        elif self.state is DtlsState.OPEN:
            self._drain(self._connection)

    def wait(self) -> None:
        """Time has passed: repeat a flight that is due. Raises PeerError."""
        connection = self._connection
        if (
            connection is not None
            and self.state is DtlsState.HANDSHAKE
            and not connection.DTLSv1_get_timeout()
        ):
            try:
                connection.DTLSv1_handle_timeout()
            except SSL.Error as error:
                raise PeerError("dtls", "the DTLS handshake is not answered") from error

    def take_output(self) -> list[bytes]:
        """Datagrams to be sent: whole records, at most MTU bytes together."""
        data, self._output = self._output + _waiting(self._connection), b""
        datagrams: list[bytes] = []
        for each in record.split(data):
            if datagrams and len(datagrams[-1]) + len(each) <= MTU:
                datagrams[-1] += each
            else:
                datagrams.append(each)
        return datagrams

    def close(self) -> None:
        """Say goodbye (close_notify)."""
        if self.state is DtlsState.OPEN:
            if self._alerts is not None:
                self._output += self._alerts.seal(Alert(alerts.WARNING, alerts.CLOSE_NOTIFY))
            elif self._connection is not None:
                try:
                    self._connection.shutdown()
                except SSL.Error:
                    pass  # there is nobody to hear it
        self.state = DtlsState.CLOSED

    # --- the handshake -----------------------------------------------------------------------------------

    def _begin(self) -> "SSL.Connection":
        connection = SSL.Connection(self._identity.context, None)
        connection.set_ciphertext_mtu(MTU)
        if self._ours_first:
            connection.set_connect_state()
            self._go_on(connection)
        else:
            connection.set_accept_state()
        return connection

    def _go_on(self, connection: "SSL.Connection") -> None:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            if self._ours_first:
                raise PeerError("dtls", f"the DTLS handshake failed: {_words(error)}") from None
            # Anybody can forge what comes before the keys: begin again, within the budget.
            self._connection = self._begin()
            return
        self._check_peer(connection)
        self._export(connection)
        self.state = DtlsState.OPEN
        self._drain(connection)
        self._let_go(connection)

    def _check_peer(self, connection: "SSL.Connection") -> None:
        certificate = connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or not self._fingerprint.fits(certificate):
            raise PeerError("fingerprint", "the peer's certificate is not the one of its offer")

    def _export(self, connection: "SSL.Connection") -> None:
        name = connection.get_selected_srtp_profile().decode()
        profile = next((profile for profile in Profile if profile.openssl == name), None)
        if profile is None:
            raise PeerError("dtls", "the peer knows no SRTP profile of ours")
        exported = connection.export_keying_material(EXPORTER_LABEL, profile.exported_bytes)
        client, server = profile.split(exported)
        self.profile = profile
        self.keys = (client, server) if self._ours_first else (server, client)

    # --- behind it ---------------------------------------------------------------------------------------

    def _let_go(self, connection: "SSL.Connection") -> None:
        """Do without OpenSSL from now on, where the suite is one whose alerts we read."""
        secret, ours, theirs = connection.master_key(), connection.client_random(), connection.server_random()
        if (
            self.state is not DtlsState.OPEN
            or connection.get_protocol_version() != record.VERSION
            or connection.get_cipher_name() not in alerts.CIPHERS
            or secret is None
            or ours is None
            or theirs is None
        ):
            return
        self._alerts = Alerts(secret, (ours, theirs), self._ours_first)
        self._flight = self._output = _waiting(connection)
        self._connection = None

    def _hear(self, datagram: bytes) -> None:
        """A goodbye, or a handshake that repeats itself because the end of ours was lost. What anybody could
        send is answered with no more bytes than it has."""
        assert self._alerts is not None
        for each in record.split(datagram):
            if each[0] == record.HANDSHAKE and len(datagram) >= len(self._flight):
                self._output = self._flight
            alert = self._alerts.open(each)
            if alert is None:
                continue
            if alert.description == alerts.CLOSE_NOTIFY:
                self.close()
                return
            if alert.level == alerts.FATAL:
                raise PeerError("dtls", f"the peer ended DTLS with alert {alert.description}")

    def _drain(self, connection: "SSL.Connection") -> None:
        """Nothing is expected but a goodbye; application data is read away."""
        try:
            while connection.recv(2048):
                pass
        except SSL.WantReadError:
            return
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error as error:
            raise PeerError("dtls", f"DTLS failed: {_words(error)}") from None
        except ValueError as error:
            raise Bug("DTLS reads into nothing") from error


def _waiting(connection: "SSL.Connection | None") -> bytes:
    """Bytes that OpenSSL has for the peer."""
    try:
        return connection.bio_read(DTLS_HANDSHAKE_BYTES) if connection is not None else b""
    except SSL.WantReadError:
        return b""


def _words(error: "SSL.Error") -> str:
    """OpenSSL's own reasons."""
    stack = error.args[0] if error.args else ()
    return ", ".join(str(entry[-1]) for entry in stack if entry) or "no reason given"

"""Sealed alerts of DTLS 1.2 (RFC 5246 section 7.2) under AES-128-GCM with SHA-256 (RFC 5288)."""

import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from madang.base.later import later
from madang.protocols.dtls.record import ALERT, HEAD, VERSION

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
else:
    exceptions = later("cryptography.exceptions")
    aead = later("cryptography.hazmat.primitives.ciphers.aead")

WARNING: Final = 1
FATAL: Final = 2
CLOSE_NOTIFY: Final = 0
CIPHERS: Final = frozenset(("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"))
"""OpenSSL's names of the suites that are understood here: what every browser agrees on with us."""
_KEY_BYTES, _SALT_BYTES, _EXPLICIT_BYTES, _TAG_BYTES = 16, 4, 8, 16
_BODY_BYTES = _EXPLICIT_BYTES + 2 + _TAG_BYTES
_FIRST: Final = 1 << 48 | 1 << 40
"""Epoch 1, and a sequence number beyond all of a handshake's: the nonce of no other record."""


class Alert(NamedTuple):
    """What one side says of the association."""

    level: int
    description: int


class Alerts:
    """Both directions of an association whose handshake is over."""

    __slots__ = ("_number", "_ours", "_theirs")

    def __init__(self, secret: bytes, randoms: tuple[bytes, bytes], client: bool) -> None:
        """`secret`: the master secret; `randoms`: the client's and the server's; `client`: who we are."""
        keys = 2 * _KEY_BYTES
        block = expand(secret, b"key expansion" + randoms[1] + randoms[0], keys + 2 * _SALT_BYTES)
        from_client = (block[:_KEY_BYTES], block[keys : keys + _SALT_BYTES])
        from_server = (block[_KEY_BYTES:keys], block[keys + _SALT_BYTES :])
        self._ours, self._theirs = (from_client, from_server) if client else (from_server, from_client)
        self._number = _FIRST

    def seal(self, alert: Alert) -> bytes:
        """A record for the peer."""
        key, salt = self._ours
        number = self._number.to_bytes(_EXPLICIT_BYTES, "big")
        sealed = aead.AESGCM(key).encrypt(salt + number, bytes(alert), _associated(self._number))
        head = HEAD.pack(ALERT, VERSION, self._number, _BODY_BYTES)
        self._number += 1
        return head + number + sealed

    def open(self, record: bytes) -> Alert | None:
        """The alert in a record of the peer's; None when it is none, or nobody with the keys has made it."""
        if len(record) != HEAD.size + _BODY_BYTES or record[0] != ALERT:
            return None
        key, salt = self._theirs
        explicit = record[HEAD.size : HEAD.size + _EXPLICIT_BYTES]
        number = int.from_bytes(record[3:11], "big")
        sealed = record[HEAD.size + _EXPLICIT_BYTES :]
        try:
            level, description = aead.AESGCM(key).decrypt(salt + explicit, sealed, _associated(number))
        except exceptions.InvalidTag:
            return None
        return Alert(level, description)


def expand(secret: bytes, seed: bytes, length: int) -> bytes:
    """P_SHA256 (RFC 5246 section 5): what TLS 1.2 makes keys of; `seed` begins with the label."""
    made, link = b"", seed
    while len(made) < length:
        link = hmac.digest(secret, link, "sha256")
        made += hmac.digest(secret, link + seed, "sha256")
    return made[:length]


def _associated(number: int) -> bytes:
    """What is authenticated beside an alert (RFC 5246 section 6.2.3.3)."""
    return number.to_bytes(8, "big") + bytes((ALERT, VERSION >> 8, VERSION & 0xFF, 0, 2))

"""Protection profiles (RFC 5764 section 4.1.2, RFC 7714 section 14) and the derivation of keys."""

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from madang.base.later import later

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import ciphers
    from cryptography.hazmat.primitives.ciphers import algorithms, modes
else:
    ciphers = later("cryptography.hazmat.primitives.ciphers")
    algorithms = later("cryptography.hazmat.primitives.ciphers.algorithms")
    modes = later("cryptography.hazmat.primitives.ciphers.modes")

EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"


class Master(NamedTuple):
    """A master key and its salt: of what one side sends."""

    key: bytes
    salt: bytes


class Profile(Enum):
    """The profiles that are offered, best first: name for OpenSSL, bytes of key and salt."""

    GCM = ("SRTP_AEAD_AES_128_GCM", 16, 12)
    CM = ("SRTP_AES128_CM_SHA1_80", 16, 14)

    def __init__(self, openssl: str, key_bytes: int, salt_bytes: int) -> None:
        self.openssl = openssl
        self.key_bytes = key_bytes
        self.salt_bytes = salt_bytes

    @property
    def exported_bytes(self) -> int:
        """How much is asked of the DTLS exporter."""
        return 2 * (self.key_bytes + self.salt_bytes)

    def split(self, exported: bytes) -> tuple[Master, Master]:
        """The DTLS client's master and the server's (RFC 5764 section 4.2)."""
        key, salt = self.key_bytes, self.salt_bytes
        salts = exported[2 * key :]
        return Master(exported[:key], salts[:salt]), Master(exported[key : 2 * key], salts[salt : 2 * salt])


class Label(Enum):
    """What a key is for (RFC 3711 section 4.3.2)."""

    RTP_KEY = 0
    RTP_AUTHENTICATION = 1
    RTP_SALT = 2
    RTCP_KEY = 3
    RTCP_AUTHENTICATION = 4
    RTCP_SALT = 5


def derive(master: Master, label: Label, length: int) -> bytes:
    """A session key, with a key derivation rate of zero (RFC 3711 section 4.3.1; RFC 7714 section 11 for
    salts of 12 bytes, which are widened on the right)."""
    salt = int.from_bytes(master.salt.ljust(14, b"\0"), "big")
    start = ((salt ^ label.value << 48) << 16).to_bytes(16, "big")
    return ciphers.Cipher(algorithms.AES(master.key), modes.CTR(start)).encryptor().update(bytes(length))

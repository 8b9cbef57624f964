"""STUN messages: header and attributes (RFC 8489 section 5 and 14), built and parsed."""

import hashlib
import hmac
import zlib
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import Final

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import STUN_ATTRIBUTES, STUN_BYTES

COOKIE: Final = 0x2112A442
HEADER_BYTES: Final = 20
REQUEST: Final = 0x0001
INDICATION: Final = 0x0011
SUCCESS: Final = 0x0101
ERROR: Final = 0x0111
"""The message types of the Binding method (section 5)."""

MAPPED_ADDRESS: Final = 0x0001
USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
UNKNOWN_ATTRIBUTES: Final = 0x000A
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
USE_CANDIDATE: Final = 0x0025
FINGERPRINT: Final = 0x8028
ICE_CONTROLLED: Final = 0x8029
ICE_CONTROLLING: Final = 0x802A

_HEADER = Struct("!HHI12s")
_ATTRIBUTE = Struct("!HH")
_FINGERPRINT_XOR: Final = 0x5354554E
_INTEGRITY_BYTES: Final = 24
_FINGERPRINT_BYTES: Final = 8


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message. Attributes behind MESSAGE-INTEGRITY (but FINGERPRINT) are left out (section 14.5)."""

    kind: int
    """The whole message type: REQUEST, INDICATION, SUCCESS, ERROR, or another method's."""
    transaction: bytes
    """12 bytes."""
    attributes: dict[int, bytes]
    """The first of each type counts (section 14)."""
    integrity_at: int = 0
    """Where MESSAGE-INTEGRITY begins; 0 without one."""


def is_stun(data: bytes) -> bool:
    """Whether a datagram claims to be STUN: two zero bits, the cookie, a length that fits (section 5)."""
    return (
        len(data) >= HEADER_BYTES
        and data[0] < 4
        and data[4:8] == b"\x21\x12\xa4\x42"
        and int.from_bytes(data[2:4], "big") == len(data) - HEADER_BYTES
    )


def parse(data: bytes) -> Message:
    """A whole datagram as a message; a wrong FINGERPRINT is an error. Raises PeerError."""
    if not is_stun(data) or len(data) > STUN_BYTES or len(data) & 3:
        raise PeerError("400", "not a STUN message")
    kind, _, _, transaction = _HEADER.unpack_from(data)
    attributes: dict[int, bytes] = {}
    integrity_at, at, end = 0, HEADER_BYTES, len(data)
    count = 0
    while at < end:
        number, length = _ATTRIBUTE.unpack_from(data, at)
        beyond = at + 4 + length
        count += 1
        if beyond > end or count > STUN_ATTRIBUTES:
            raise PeerError("400", "STUN attributes that exceed their message")
        if number == FINGERPRINT:
            _check_fingerprint(data, at, length)
        elif not integrity_at:  # what stands behind it is not covered, and not believed (section 14.5)
            if number == MESSAGE_INTEGRITY:
                integrity_at = _integrity(at, length)
            attributes.setdefault(number, data[at + 4 : beyond])
        at = beyond + (-length & 3)
    return Message(kind, transaction, attributes, integrity_at)


def _integrity(at: int, length: int) -> int:
    if length != 20:
        raise PeerError("400", "a MESSAGE-INTEGRITY of another length than 20")
    return at


def _check_fingerprint(data: bytes, at: int, length: int) -> None:
    if length != 4 or at + _FINGERPRINT_BYTES != len(data):
        raise PeerError("400", "a FINGERPRINT that is not the end")
    if int.from_bytes(data[at + 4 :], "big") != zlib.crc32(data[:at]) ^ _FINGERPRINT_XOR:
        raise PeerError("400", "a wrong FINGERPRINT")


def is_genuine(data: bytes, message: Message, password: bytes) -> bool:
    """Whether the MESSAGE-INTEGRITY of `message`, parsed from `data`, was made with `password` (14.5)."""
    at = message.integrity_at
    if not at:
        return False
    covered = data[:2] + (at + _INTEGRITY_BYTES - HEADER_BYTES).to_bytes(2, "big") + data[4:at]
    return hmac.compare_digest(hmac.digest(password, covered, "sha1"), data[at + 4 : at + 24])


def build(
    kind: int, transaction: bytes, attributes: Iterable[tuple[int, bytes]], password: bytes | None = None
) -> bytes:
    """A message with FINGERPRINT, and with MESSAGE-INTEGRITY where a password is given."""
    body = b"".join(
        _ATTRIBUTE.pack(number, len(value)) + value + bytes(-len(value) & 3) for number, value in attributes
    )
    if password is not None:
        head = _HEADER.pack(kind, len(body) + _INTEGRITY_BYTES, COOKIE, transaction)
        seal = hmac.digest(password, head + body, hashlib.sha1)
        body += _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20) + seal
    message = _HEADER.pack(kind, len(body) + _FINGERPRINT_BYTES, COOKIE, transaction) + body
    check = (zlib.crc32(message) ^ _FINGERPRINT_XOR).to_bytes(4, "big")
    return message + _ATTRIBUTE.pack(FINGERPRINT, 4) + check


def xor_address(address: IPv4Address | IPv6Address, port: int, transaction: bytes) -> bytes:
    """The value of XOR-MAPPED-ADDRESS (section 14.2)."""
    mask = COOKIE.to_bytes(4, "big") + transaction
    family = 1 if address.version == 4 else 2
    hidden = bytes(a ^ b for a, b in zip(address.packed, mask, strict=False))
    return bytes((0, family)) + (port ^ COOKIE >> 16).to_bytes(2, "big") + hidden


def parse_xor_address(value: bytes, transaction: bytes) -> tuple[IPv4Address | IPv6Address, int]:
    """Address and port of XOR-MAPPED-ADDRESS. Raises PeerError."""
    mask = COOKIE.to_bytes(4, "big") + transaction
    port = int.from_bytes(value[2:4], "big") ^ COOKIE >> 16
    plain = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
    if len(value) == 8 and value[1] == 1:
        return IPv4Address(plain), port
    if len(value) == 20 and value[1] == 2:
        return IPv6Address(plain), port
    raise PeerError("400", "an XOR-MAPPED-ADDRESS of no known family")

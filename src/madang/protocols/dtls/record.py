"""Records (RFC 6347 section 4.1): a head of 13 bytes, and a body."""

from struct import Struct
from typing import Final

ALERT: Final = 21
HANDSHAKE: Final = 22
VERSION: Final = 0xFEFD
"""DTLS 1.2."""
HEAD = Struct("!BHQH")
"""Content type, version, epoch (16 bits) and sequence number (48 bits) in one, length of the body."""


def split(data: bytes) -> list[bytes]:
    """The records that `data` is made of, heads included; the last may be cut short."""
    found: list[bytes] = []
    at, end = 0, len(data)
    while at + HEAD.size <= end:
        after = at + HEAD.size + int.from_bytes(data[at + 11 : at + 13], "big")
        found.append(data[at:after])
        at = after
    return found

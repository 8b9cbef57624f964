"""The RTMP handshake, both ends: plain (RTMP 1.0, 5.2), and with digests as Flash Media Server does.

A C1 whose version field is zero asks for the plain one. Otherwise the digest is looked for at both places
("schemas") where clients put it; a client whose digest is at neither gets the plain answer.
"""

import hashlib
import hmac
from typing import Final

from madang.base.errors import PeerError

VERSION: Final = 3
PACKET_BYTES: Final = 1536
ENTROPY_BYTES: Final = 1528
"""Random bytes that a handshake wants."""

_TAIL = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
_CLIENT_KEY = b"Genuine Adobe Flash Player 001"
_SERVER_KEY = b"Genuine Adobe Flash Media Server 001"
_DIGEST_BYTES = 32
_SERVER_VERSION = b"\x04\x05\x00\x01"
_CLIENT_VERSION = b"\x80\x00\x07\x02"
# Where the four offset bytes of a schema stand; the digest is 4 + (their sum mod 728) behind them.
_SCHEMAS = (772, 8)


class ServerHandshake:
    """The server's part. S0, S1 and S2 go out together as soon as C0 and C1 are here; C2 is only counted."""

    __slots__ = ("_buffer", "_entropy", "_replied", "digest", "done")

    def __init__(self, entropy: bytes) -> None:
        """`entropy` is ENTROPY_BYTES random bytes."""
        self._buffer = bytearray()
        self._entropy = entropy
        self._replied = False
        self.digest = False
        """Whether the client asked for digests and showed one."""
        self.done = False

    def receive(self, data: bytes) -> bytes:
        """What to send now, or empty. Raises PeerError for another protocol (HTTP, RTMPE)."""
        self._buffer += data
        reply = b""
        if not self._replied and self._buffer:
            _check_version(self._buffer[0])
            if len(self._buffer) > PACKET_BYTES:
                reply = self._reply(bytes(self._buffer[1 : 1 + PACKET_BYTES]))
                del self._buffer[: 1 + PACKET_BYTES]
                self._replied = True
        self.done = self._replied and len(self._buffer) >= PACKET_BYTES
        return reply

    def rest(self) -> bytes:
        """The bytes behind C2, which may come glued to it; call once, when done."""
        rest = bytes(self._buffer[PACKET_BYTES:])
        self._buffer.clear()
        return rest

    def _reply(self, c1: bytes) -> bytes:
        schema = _find_digest(c1, _CLIENT_KEY) if c1[4:8] != bytes(4) else None
        if schema is None:
            return bytes((VERSION,)) + bytes(8) + self._entropy + c1
        self.digest = True
        s1 = _sign(bytes(4) + _SERVER_VERSION + self._entropy, schema, _SERVER_KEY)
        # S2 proves that the server knows the long key and saw C1's digest.
        start = _digest_offset(c1, schema)
        key = _hmac(_SERVER_KEY + _TAIL, c1[start : start + _DIGEST_BYTES])
        s2 = self._entropy[::-1][: PACKET_BYTES - _DIGEST_BYTES]
        return bytes((VERSION,)) + s1 + s2 + _hmac(key, s2)


class ClientHandshake:
    """The client's part; with a `schema` (0 or 1) it signs C1 and checks S1, without it is plain."""

    __slots__ = ("_buffer", "_c1", "_schema", "done")

    def __init__(self, entropy: bytes, schema: int | None = None) -> None:
        self._buffer = bytearray()
        self._schema = schema
        self._c1 = bytes(8) + entropy
        if schema is not None:
            self._c1 = _sign(bytes(4) + _CLIENT_VERSION + entropy, schema, _CLIENT_KEY)
        self.done = False

    def begin(self) -> bytes:
        """C0 and C1."""
        return bytes((VERSION,)) + self._c1

    def receive(self, data: bytes) -> bytes:
        """C2 once S0, S1 and S2 are here, else empty. PeerError for a bad version or digest."""
        self._buffer += data
        if self._buffer and not self.done:
            _check_version(self._buffer[0])
        if self.done or len(self._buffer) < 1 + 2 * PACKET_BYTES:
            return b""
        self.done = True
        s1 = bytes(self._buffer[1 : 1 + PACKET_BYTES])
        if self._schema is not None and _find_digest(s1, _SERVER_KEY) is None:
            raise PeerError("malformed", "the server's digest is wrong")
        del self._buffer[: 1 + 2 * PACKET_BYTES]
        return s1

    def rest(self) -> bytes:
        """The bytes behind S2; call once, when done."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


def _check_version(version: int) -> None:
    if version != VERSION:
        raise PeerError("malformed", f"RTMP version {version}", "Only plain RTMP (version 3) is spoken here.")


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)


def _digest_offset(packet: bytes, schema: int) -> int:
    base = _SCHEMAS[schema]
    return base + 4 + sum(packet[base : base + 4]) % 728


def _digest(packet: bytes, start: int, key: bytes) -> bytes:
    """The HMAC of the packet without the 32 bytes at `start`."""
    return _hmac(key, packet[:start] + packet[start + _DIGEST_BYTES :])


def _find_digest(packet: bytes, key: bytes) -> int | None:
    """The schema at whose place a right digest stands, or None."""
    for schema in range(len(_SCHEMAS)):
        start = _digest_offset(packet, schema)
        if hmac.compare_digest(packet[start : start + _DIGEST_BYTES], _digest(packet, start, key)):
            return schema
    return None


def _sign(packet: bytes, schema: int, key: bytes) -> bytes:
    start = _digest_offset(packet, schema)
    return packet[:start] + _digest(packet, start, key) + packet[start + _DIGEST_BYTES :]

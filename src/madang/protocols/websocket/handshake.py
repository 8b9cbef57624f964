"""The opening handshake as a server (RFC 6455 section 4.2) and, for tests, as a client."""

from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha1
from typing import Final

from madang.base.errors import PeerError

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION: Final = b"13"


def accept_token(key: bytes) -> bytes:
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2)."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def check_request(version: bytes, key: bytes) -> None:
    """Raises PeerError with code "426" for another version, "400" for a key that is no 16 bytes."""
    if version.strip() != VERSION:
        raise PeerError("426", f"websocket version {version[:16]!r}")
    try:
        nonce = b64decode(key.strip(), validate=True)
    except Error:
        nonce = b""
    if len(nonce) != 16:
        raise PeerError("400", "websocket key is not 16 bytes in base 64")


def choose_subprotocol(offered: bytes, spoken: tuple[str, ...]) -> str:
    """The first of the client's Sec-WebSocket-Protocol that we speak, or empty."""
    names = [name.strip() for name in offered.decode("latin-1").split(",")]
    return next((name for name in names if name in spoken), "")


def build_response(key: bytes, subprotocol: str = "") -> bytes:
    """The whole 101 response."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"upgrade: websocket",
        b"connection: Upgrade",
        b"sec-websocket-accept: " + accept_token(key.strip()),
    ]
    if subprotocol:
        lines.append(b"sec-websocket-protocol: " + subprotocol.encode("latin-1"))
    return b"\r\n".join((*lines, b"", b""))


def build_request(host: str, target: str, key: bytes, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A client's whole request; `key` is base 64 of 16 random bytes."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key.decode()}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join((*lines, "", "")).encode("latin-1")

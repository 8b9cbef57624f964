"""One frame as bytes (RFC 6455 section 5.2): heads, masks, close bodies."""

from typing import Final

from madang.base.errors import PeerError

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

FIN: Final = 0x80
MASKED: Final = 0x80
CONTROL_BYTES: Final = 125
# A payload as long as these says its length in 2 or 8 bytes behind the head.
LENGTH_16: Final = 126
LENGTH_64: Final = 127

# RFC 6455 section 7.4.1.
NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005
ABNORMAL: Final = 1006
INVALID_DATA: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
SERVER_ERROR: Final = 1011
TRY_AGAIN: Final = 1013
_SENDABLE: Final = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


def build_head(opcode: int, length: int, *, fin: bool = True, masked: bool = False) -> bytes:
    """The head of a frame whose payload has `length` bytes; a mask follows it when `masked`."""
    first = opcode | (FIN if fin else 0)
    bit = MASKED if masked else 0
    if length < LENGTH_16:
        return bytes((first, bit | length))
    if length < 1 << 16:
        return bytes((first, bit | LENGTH_16)) + length.to_bytes(2, "big")
    return bytes((first, bit | LENGTH_64)) + length.to_bytes(8, "big")


def build_frame(opcode: int, payload: bytes, *, fin: bool = True, mask: bytes = b"") -> bytes:
    """A whole frame. Servers send without a mask, clients with four random bytes."""
    head = build_head(opcode, len(payload), fin=fin, masked=bool(mask))
    return head + mask + apply_mask(payload, mask) if mask else head + payload


def build_close(code: int, reason: str = "") -> bytes:
    """A close frame from a server; the reason is cut at a character so that it fits (section 5.5.1)."""
    text = reason.encode()[: CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return build_frame(CLOSE, code.to_bytes(2, "big") + text)


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    """Mask or unmask (section 5.3): one XOR of two long numbers, which is one pass in C."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


def parse_close(body: bytes) -> tuple[int, str]:
    """Code and reason of a close frame; 1005 for an empty one. Raises PeerError (section 7.4)."""
    if not body:
        return NO_STATUS, ""
    code = int.from_bytes(body[:2], "big")
    if len(body) == 1 or not (code in _SENDABLE or 3000 <= code <= 4999):
        raise PeerError(str(PROTOCOL_ERROR), f"close code {code} may not be sent")
    try:
        return code, body[2:].decode()
    except UnicodeDecodeError:
        raise PeerError(str(INVALID_DATA), "close reason is not UTF-8") from None

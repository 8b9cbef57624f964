"""RTP packets (RFC 3550 section 5.1) with header extensions of one or two bytes (RFC 8285)."""

from struct import Struct
from typing import Final

import msgspec

from madang.base.errors import PeerError

ONE_BYTE: Final = 0xBEDE
_HEADER = Struct("!BBHII")
_WORDS = Struct("!HH")


class RtpPacket(msgspec.Struct, frozen=True, gc=False):
    """One packet. `payload` is without padding; contributing sources are left out."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    extensions: dict[int, bytes]
    """By id, as negotiated."""


def parse(data: bytes) -> RtpPacket:
    """A whole plain packet. Raises PeerError: version, lengths beyond the packet, bad padding."""
    if len(data) < 12:
        raise PeerError("rtp", "an RTP packet shorter than its header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise PeerError("rtp", "not version 2 of RTP")
    at, end = 12 + 4 * (first & 15), len(data)
    extensions: dict[int, bytes] = {}
    if first & 16:
        if end < at + 4:
            raise PeerError("rtp", "an RTP header beyond its packet")
        profile, words = _WORDS.unpack_from(data, at)
        beyond = at + 4 + 4 * words
        if beyond <= end:
            extensions = _parse_extensions(profile, data[at + 4 : beyond])
        at = beyond
    if first & 32 and at < end:
        padding = data[-1]
        if not padding or at + padding > end:
            raise PeerError("rtp", "padding beyond the payload")
        end -= padding
    if at > end:
        raise PeerError("rtp", "an RTP header beyond its packet")
    return RtpPacket(second & 127, second > 127, sequence, timestamp, ssrc, data[at:end], extensions)


def _parse_extensions(profile: int, block: bytes) -> dict[int, bytes]:
    """Elements as far as they are whole: a broken one ends the block (RFC 8285 section 4.2)."""
    found: dict[int, bytes] = {}
    at, end = 0, len(block)
    while at < end:
        if block[at] == 0:
            at += 1
            continue
        if profile == ONE_BYTE:
            number, size, at = block[at] >> 4, (block[at] & 15) + 1, at + 1
            if number == 15:
                break
        elif profile & 0xFFF0 == 0x1000 and at + 1 < end:
            number, size, at = block[at], block[at + 1], at + 2
        else:
            break
        if at + size > end:
            break
        found[number] = block[at : at + size]
        at += size
    return found


def build_header(packet: RtpPacket) -> bytes:
    """The header of a packet, with its extensions; without padding."""
    block = build_extensions(packet.extensions)
    return (
        _HEADER.pack(
            0x90 if block else 0x80,
            packet.payload_type | packet.marker << 7,
            packet.sequence,
            packet.timestamp,
            packet.ssrc,
        )
        + block
    )


def build_extensions(extensions: dict[int, bytes]) -> bytes:
    """The block behind the fixed header: one-byte elements where all fit (ids 1 to 14, 1 to 16 bytes), else
    two-byte ones; empty for none."""
    if not extensions:
        return b""
    short = all(0 < number < 15 and 0 < len(value) <= 16 for number, value in extensions.items())
    if short:
        body = b"".join(
            bytes((number << 4 | len(value) - 1,)) + value for number, value in extensions.items()
        )
    else:
        body = b"".join(bytes((number, len(value))) + value for number, value in extensions.items())
    body += bytes(-len(body) & 3)
    return _WORDS.pack(ONE_BYTE if short else 0x1000, len(body) // 4) + body

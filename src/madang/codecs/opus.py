"""Opus: its identification in Ogg and RTMP (OpusHead) and in MP4 (dOps), and the length of a packet.

RFC 7845 section 5.1, RFC 6716 section 3.1, Encapsulation of Opus in ISO Base Media File Format section 4.3.2.
"""

import msgspec

from madang.base.errors import PeerError

RATE = 48_000
# RFC 6716 table 2: samples of one frame at 48 kHz by the configuration number of the TOC byte.
_FRAME_SAMPLES = (
    *(480, 960, 1920, 2880) * 3,
    *(480, 960) * 2,
    *(120, 240, 480, 960) * 4,
)


class OpusConfig(msgspec.Struct, frozen=True):
    """What the identification header says; `record` is the dOps payload."""

    channels: int
    pre_skip: int
    record: bytes


def parse_config(config: bytes) -> OpusConfig:
    """Read an OpusHead packet or a dOps payload; PeerError when it is neither."""
    ogg = config.startswith(b"OpusHead")
    body = config[8:] if ogg else config
    if len(body) < 11 or body[0] > (15 if ogg else 0):
        raise PeerError("malformed", "not an Opus identification header")
    channels, family = body[1], body[10]
    tail = body[11 : 13 + channels] if family else b""
    if not channels or (family and len(tail) != 2 + channels) or (not family and channels > 2):
        raise PeerError("malformed", f"Opus with {channels} channels in mapping family {family}")
    fields = body[3:1:-1] + body[7:3:-1] + body[9:7:-1] if ogg else body[2:10]
    record = bytes((0, channels)) + fields + bytes((family,)) + tail
    return OpusConfig(channels, int.from_bytes(fields[:2], "big"), record)


def build_record(channels: int) -> bytes:
    """The dOps payload of a live stream with one or two channels: nothing is to be skipped at its start."""
    return bytes((0, channels)) + (0).to_bytes(2, "big") + RATE.to_bytes(4, "big") + bytes(3)


def build_head(record: bytes) -> bytes:
    """The OpusHead packet of a dOps payload."""
    parse_config(record)
    swapped = record[3:1:-1] + record[7:3:-1] + record[9:7:-1]
    return b"OpusHead\x01" + record[1:2] + swapped + record[10:]


def packet_samples(packet: bytes | memoryview) -> int:
    """Samples at 48 kHz that a packet decodes to (RFC 6716 section 3.1); 0 for an empty one.

    More than 120 ms in a packet raise PeerError."""
    if not len(packet):
        return 0
    code = packet[0] & 3
    frames = 1 if code == 0 else 2
    if code == 3:
        if len(packet) < 2:
            raise PeerError("malformed", "Opus packet without its frame count")
        frames = packet[1] & 63
    samples = frames * _FRAME_SAMPLES[packet[0] >> 3]
    if samples > 5760:
        raise PeerError("malformed", "Opus packet longer than 120 ms")
    return samples


def single_samples(packet: bytes) -> int:
    """Samples at 48 kHz of a packet that has one frame (RFC 6716 section 3.1, code 0); 0 for another one."""
    return _FRAME_SAMPLES[packet[0] >> 3] if packet and packet[0] & 3 == 0 else 0


def join(packets: list[bytes]) -> bytes:
    """Packets of a single frame, coded alike (of one first byte), as one packet with a frame of each (RFC
    6716 section 3.2.5, each of its own length); a sole one stays as it is."""
    if len(packets) == 1:
        return packets[0]
    lengths = b"".join(_length(len(packet) - 1) for packet in packets[:-1])
    head = bytes((packets[0][0] | 3, 0x80 | len(packets)))
    return head + lengths + b"".join(packet[1:] for packet in packets)


def _length(size: int) -> bytes:
    """RFC 6716 section 3.2.1."""
    return bytes((size,)) if size < 252 else bytes((252 + (size & 3), (size - 252 - (size & 3)) >> 2))

"""What an audio or video tag body says, and what Enhanced RTMP v2 puts before it: ModEx and multitrack."""

from typing import Final

import msgspec

from madang.base.errors import PeerError
from madang.codecs.registry import BY_FOURCC
from madang.media.track import Codec, Kind

# Packet types as Enhanced RTMP numbers them; classic AVC and AAC packet types 0, 1 and 2 are the same words.
SEQUENCE_START: Final = 0
CODED_FRAMES: Final = 1
SEQUENCE_END: Final = 2
OTHER: Final = 4
"""Metadata, multichannel configuration, commands: nothing that a frame is made of."""

ONE_TRACK: Final = 0
MANY_TRACKS: Final = 1
MANY_TRACKS_MANY_CODECS: Final = 2

_MOD_EX_NANO_OFFSET = 0


class Packet(msgspec.Struct, frozen=True, gc=False):
    """One audio or video tag body. `payload` is a view of the body and not a copy.

    For SEQUENCE_START the payload is the configuration as MP4 stores it, except Opus, whose OpusHead
    `codecs.registry.track` reads as well; for CODED_FRAMES it is one access unit.
    """

    kind: int
    """SEQUENCE_START, CODED_FRAMES, SEQUENCE_END or OTHER."""
    codec: Codec | None
    """None for a codec that the house does not carry; `name` says which."""
    payload: memoryview
    keyframe: bool = True
    """What the header claims; NAL types know better."""
    composition_ms: int = 0
    """pts - dts; signed."""
    nano_offset: int = 0
    """Nanoseconds to add to the presentation time, 0..999,999 (ModEx)."""
    track: int = 0
    """Track id of a multitrack body; the first track is 0, and so is a body without the word."""
    name: str = ""


def fourcc_codec(fourcc: bytes, kind: Kind) -> tuple[Codec | None, str]:
    """The codec of a FourCC, and its letters for a log line; None when it is another kind's or unknown."""
    codec = BY_FOURCC.get(fourcc)
    return codec if codec is not None and codec.kind is kind else None, fourcc.decode("latin-1")


class Prelude(msgspec.Struct, gc=False):
    """Enhanced header after its first byte: what it took, and where the body of the first track begins."""

    packet_type: int
    fourcc: bytes
    start: int
    end: int
    nano_offset: int
    track: int


def read_prelude(body: memoryview, packet_type: int, mod_ex: int, multitrack: int) -> Prelude:
    """Walk ModEx, multitrack and FourCC from byte 1 on (E-RTMP v2, ExVideoTagHeader and ExAudioTagHeader).

    `mod_ex` and `multitrack` are the packet types that mean those for this kind of tag. Of a body with
    several tracks the first by id is taken. Raises PeerError when cut off or nested.
    """
    offset, nano_offset = 1, 0
    while packet_type == mod_ex:
        packet_type, offset, nano = _read_mod_ex(body, offset)
        nano_offset = nano if nano >= 0 else nano_offset
    if packet_type != multitrack:
        _demand(body, offset + 4)
        return Prelude(packet_type, bytes(body[offset : offset + 4]), offset + 4, len(body), nano_offset, 0)
    _demand(body, offset + 1)
    form, packet_type = body[offset] >> 4, body[offset] & 15
    if packet_type in (multitrack, mod_ex) or form > MANY_TRACKS_MANY_CODECS:
        raise PeerError("malformed", "multitrack packet type is none")
    prelude = _first_track(body, offset + 1, form)
    prelude.packet_type, prelude.nano_offset = packet_type, nano_offset
    return prelude


def _read_mod_ex(body: memoryview, offset: int) -> tuple[int, int, int]:
    """(next packet type, offset behind, nanoseconds or -1 for a modifier that is not known)."""
    _demand(body, offset + 1)
    size = body[offset] + 1
    offset += 1
    if size == 256:
        _demand(body, offset + 2)
        size = (body[offset] << 8 | body[offset + 1]) + 1
        offset += 2
    _demand(body, offset + size + 1)
    data, next_byte = body[offset : offset + size], body[offset + size]
    nano = -1
    if next_byte >> 4 == _MOD_EX_NANO_OFFSET and size >= 3:
        nano = min(int.from_bytes(data[:3], "big"), 999_999)
    return next_byte & 15, offset + size + 1, nano


def _first_track(body: memoryview, offset: int, form: int) -> Prelude:
    """The track with the lowest id, of `form` ONE_TRACK, MANY_TRACKS or MANY_TRACKS_MANY_CODECS."""
    fourcc = b""
    if form != MANY_TRACKS_MANY_CODECS:
        _demand(body, offset + 4)
        fourcc = bytes(body[offset : offset + 4])
        offset += 4
    if form == ONE_TRACK:
        _demand(body, offset + 1)
        return Prelude(0, fourcc, offset + 1, len(body), 0, body[offset])
    first: Prelude | None = None
    while offset < len(body):
        if form == MANY_TRACKS_MANY_CODECS:
            _demand(body, offset + 4)
            fourcc = bytes(body[offset : offset + 4])
            offset += 4
        _demand(body, offset + 4)
        track, size = body[offset], int.from_bytes(body[offset + 1 : offset + 4], "big")
        offset += 4 + size
        _demand(body, offset)
        if first is None or track < first.track:
            first = Prelude(0, fourcc, offset - size, offset, 0, track)
    if first is None:
        raise PeerError("malformed", "multitrack body without a track")
    return first


def _demand(body: memoryview, size: int) -> None:
    if len(body) < size:
        raise PeerError("malformed", "tag body is cut off")

"""AV1: open bitstream units, the sequence header and the av1C record.

AV1 Bitstream & Decoding Process Specification section 5, AV1 Codec ISO Media File Format Binding section 2.
"""

from collections.abc import Iterator

import msgspec

from madang.base.bits import BitReader
from madang.base.errors import PeerError
from madang.codecs.picture import Colour, Picture, check_size

SEQUENCE_HEADER = 1
TEMPORAL_DELIMITER = 2


class SequenceHeader(msgspec.Struct, frozen=True):
    """What a sequence header says (section 5.5)."""

    profile: int
    level: int
    tier: int
    depth: int
    picture: Picture


def units(data: bytes | memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Each OBU as (type, the whole OBU, its payload); one without a size field reaches to the end."""
    view = memoryview(data)
    position = 0
    while position < len(view):
        start, head = position, view[position]
        if head & 0x80:
            raise PeerError("malformed", "obu_forbidden_bit is set")
        position += 2 if head & 4 else 1
        size = len(view) - position
        if head & 2:
            size, position = _leb128(view, position)
        if size < 0 or position + size > len(view):
            raise PeerError("malformed", "an OBU reaches beyond its temporal unit")
        yield head >> 3 & 15, view[start : position + size], view[position : position + size]
        position += size


def _leb128(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        if position >= len(view):
            raise PeerError("malformed", "leb128 number is cut")
        byte = view[position]
        position += 1
        value |= (byte & 127) << (7 * index)
        if not byte & 128:
            return value, position
    raise PeerError("malformed", "leb128 number is too long")


def without_delimiters(payload: bytes | memoryview) -> bytes | memoryview:
    """A temporal unit as MP4 stores it: without temporal delimiters; `payload` itself when it has none."""
    if not len(payload) or payload[0] >> 3 & 15 != TEMPORAL_DELIMITER:
        return payload
    return b"".join(whole for kind, whole, _ in units(payload) if kind != TEMPORAL_DELIMITER)


def parse_config(record: bytes) -> SequenceHeader:
    """The sequence header inside an av1C record; PeerError when the record is cut or holds none."""
    if len(record) < 4 or record[0] != 0x81:
        raise PeerError("malformed", "not an AV1CodecConfigurationRecord of version 1")
    for kind, _, payload in units(record[4:]):
        if kind == SEQUENCE_HEADER:
            return parse_sequence_header(payload)
    raise PeerError("malformed", "av1C without a sequence header")


def config_in(payload: bytes | memoryview) -> bytes | None:
    """An av1C record of the sequence header inside a temporal unit, None when there is none."""
    for kind, whole, body in units(payload):
        if kind == SEQUENCE_HEADER:
            bits = BitReader(body)
            header = parse_sequence_header(body)
            flags = _record_flags(bits)
            return bytes((0x81, header.profile << 5 | header.level, header.tier << 7 | flags, 0)) + bytes(
                whole
            )
    return None


def _record_flags(bits: BitReader) -> int:
    """high_bitdepth to chroma_sample_position, the low seven bits of av1C's third byte."""
    profile, _, colour = _read_sequence_header(bits)
    return colour.record_flags(profile)


def codec_string(header: SequenceHeader) -> str:
    """AV1 ISO Media binding section 5: `av01.P.LLT.DD`."""
    return f"av01.{header.profile}.{header.level:02}{'MH'[header.tier]}.{header.depth:02}"


class _ColourConfig(msgspec.Struct):
    high: bool = False
    twelve: bool = False
    mono: bool = False
    sub_x: int = 1
    sub_y: int = 1
    position: int = 0
    description: Colour | None = None

    def record_flags(self, profile: int) -> int:
        return (
            self.high << 6 | self.twelve << 5 | self.mono << 4
            | self.sub_x << 3 | self.sub_y << 2 | self.position
        )  # fmt: skip

    @property
    def depth(self) -> int:
        return 12 if self.twelve else 10 if self.high else 8


class _Operating(msgspec.Struct):
    level: int = 0
    tier: int = 0
    width: int = 0
    height: int = 0


def parse_sequence_header(payload: bytes | memoryview) -> SequenceHeader:
    """Read the payload of a sequence header OBU (section 5.5.1).

    PeerError `malformed` for broken syntax, `unsupported` for pictures beyond A52's bounds."""
    profile, operating, colour = _read_sequence_header(BitReader(payload))
    check_size(operating.width, operating.height)
    picture = Picture(operating.width, operating.height, (1, 1), colour.description)
    return SequenceHeader(profile, operating.level, operating.tier, colour.depth, picture)


def _read_sequence_header(bits: BitReader) -> tuple[int, _Operating, _ColourConfig]:
    profile = bits.read(3)
    if profile > 2:
        raise PeerError("malformed", f"seq_profile {profile}")
    bits.skip(1)
    operating = _Operating()
    reduced = bits.flag()
    if reduced:
        operating.level = bits.read(5)
    else:
        _operating_points(bits, operating)
    bits_x, bits_y = bits.read(4) + 1, bits.read(4) + 1
    operating.width, operating.height = bits.read(bits_x) + 1, bits.read(bits_y) + 1
    _tools(bits, reduced)
    bits.skip(3)  # enable_superres, enable_cdef, enable_restoration
    return profile, operating, _colour(bits, profile)


def _operating_points(bits: BitReader, operating: _Operating) -> None:
    decoder_model = equal_interval = False
    delay_bits = 0
    if bits.flag():  # timing_info_present_flag
        bits.skip(64)
        equal_interval = bits.flag()
        if equal_interval:
            bits.ue()
        decoder_model = bits.flag()
        if decoder_model:
            delay_bits = bits.read(5) + 1
            bits.skip(32 + 5 + 5)
    display_delay = bits.flag()
    for index in range(bits.read(5) + 1):
        bits.skip(12)
        level = bits.read(5)
        tier = bits.read(1) if level > 7 else 0
        if index == 0:
            operating.level, operating.tier = level, tier
        if decoder_model and bits.flag():
            bits.skip(2 * delay_bits + 1)
        if display_delay and bits.flag():
            bits.skip(4)


def _tools(bits: BitReader, reduced: bool) -> None:
    """frame_id_numbers_present_flag to seq_force_integer_mv: read over."""
    if not reduced and bits.flag():
        bits.skip(4 + 3)
    bits.skip(3)  # use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    if reduced:
        return
    bits.skip(4)
    order_hint = bits.flag()
    if order_hint:
        bits.skip(2)
    screen_content = 2 if bits.flag() else bits.read(1)
    if screen_content and not bits.flag():
        bits.skip(1)
    if order_hint:
        bits.skip(3)


def _colour(bits: BitReader, profile: int) -> _ColourConfig:
    """Section 5.5.2."""
    colour = _ColourConfig(high=bits.flag())
    if profile == 2 and colour.high:
        colour.twelve = bits.flag()
    colour.mono = profile != 1 and bits.flag()
    named = bits.flag()
    primaries, transfer, matrix = (bits.read(8), bits.read(8), bits.read(8)) if named else (2, 2, 2)
    if colour.mono:
        full_range = bits.flag()
    elif (primaries, transfer, matrix) == (1, 13, 0):
        full_range, colour.sub_x, colour.sub_y = True, 0, 0
    else:
        full_range = bits.flag()
        _subsampling(bits, profile, colour)
    if named:
        colour.description = Colour(primaries, transfer, matrix, full_range)
    return colour


def _subsampling(bits: BitReader, profile: int, colour: _ColourConfig) -> None:
    if profile == 1:
        colour.sub_x = colour.sub_y = 0
    elif profile == 2:
        colour.sub_x, colour.sub_y = 1, 0
        if colour.twelve:
            colour.sub_x = bits.read(1)
            colour.sub_y = bits.read(1) if colour.sub_x else 0
    if colour.sub_x and colour.sub_y:
        colour.position = bits.read(2)

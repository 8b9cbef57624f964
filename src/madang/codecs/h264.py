"""H.264: parameter sets, the avcC record, and what kind of picture an access unit is.

ITU-T H.264 sections 7.3 and 7.4, ISO/IEC 14496-15 section 5.3.
"""

import msgspec

from madang.base.bits import BitReader
from madang.base.errors import PeerError
from madang.codecs.nal import parameter_sets, split, unescape
from madang.codecs.picture import Colour, Picture, check_size

SLICE = 1
IDR = 5
SEI = 6
SPS = 7
PPS = 8
AUD = 9

# Profiles whose SPS carries chroma format and scaling matrices (section 7.3.2.1.1).
_HIGH = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# Those whose avcC carries them too (ISO/IEC 14496-15 section 5.3.3.1.2).
_HIGH_RECORD = frozenset({100, 110, 122, 144})
# Table E-1: sample aspect ratios by aspect_ratio_idc.
_ASPECTS = ((0, 0), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11),
            (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1))  # fmt: skip


class Sps(msgspec.Struct, frozen=True):
    """What a sequence parameter set says: the profile bytes and the picture."""

    profile: int
    constraints: int
    level: int
    chroma_format: int
    depth_luma: int
    depth_chroma: int
    picture: Picture


class AvcConfig(msgspec.Struct, frozen=True):
    """An AVCDecoderConfigurationRecord: parameter sets and the size of NAL lengths."""

    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]


def parse_config(record: bytes) -> AvcConfig:
    """Read an avcC record; PeerError when it is cut, of another version, or holds no SPS."""
    if len(record) < 7 or record[0] != 1:
        raise PeerError("malformed", "not an AVCDecoderConfigurationRecord of version 1")
    length_size = (record[4] & 3) + 1
    if length_size == 3:
        raise PeerError("malformed", "NAL lengths of three bytes are reserved")
    sps, position = parameter_sets(record, 6, record[5] & 31)
    if position >= len(record):
        raise PeerError("malformed", "avcC ends before its picture parameter sets")
    pps, _ = parameter_sets(record, position + 1, record[position])
    if not sps:
        raise PeerError("malformed", "avcC without a sequence parameter set")
    return AvcConfig(length_size, sps, pps)


def build_config(sps: tuple[bytes, ...], pps: tuple[bytes, ...]) -> bytes:
    """An avcC record for these parameter sets, with NAL lengths of four bytes.

    PeerError when the first SPS cannot be read."""
    if not sps or len(sps) > 31 or len(pps) > 255:
        raise PeerError("malformed", f"{len(sps)} sequence and {len(pps)} picture parameter sets")
    first = parse_sps(sps[0])
    pieces = [bytes((1, *sps[0][1:4], 0xFF, 0xE0 | len(sps)))]
    pieces += [len(unit).to_bytes(2, "big") + unit for unit in sps]
    pieces.append(bytes((len(pps),)))
    pieces += [len(unit).to_bytes(2, "big") + unit for unit in pps]
    if first.profile in _HIGH_RECORD:
        depths = (0xF8 | first.depth_luma - 8, 0xF8 | first.depth_chroma - 8)
        pieces.append(bytes((0xFC | first.chroma_format, *depths, 0)))
    return b"".join(pieces)


def config_in(payload: bytes | memoryview) -> bytes | None:
    """An avcC record of the parameter sets inside an access unit, None when SPS or PPS is missing."""
    units = [unit.tobytes() for unit in split(payload) if unit[0] & 31 in (SPS, PPS)]
    sps = tuple(dict.fromkeys(unit for unit in units if unit[0] & 31 == SPS))
    pps = tuple(dict.fromkeys(unit for unit in units if unit[0] & 31 == PPS))
    return build_config(sps, pps) if sps and pps else None


def is_idr(payload: bytes | memoryview) -> bool:
    """Whether an access unit of four-byte lengths holds an IDR picture. All its slices are of one kind
    (7.4.1.2.4), so the first one tells; nothing behind it is read."""
    position, end = 0, len(payload)
    while position < end:
        start = position + 4
        position = start + int.from_bytes(payload[position:start], "big")
        if start > end or position > end:
            raise PeerError("malformed", "a NAL unit reaches beyond its access unit")
        if position > start:
            kind = payload[start] & 31
            if kind in (IDR, SLICE):
                return kind == IDR
    return False


def slice_type(payload: bytes | memoryview) -> str:
    """`I`, `P` or `B` of the first slice (section 7.3.3), empty when the access unit has none."""
    for unit in split(payload):
        if unit[0] & 31 in (SLICE, IDR):
            bits = BitReader(unescape(unit[1:13]))
            bits.ue()
            return "PBIPI"[bits.ue() % 5]
    return ""


def codec_string(config: AvcConfig) -> str:
    """RFC 6381 section 3.3: `avc1.` and the three profile bytes of the first SPS."""
    return "avc1." + config.sps[0][1:4].hex()


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set NAL unit (section 7.3.2.1.1).

    PeerError `malformed` for broken syntax, `unsupported` for pictures beyond A52's bounds."""
    if len(unit) < 4 or unit[0] & 31 != SPS:
        raise PeerError("malformed", "not a sequence parameter set")
    profile, constraints, level = unit[1:4]
    bits = BitReader(unescape(unit[4:]))
    if bits.ue() > 31:
        raise PeerError("malformed", "seq_parameter_set_id beyond 31")
    chroma_format, depth_luma, depth_chroma = _chroma(bits) if profile in _HIGH else (1, 8, 8)
    bits.ue()  # log2_max_frame_num_minus4
    _order_count(bits)
    if bits.ue() > 16:
        raise PeerError("unsupported", "more than 16 reference frames")
    bits.skip(1)
    width, height = _size(bits, chroma_format)
    picture = _usability(bits, Picture(width, height))
    return Sps(profile, constraints, level, chroma_format, depth_luma, depth_chroma, picture)


def _chroma(bits: BitReader) -> tuple[int, int, int]:
    chroma_format = bits.ue()
    if chroma_format > 3:
        raise PeerError("malformed", f"chroma_format_idc {chroma_format}")
    if chroma_format == 3:
        bits.skip(1)
    depth_luma, depth_chroma = bits.ue() + 8, bits.ue() + 8
    if depth_luma > 14 or depth_chroma > 14:
        raise PeerError("malformed", "bit depth beyond 14")
    bits.skip(1)
    if bits.flag():
        for index in range(8 if chroma_format != 3 else 12):
            if bits.flag():
                _scaling_list(bits, 16 if index < 6 else 64)
    return chroma_format, depth_luma, depth_chroma


def _scaling_list(bits: BitReader, size: int) -> None:
    last = 8
    for _ in range(size):
        last = (last + bits.se()) % 256
        if last == 0:
            return


def _order_count(bits: BitReader) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.skip(1)
        bits.se()
        bits.se()
        cycle = bits.ue()
        if cycle > 255:
            raise PeerError("malformed", "num_ref_frames_in_pic_order_cnt_cycle beyond 255")
        for _ in range(cycle):
            bits.se()


def _size(bits: BitReader, chroma_format: int) -> tuple[int, int]:
    width = (bits.ue() + 1) * 16
    map_units = bits.ue() + 1
    frames_only = bits.flag()
    height = map_units * 16 * (1 if frames_only else 2)
    if not frames_only:
        bits.skip(1)
    bits.skip(1)
    if bits.flag():
        step_x = 2 if chroma_format in (1, 2) else 1
        step_y = (2 if chroma_format == 1 else 1) * (1 if frames_only else 2)
        width -= (bits.ue() + bits.ue()) * step_x
        height -= (bits.ue() + bits.ue()) * step_y
    check_size(width, height)
    return width, height


def _usability(bits: BitReader, picture: Picture) -> Picture:
    """Aspect and colour of Annex E; a VUI that lies about itself is ignored, the picture stands."""
    try:
        if not bits.flag():
            return picture
        aspect = _aspect(bits) if bits.flag() else (1, 1)
        if bits.flag():
            bits.skip(1)
        return Picture(picture.width, picture.height, aspect, _colour(bits) if bits.flag() else None)
    except PeerError:
        return picture


def _aspect(bits: BitReader) -> tuple[int, int]:
    index = bits.read(8)
    aspect = (bits.read(16), bits.read(16)) if index == 255 else (1, 1)
    if 0 < index < len(_ASPECTS):
        aspect = _ASPECTS[index]
    return aspect if all(aspect) else (1, 1)


def _colour(bits: BitReader) -> Colour | None:
    bits.skip(3)
    full_range = bits.flag()
    if not bits.flag():
        return None
    return Colour(bits.read(8), bits.read(8), bits.read(8), full_range)

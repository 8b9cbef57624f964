"""H.265: parameter sets, the hvcC record, and which access units decoding can start at.

ITU-T H.265 sections 7.3 and 7.4, ISO/IEC 14496-15 section 8.3 and Annex E.
"""

import msgspec

from madang.base.bits import BitReader
from madang.base.errors import PeerError
from madang.codecs.nal import parameter_sets, split, unescape
from madang.codecs.picture import Picture, check_size

VPS = 32
SPS = 33
PPS = 34
# BLA, IDR and CRA pictures and the reserved ones between (table 7-1).
_IRAP = range(16, 24)


class HevcConfig(msgspec.Struct, frozen=True):
    """An HEVCDecoderConfigurationRecord: the general profile and the parameter sets by NAL type."""

    profile_space: int
    tier: int
    profile: int
    compatibility: int
    constraints: bytes
    level: int
    length_size: int
    sets: tuple[tuple[int, tuple[bytes, ...]], ...]

    def units(self, kind: int) -> tuple[bytes, ...]:
        """Parameter sets of one NAL type."""
        return tuple(unit for each, units in self.sets if each == kind for unit in units)


def parse_config(record: bytes) -> HevcConfig:
    """Read an hvcC record; PeerError when it is cut or holds no SPS."""
    if len(record) < 23 or record[0] > 1:
        raise PeerError("malformed", "not an HEVCDecoderConfigurationRecord of version 1")
    position, sets = 23, []
    for _ in range(record[22]):
        if position + 3 > len(record):
            raise PeerError("malformed", "hvcC ends inside its arrays")
        kind = record[position] & 63
        count = int.from_bytes(record[position + 1 : position + 3], "big")
        units, position = parameter_sets(record, position + 3, count)
        sets.append((kind, units))
    config = HevcConfig(
        record[1] >> 6, record[1] >> 5 & 1, record[1] & 31, int.from_bytes(record[2:6], "big"),
        record[6:12], record[12], (record[21] & 3) + 1, tuple(sets),
    )  # fmt: skip
    if not config.units(SPS) or config.length_size == 3:
        raise PeerError("malformed", "hvcC without a sequence parameter set, or with reserved lengths")
    return config


def widen_config(record: bytes) -> bytes:
    """The record with NAL lengths of four bytes."""
    return record[:21] + bytes((record[21] | 3,)) + record[22:]


def build_config(vps: bytes, sps: bytes, pps: bytes) -> bytes:
    """An hvcC record of three parameter sets found in-band, NAL lengths of four bytes."""
    facts = parse_sps(sps)
    head = unescape(sps[2:32])
    if len(head) < 13:
        raise PeerError("malformed", "sequence parameter set ends inside its profile")
    general = head[1:13]  # profile byte, 4 of compatibility, 6 of constraints, level
    layers = (head[0] >> 1 & 7) + 1
    nested = head[0] & 1
    record = b"\x01" + general + b"\xf0\x00\xfc"
    record += bytes((0xFC | facts.chroma_format, 0xF8 | facts.depth_luma - 8, 0xF8 | facts.depth_chroma - 8))
    record += b"\x00\x00" + bytes((layers << 3 | nested << 2 | 3, 3))
    for kind, unit in ((VPS, vps), (SPS, sps), (PPS, pps)):
        record += bytes((0x80 | kind,)) + b"\x00\x01" + len(unit).to_bytes(2, "big") + unit
    return record


def config_in(payload: bytes | memoryview) -> bytes | None:
    """An hvcC record of the parameter sets inside an access unit, None when one is missing."""
    found: dict[int, bytes] = {}
    for unit in split(payload):
        kind = unit[0] >> 1 & 63
        if kind in (VPS, SPS, PPS):
            found.setdefault(kind, unit.tobytes())
    return build_config(found[VPS], found[SPS], found[PPS]) if len(found) == 3 else None


def is_irap(payload: bytes | memoryview) -> bool:
    """Whether an access unit of four-byte lengths is a random access point (BLA, IDR or CRA)."""
    return any(unit[0] >> 1 & 63 in _IRAP for unit in split(payload))


def codec_string(config: HevcConfig) -> str:
    """ISO/IEC 14496-15 section E.3, with `hvc1`, which Apple's players ask for."""
    space = ("", "A", "B", "C")[config.profile_space]
    reversed_flags = int(f"{config.compatibility:032b}"[::-1], 2)
    parts = [f"hvc1.{space}{config.profile}", f"{reversed_flags:x}", f"{'LH'[config.tier]}{config.level}"]
    parts += [f"{byte:x}" for byte in config.constraints.rstrip(b"\x00")]
    return ".".join(parts)


class Sps(msgspec.Struct, frozen=True):
    """What a sequence parameter set says of the picture."""

    chroma_format: int
    depth_luma: int
    depth_chroma: int
    picture: Picture


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set NAL unit (section 7.3.2.2) up to the bit depths.

    PeerError `malformed` for broken syntax, `unsupported` for pictures beyond A52's bounds."""
    if len(unit) < 4 or unit[0] >> 1 & 63 != SPS:
        raise PeerError("malformed", "not a sequence parameter set")
    bits = BitReader(unescape(unit[2:]))
    bits.skip(4)
    _profile_tier_level(bits, sub_layers=bits.read(3))
    if bits.ue() > 15:
        raise PeerError("malformed", "sps_seq_parameter_set_id beyond 15")
    chroma_format = bits.ue()
    if chroma_format > 3:
        raise PeerError("malformed", f"chroma_format_idc {chroma_format}")
    if chroma_format == 3:
        bits.skip(1)
    width, height = bits.ue(), bits.ue()
    if bits.flag():
        width -= (bits.ue() + bits.ue()) * (2 if chroma_format in (1, 2) else 1)
        height -= (bits.ue() + bits.ue()) * (2 if chroma_format == 1 else 1)
    check_size(width, height)
    depth_luma, depth_chroma = bits.ue() + 8, bits.ue() + 8
    if depth_luma > 15 or depth_chroma > 15:
        raise PeerError("malformed", "bit depth beyond 15")
    return Sps(chroma_format, depth_luma, depth_chroma, Picture(width, height))


def _profile_tier_level(bits: BitReader, sub_layers: int) -> None:
    bits.skip(1)  # sps_temporal_id_nesting_flag
    bits.skip(96)  # general profile, compatibility, constraints and level
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.skip(2 * (8 - sub_layers))
    for profile, level in present:
        bits.skip(88 * profile + 8 * level)

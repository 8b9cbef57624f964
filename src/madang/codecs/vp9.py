"""VP9: what kind of picture a frame is (VP9 bitstream specification section 6.2), and the vpcC record of its
track (VP Codec ISO Media File Format Binding section 2)."""

import msgspec

from madang.base.bits import BitReader
from madang.base.errors import PeerError
from madang.codecs.picture import Picture, check_size

_SYNC = 0x498342
_RGB = 7
# Table of levels in Annex A: the largest luma picture of each.
_LEVELS = (
    (36_864, 10), (73_728, 11), (122_880, 20), (245_760, 21), (552_960, 30), (983_040, 31),
    (2_228_224, 40), (8_912_896, 50), (35_651_584, 60),
)  # fmt: skip


class Header(msgspec.Struct, frozen=True):
    """What the uncompressed header of a keyframe says."""

    profile: int
    depth: int
    subsampling: int
    """chromaSubsampling of vpcC: 1 for 4:2:0 with co-located chroma, 2 for 4:2:2, 3 for 4:4:4."""
    full_range: bool
    picture: Picture

    @property
    def level(self) -> int:
        """The lowest level whose pictures are as large."""
        samples = self.picture.width * self.picture.height
        return next((level for most, level in _LEVELS if samples <= most), 62)


def is_keyframe(frame: bytes | memoryview) -> bool:
    """Whether decoding can start here (frame_type of the first frame of a superframe)."""
    if not len(frame) or frame[0] >> 6 != 2:
        return False
    bits = BitReader(frame[:2])
    _profile(bits)
    return not bits.flag() and not bits.flag()


def _profile(bits: BitReader) -> int:
    if bits.read(2) != 2:
        raise PeerError("malformed", "a VP9 frame without its marker")
    low, high = bits.read(1), bits.read(1)
    profile = high << 1 | low
    if profile == 3:
        bits.skip(1)
    return profile


def parse_keyframe(frame: bytes | memoryview) -> Header:
    """The uncompressed header of a keyframe; PeerError `malformed`, or `unsupported` beyond A52's bounds."""
    bits = BitReader(frame[:32])
    profile = _profile(bits)
    if bits.flag() or bits.flag():
        raise PeerError("malformed", "not a VP9 keyframe")
    bits.skip(2)  # show_frame, error_resilient_mode
    if bits.read(24) != _SYNC:
        raise PeerError("malformed", "a VP9 keyframe without its sync code")
    depth = (12 if bits.flag() else 10) if profile >= 2 else 8
    subsampling, full_range = 1, True
    if bits.read(3) != _RGB:
        full_range = bits.flag()
        if profile & 1:
            half_width, half_height = bits.flag(), bits.flag()
            subsampling = 2 if half_width or half_height else 3
            bits.skip(1)
    elif profile & 1:
        subsampling = 3
        bits.skip(1)
    width, height = bits.read(16) + 1, bits.read(16) + 1
    check_size(width, height)
    return Header(profile, depth, subsampling, full_range, Picture(width, height))


def build_config(header: Header) -> bytes:
    """The payload of a vpcC box, its version and flags included; colours unspecified."""
    depth = header.depth << 4 | header.subsampling << 1 | header.full_range
    return bytes((1, 0, 0, 0, header.profile, header.level, depth, 2, 2, 2, 0, 0))


def codec_string(config: bytes) -> str:
    """`vp09.PP.LL.DD` of a vpcC payload."""
    if len(config) < 12 or config[0] != 1:
        raise PeerError("malformed", "not a vpcC record of version 1")
    return f"vp09.{config[4]:02}.{config[5]:02}.{config[6] >> 4:02}"

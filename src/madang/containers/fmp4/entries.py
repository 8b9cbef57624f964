"""Sample entries: how a track's decoder configuration is written into `stsd`.

ISO/IEC 14496-12 section 8.5.2, 14496-14 section 5.6, 14496-15 sections 5.4 and 8.4; the AV1 and Opus
bindings.
"""

import struct

from madang.codecs import av1, h264, h265
from madang.codecs.picture import Picture
from madang.codecs.registry import ROWS
from madang.containers.fmp4.boxes import box, full_box
from madang.media.track import Codec, Kind, Track

_CONFIG_BOX = {
    Codec.H264: b"avcC",
    Codec.H265: b"hvcC",
    Codec.AV1: b"av1C",
    Codec.VP8: b"vpcC",
    Codec.VP9: b"vpcC",
}
# objectTypeIndication of ISO/IEC 14496-1 table 5.
_OBJECT_TYPE = {Codec.AAC: 0x40, Codec.MP3: 0x6B}


def sample_entry(track: Track) -> bytes:
    """The sample entry box of a track."""
    return _audio(track) if track.kind is Kind.AUDIO else _visual(track)


def _visual(track: Track) -> bytes:
    picture = _picture(track)
    head = struct.pack(
        ">6xH16xHHIIIH32sHh", 1, track.width, track.height, 0x480000, 0x480000, 0, 1, b"", 24, -1
    )
    boxes = [box(_CONFIG_BOX[track.codec], track.config)]
    if picture.colour is not None:
        colour = picture.colour
        codes = struct.pack(">HHHB", colour.primaries, colour.transfer, colour.matrix, colour.full_range << 7)
        boxes.append(box(b"colr", b"nclx", codes))
    if picture.aspect != (1, 1):
        boxes.append(box(b"pasp", struct.pack(">II", *picture.aspect)))
    return box(ROWS[track.codec].sample_entry, head, *boxes)


def _picture(track: Track) -> Picture:
    if track.codec is Codec.H264:
        return h264.parse_sps(h264.parse_config(track.config).sps[0]).picture
    if track.codec is Codec.H265:
        return h265.parse_sps(h265.parse_config(track.config).units(h265.SPS)[0]).picture
    if track.codec in (Codec.VP8, Codec.VP9):
        return Picture(track.width, track.height)
    return av1.parse_config(track.config).picture


def _audio(track: Track) -> bytes:
    # 16.16 has no room for rates beyond 65,535; the decoder configuration tells those.
    rate = track.sample_rate if track.sample_rate < 65_536 else 0
    head = struct.pack(">6xH8xHHII", 1, track.channels, 16, 0, rate << 16)
    if track.codec is Codec.OPUS:
        return box(b"Opus", head, box(b"dOps", track.config))
    return box(b"mp4a", head, _elementary_stream(track))


def _elementary_stream(track: Track) -> bytes:
    """esds: ES, decoder configuration and SL descriptors (ISO/IEC 14496-1 section 7.2.6)."""
    specific = _descriptor(5, track.config) if track.config else b""
    decoder = struct.pack(">BBxxxII", _OBJECT_TYPE[track.codec], 0x15, 0, 0) + specific
    stream = struct.pack(">HB", track.id, 0) + _descriptor(4, decoder) + _descriptor(6, b"\x02")
    return full_box(b"esds", 0, 0, _descriptor(3, stream))


def _descriptor(tag: int, payload: bytes) -> bytes:
    length = len(payload)
    return bytes((tag, 0x80 | length >> 21 & 127, 0x80 | length >> 14 & 127, 0x80 | length >> 7 & 127,
                  length & 127)) + payload  # fmt: skip

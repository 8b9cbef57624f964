"""Video tag bodies: classic AVC, HEVC as codec id 12, and Enhanced RTMP v2 (E-RTMP, ExVideoTagHeader)."""

from typing import Final

from madang.base.errors import PeerError
from madang.codecs.registry import ROWS
from madang.containers.flv.packet import (
    CODED_FRAMES,
    OTHER,
    SEQUENCE_END,
    SEQUENCE_START,
    Packet,
    fourcc_codec,
    read_prelude,
)
from madang.media.frame import Frame
from madang.media.timebase import MILLISECONDS, rescale
from madang.media.track import Codec, Kind, Track

KEY_FRAME: Final = 1
GENERATED_KEY_FRAME: Final = 4
COMMAND: Final = 5

_CODED_FRAMES_X: Final = 3
_MPEG2TS_SEQUENCE_START: Final = 5
_MULTITRACK: Final = 6
_MOD_EX: Final = 7

# CodecID of the classic header. HEVC there is a convention of Chinese encoders that SRS and others share.
_CLASSIC = {7: Codec.H264, 12: Codec.H265}
_CLASSIC_NAMES = {2: "Sorenson H.263", 3: "Screen video", 4: "VP6", 5: "VP6 with alpha", 6: "Screen video 2"}
_COMPOSED = frozenset({Codec.H264, Codec.H265})
"""Codecs whose CodedFrames carry a composition time."""


def parse_video(body: bytes | memoryview) -> Packet:
    """What a video body says. Raises PeerError when it is cut off; an unknown codec is no error."""
    if len(body) < 2:
        raise PeerError("malformed", "video body is cut off")
    first = body[0]
    if first & 0x80:
        return _parse_enhanced(memoryview(body))
    frame_type, codec = first >> 4, _CLASSIC.get(first & 15)
    view = memoryview(body)
    if codec is None or frame_type == COMMAND:
        name = codec.value if codec else _CLASSIC_NAMES.get(first & 15, f"video codec {first & 15}")
        return Packet(OTHER, codec, view[1:], name=name)
    if len(body) < 5:
        raise PeerError("malformed", "video body is cut off")
    return Packet(
        body[1] if body[1] < 3 else OTHER,
        codec,
        view[5:],
        frame_type in (KEY_FRAME, GENERATED_KEY_FRAME),
        _signed_24(body[2] << 16 | body[3] << 8 | body[4]),
    )


def _parse_enhanced(body: memoryview) -> Packet:
    frame_type, packet_type = body[0] >> 4 & 7, body[0] & 15
    prelude = read_prelude(body, packet_type, _MOD_EX, _MULTITRACK)
    codec, name = fourcc_codec(prelude.fourcc, Kind.VIDEO)
    start, kind, composition_ms = prelude.start, prelude.packet_type, 0
    if kind == CODED_FRAMES and codec in _COMPOSED:
        if prelude.end < start + 3:
            raise PeerError("malformed", "composition time is cut off")
        composition_ms = _signed_24(int.from_bytes(body[start : start + 3], "big"))
        start += 3
    elif kind == _CODED_FRAMES_X:
        kind = CODED_FRAMES
    elif kind == _MPEG2TS_SEQUENCE_START:
        # A descriptor tag and its length, then the four bytes that av1C begins with (AV1 in MPEG-2 TS, 2.1).
        start, kind = start + 2, SEQUENCE_START
    if kind > SEQUENCE_END or (frame_type == COMMAND and kind != SEQUENCE_START):
        kind = OTHER
    return Packet(
        kind,
        codec,
        body[start : prelude.end],
        frame_type in (KEY_FRAME, GENERATED_KEY_FRAME),
        composition_ms,
        prelude.nano_offset,
        prelude.track,
        name,
    )


def _signed_24(number: int) -> int:
    return number - 0x1000000 if number & 0x800000 else number


def video_sequence_header(track: Track) -> bytes:
    """The body that announces `track`: classic for H.264, enhanced for every other codec."""
    if track.codec is Codec.H264:
        return b"\x17\x00\x00\x00\x00" + track.config
    return b"\x90" + ROWS[track.codec].fourcc + track.config


def video_prefix(track: Track, frame: Frame) -> bytes:
    """What stands before the payload of a frame; the composition time is the difference of the rounded
    milliseconds.

    The tag's own timestamp is `timestamp_ms(track, frame.dts)`, so that dts + composition is the rounded pts.
    """
    composition_ms = timestamp_ms(track, frame.pts) - timestamp_ms(track, frame.dts)
    composition = (max(-0x800000, min(composition_ms, 0x7FFFFF)) & 0xFFFFFF).to_bytes(3, "big")
    if track.codec is Codec.H264:
        return (b"\x17\x01" if frame.keyframe else b"\x27\x01") + composition
    fourcc = ROWS[track.codec].fourcc
    if track.codec in _COMPOSED and composition_ms:
        return (b"\x91" if frame.keyframe else b"\xa1") + fourcc + composition
    if track.codec in _COMPOSED:
        return (b"\x93" if frame.keyframe else b"\xa3") + fourcc
    return (b"\x91" if frame.keyframe else b"\xa1") + fourcc


def timestamp_ms(track: Track, ticks: int) -> int:
    """Ticks of the track as the milliseconds of a tag."""
    return rescale(ticks, track.timescale, MILLISECONDS)

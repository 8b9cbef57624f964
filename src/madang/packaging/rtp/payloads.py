"""A frame of a track as RTP payloads: the format of its codec, with what a decoder needs at a keyframe."""

from collections.abc import Callable

from madang.codecs import h264, h265
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.protocols.rtp import av1 as av1_format
from madang.protocols.rtp import h264 as h264_format
from madang.protocols.rtp import h265 as h265_format
from madang.protocols.rtp import vp8 as vp8_format
from madang.protocols.rtp import vp9 as vp9_format

Packetise = Callable[[Frame], list[bytes]]
"""A frame as payloads, the marker's last; each of at most the budget it was made for."""

CARRIED = frozenset({Codec.H264, Codec.H265, Codec.AV1, Codec.VP8, Codec.VP9, Codec.OPUS})
"""Codecs that have a payload format here."""


def packetiser(track: Track, budget: int) -> Packetise:
    """Packetises frames of `track` into payloads of at most `budget` bytes. KeyError for codecs that are not
    CARRIED."""
    return _MAKERS[track.codec](track, budget)


def _h264(track: Track, budget: int) -> Packetise:
    record = h264.parse_config(track.config)
    sets = (*record.sps, *record.pps)
    return lambda frame: h264_format.packetise(frame.payload, budget, sets if frame.keyframe else ())


def _h265(track: Track, budget: int) -> Packetise:
    record = h265.parse_config(track.config)
    sets = tuple(unit for kind in (h265.VPS, h265.SPS, h265.PPS) for unit in record.units(kind))
    return lambda frame: h265_format.packetise(frame.payload, budget, sets if frame.keyframe else ())


def _av1(track: Track, budget: int) -> Packetise:
    return lambda frame: av1_format.packetise(frame.payload, budget, frame.keyframe)


def _vp8(track: Track, budget: int) -> Packetise:
    return lambda frame: vp8_format.packetise(frame.payload, budget)


def _vp9(track: Track, budget: int) -> Packetise:
    return lambda frame: vp9_format.packetise(frame.payload, budget)


def _opus(track: Track, budget: int) -> Packetise:
    return lambda frame: [bytes(frame.payload)] if len(frame.payload) <= budget else []


_MAKERS: dict[Codec, Callable[[Track, int], Packetise]] = {
    Codec.H264: _h264,
    Codec.H265: _h265,
    Codec.AV1: _av1,
    Codec.VP8: _vp8,
    Codec.VP9: _vp9,
    Codec.OPUS: _opus,
}

"""A track: what the frames of one elementary stream have in common."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"


class Codec(StrEnum):
    """Codecs by the names that the house uses; every other name of them is a column of `codecs.registry`."""

    H264 = "h264"
    H265 = "h265"
    AV1 = "av1"
    VP8 = "vp8"
    VP9 = "vp9"
    AAC = "aac"
    OPUS = "opus"
    MP3 = "mp3"

    @property
    def kind(self) -> Kind:
        return Kind.AUDIO if self in _AUDIO else Kind.VIDEO


_AUDIO = frozenset({Codec.AAC, Codec.OPUS, Codec.MP3})


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One elementary stream. `config` is the decoder configuration as MP4 stores it: avcC, hvcC or av1C
    record, the payload of vpcC, AudioSpecificConfig, or the dOps payload; empty for MP3.

    `id` is 1 for the first video track and 2 for the first audio track. Two equal tracks need no new
    initialisation segment; unequal ones do.
    """

    id: int
    codec: Codec
    timescale: int
    """Ticks per second of every dts and pts: 90,000 for video, the sample rate for audio."""
    config: bytes = b""
    codec_string: str = ""
    """RFC 6381, as HLS and DASH want it."""
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0
    frame_samples: int = 0
    """Audio samples of one frame when every frame has as many (AAC 1024 or 960), else 0."""

    @property
    def kind(self) -> Kind:
        return self.codec.kind

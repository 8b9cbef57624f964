"""One row per codec: every name it goes by, and how its configuration becomes a track."""

from collections.abc import Callable

import msgspec

from madang.base.errors import PeerError
from madang.codecs import aac, av1, h264, h265, mp3, opus, vp8, vp9
from madang.media.timebase import VIDEO_TIMESCALE
from madang.media.track import Codec, Track


class Row(msgspec.Struct, frozen=True):
    """The names of a codec on each floor; empty or None where a format has none for it."""

    codec: Codec
    rtmp_id: int | None
    """CodecID (video) or SoundFormat (audio) of FLV, annex E.4."""
    fourcc: bytes
    """Enhanced RTMP."""
    rfc6381: str
    """Start of the codec string."""
    sdp: str
    """Encoding name of RTP payloads."""
    sample_entry: bytes
    """MP4."""


ROWS: dict[Codec, Row] = {
    row.codec: row
    for row in (
        Row(Codec.H264, 7, b"avc1", "avc1", "H264", b"avc1"),
        Row(Codec.H265, 12, b"hvc1", "hvc1", "H265", b"hvc1"),
        Row(Codec.AV1, 13, b"av01", "av01", "AV1", b"av01"),
        Row(Codec.VP8, None, b"vp08", "vp08", "VP8", b"vp08"),
        Row(Codec.VP9, None, b"vp09", "vp09", "VP9", b"vp09"),
        Row(Codec.AAC, 10, b"mp4a", "mp4a.40", "MPEG4-GENERIC", b"mp4a"),
        Row(Codec.OPUS, 13, b"Opus", "opus", "opus", b"Opus"),
        Row(Codec.MP3, 2, b".mp3", "mp4a.40.34", "MPA", b"mp4a"),
    )
}
BY_FOURCC: dict[bytes, Codec] = {row.fourcc: row.codec for row in ROWS.values()}


def track(codec: Codec, track_id: int, config: bytes) -> Track:
    """A track from its decoder configuration: avcC, hvcC, av1C, AudioSpecificConfig, dOps or OpusHead.

    MP3, VP8 and VP9 have no configuration: give the first frame, or a keyframe, of which the header is read.
    NAL lengths in the track's configuration are four bytes, whatever the publisher's were (`length_size`
    tells those).
    PeerError `malformed`, or `unsupported` for what is beyond the limits (A52) or not carried.
    """
    make = _MAKERS.get(codec)
    if make is None:
        raise PeerError("unsupported", f"codec {codec}", f"{codec.value.upper()} cannot be published here.")
    return make(track_id, config)


def length_size(codec: Codec, config: bytes) -> int:
    """Bytes of the NAL lengths in a publisher's frames; 4 for codecs without NAL units."""
    if codec is Codec.H264:
        return h264.parse_config(config).length_size
    if codec is Codec.H265:
        return h265.parse_config(config).length_size
    return 4


def _h264(track_id: int, config: bytes) -> Track:
    record = h264.parse_config(config)
    picture = h264.parse_sps(record.sps[0]).picture
    return Track(
        id=track_id,
        codec=Codec.H264,
        timescale=VIDEO_TIMESCALE,
        config=config[:4] + bytes((config[4] | 3,)) + config[5:],
        codec_string=h264.codec_string(record),
        width=picture.width,
        height=picture.height,
    )


def _h265(track_id: int, config: bytes) -> Track:
    record = h265.parse_config(config)
    picture = h265.parse_sps(record.units(h265.SPS)[0]).picture
    return Track(
        id=track_id,
        codec=Codec.H265,
        timescale=VIDEO_TIMESCALE,
        config=h265.widen_config(config),
        codec_string=h265.codec_string(record),
        width=picture.width,
        height=picture.height,
    )


def _av1(track_id: int, config: bytes) -> Track:
    header = av1.parse_config(config)
    return Track(
        id=track_id,
        codec=Codec.AV1,
        timescale=VIDEO_TIMESCALE,
        config=config,
        codec_string=av1.codec_string(header),
        width=header.picture.width,
        height=header.picture.height,
    )


def _vp8(track_id: int, keyframe: bytes) -> Track:
    picture = vp8.parse_keyframe(keyframe)
    return Track(
        id=track_id,
        codec=Codec.VP8,
        timescale=VIDEO_TIMESCALE,
        config=vp8.CONFIG,
        codec_string="vp08.00.10.08",
        width=picture.width,
        height=picture.height,
    )


def _vp9(track_id: int, keyframe: bytes) -> Track:
    header = vp9.parse_keyframe(keyframe)
    config = vp9.build_config(header)
    return Track(
        id=track_id,
        codec=Codec.VP9,
        timescale=VIDEO_TIMESCALE,
        config=config,
        codec_string=vp9.codec_string(config),
        width=header.picture.width,
        height=header.picture.height,
    )


def _aac(track_id: int, config: bytes) -> Track:
    facts = aac.parse_config(config)
    return Track(
        id=track_id,
        codec=Codec.AAC,
        timescale=facts.sample_rate,
        config=config,
        codec_string=aac.codec_string(facts),
        sample_rate=facts.sample_rate,
        channels=facts.channels,
        frame_samples=facts.frame_samples,
    )


def _opus(track_id: int, config: bytes) -> Track:
    facts = opus.parse_config(config)
    return Track(
        id=track_id,
        codec=Codec.OPUS,
        timescale=opus.RATE,
        config=facts.record,
        codec_string="opus",
        sample_rate=opus.RATE,
        channels=facts.channels,
    )


def _mp3(track_id: int, frame: bytes) -> Track:
    header = mp3.parse_header(frame)
    return Track(
        id=track_id,
        codec=Codec.MP3,
        timescale=header.sample_rate,
        codec_string=ROWS[Codec.MP3].rfc6381,
        sample_rate=header.sample_rate,
        channels=header.channels,
        frame_samples=header.frame_samples,
    )


_MAKERS: dict[Codec, Callable[[int, bytes], Track]] = {
    Codec.H264: _h264,
    Codec.H265: _h265,
    Codec.AV1: _av1,
    Codec.VP8: _vp8,
    Codec.VP9: _vp9,
    Codec.AAC: _aac,
    Codec.OPUS: _opus,
    Codec.MP3: _mp3,
}

"""onMetaData: written for players from the tracks, read from publishers as a hint of what will come."""

from collections.abc import Mapping

import msgspec

from madang.base.errors import PeerError
from madang.codecs.registry import ROWS
from madang.containers.flv import amf
from madang.media.track import Codec, Kind, Track

_CLASSIC = frozenset({Codec.H264, Codec.AAC, Codec.MP3})
"""Codecs that go out under a number of the classic header; the others under their FourCC."""


class Hint(msgspec.Struct, frozen=True):
    """What a publisher's metadata announces. None where it does not say; never a fact about a track."""

    video: bool | None = None
    audio: bool | None = None


def metadata_body(tracks: tuple[Track, ...], extra: Mapping[str, amf.Value] | None = None) -> bytes:
    """The body of an onMetaData script tag; no duration and no file size, for a live stream has none."""
    properties = amf.EcmaArray()
    for track in tracks:
        if track.kind is Kind.VIDEO:
            properties |= {
                "width": track.width,
                "height": track.height,
                "videocodecid": _codec_id(track.codec),
            }
        else:
            properties |= {
                "audiocodecid": _codec_id(track.codec),
                "audiosamplerate": track.sample_rate,
                "audiosamplesize": 16,
                "stereo": track.channels > 1,
            }
    properties |= dict(extra or {}) | {"encoder": "Madang"}
    return amf.encode("onMetaData", properties)


def _codec_id(codec: Codec) -> int:
    row = ROWS[codec]
    if codec in _CLASSIC and row.rtmp_id is not None:
        return row.rtmp_id
    return int.from_bytes(row.fourcc, "big")


def parse_metadata(values: list[amf.Value]) -> Hint | None:
    """The hint in a data message's values, with or without `@setDataFrame`; None for another message."""
    if values[:1] == ["@setDataFrame"]:
        values = values[1:]
    if len(values) < 2 or values[0] != "onMetaData" or not isinstance(values[1], Mapping):
        return None
    properties = values[1]
    return Hint(
        video=_announced(properties, "videocodecid", "hasVideo"),
        audio=_announced(properties, "audiocodecid", "hasAudio"),
    )


def _announced(properties: Mapping[str, amf.Value], codec_id: str, has: str) -> bool | None:
    """A codec id says yes (a number, or a text such as `avc1`), `has` says what it says; else unknown."""
    if properties.get(codec_id) not in (None, "", 0, 0.0):
        return True
    said = properties.get(has)
    return said if isinstance(said, bool) else None


def parse_script(body: bytes) -> list[amf.Value]:
    """The values of a script tag; empty when they are not AMF, for metadata is never worth a stream."""
    try:
        return amf.decode(body)
    except PeerError:
        return []

"""Multivariant playlists (rfc8216bis section 4.4.6)."""

from collections.abc import Sequence

import msgspec


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One `EXT-X-STREAM-INF`: bits per second, RFC 6381 codecs, luma samples, frames per second."""

    uri: str
    bandwidth: int
    """Peak."""
    average_bandwidth: int
    codecs: Sequence[str]
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    audio: str = ""
    """Name of its audio group."""


class AudioRendition(msgspec.Struct, frozen=True, kw_only=True):
    """One `EXT-X-MEDIA` of type AUDIO."""

    group: str
    uri: str
    name: str = "Main"
    channels: int = 2


def multivariant(variants: Sequence[Variant], audio: Sequence[AudioRendition] = ()) -> str:
    """The whole playlist."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:10"]
    lines += [
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{rendition.group}",NAME="{rendition.name}",DEFAULT=YES,'
        f'AUTOSELECT=YES,CHANNELS="{rendition.channels}",URI="{rendition.uri}"'
        for rendition in audio
    ]
    for variant in variants:
        lines += [_stream_inf(variant), variant.uri]
    return "\n".join(lines) + "\n"


def _stream_inf(variant: Variant) -> str:
    attributes = [
        f"BANDWIDTH={variant.bandwidth}",
        f"AVERAGE-BANDWIDTH={variant.average_bandwidth}",
        f'CODECS="{",".join(variant.codecs)}"',
    ]
    if variant.width:
        attributes.append(f"RESOLUTION={variant.width}x{variant.height}")
    if variant.frame_rate:
        attributes.append(f"FRAME-RATE={variant.frame_rate:.3f}")
    if variant.audio:
        attributes.append(f'AUDIO="{variant.audio}"')
    return "#EXT-X-STREAM-INF:" + ",".join(attributes)

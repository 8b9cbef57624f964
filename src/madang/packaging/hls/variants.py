"""The multivariant playlist of a broadcast: what players choose by, measured from its own segments."""

from collections.abc import Callable
from itertools import islice

from madang.containers.m3u8.multivariant import AudioRendition, Variant, multivariant
from madang.media.track import Kind
from madang.packaging.cmaf.segment import Name, Segment
from madang.packaging.cmaf.window import Window

# How many of the newest segments the bandwidths are measured from.
_MEASURED = 30
# Before anything can be measured.
_UNKNOWN_BITS = 2_000_000


def render_variants(window: Window, separate_audio: bool, uri: Callable[[Name], str]) -> str:
    """The multivariant playlist; `uri` gives the media playlist of a rendition."""
    tracks = {track.kind: track for track in window.tracks()}
    video, audio = tracks.get(Kind.VIDEO), tracks.get(Kind.AUDIO)
    apart = separate_audio and video is not None and audio is not None
    peak, average = bandwidths(window)
    variant = Variant(
        uri=uri(Name.VIDEO if apart else Name.MAIN),
        bandwidth=peak,
        average_bandwidth=average,
        codecs=[track.codec_string for track in (video, audio) if track],
        width=video.width if video else 0,
        height=video.height if video else 0,
        frame_rate=window.frame_rate,
        audio="audio" if apart else "",
    )
    renditions = []
    if apart and audio:
        renditions = [AudioRendition(group="audio", uri=uri(Name.AUDIO), channels=audio.channels)]
    return multivariant([variant], renditions)


def bandwidths(window: Window) -> tuple[int, int]:
    """Peak and average bits per second of the newest segments."""
    newest = [s for s in islice(reversed(window.segments), _MEASURED) if s.duration > 0.1]
    if not newest:
        return _UNKNOWN_BITS, _UNKNOWN_BITS
    total = sum(segment.duration for segment in newest)
    average = sum(_bytes_of(segment) for segment in newest) * 8 / total
    peak = max(_bytes_of(segment) * 8 / segment.duration for segment in newest)
    return int(peak) + 1, int(average) + 1


def _bytes_of(segment: Segment) -> int:
    return segment.size or sum(len(part.body) for part in segment.parts)

"""The multivariant playlist of a broadcast: what players choose by, measured from its own segments."""

from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType

from madang.containers.m3u8.multivariant import AudioRendition, Variant, multivariant
from madang.media.track import Kind, Track
from madang.packaging.cmaf.rung import Rung
from madang.packaging.cmaf.segment import Name, Segment
from madang.packaging.cmaf.window import Window

# How many of the newest segments the bandwidths are measured from.
_MEASURED = 30
# Before anything can be measured.
_UNKNOWN_BITS = 2_000_000
# Of sound, which is measured together with the larger picture.
SOUND_BITS = 128_000
_NONE: Mapping[str, Rung] = MappingProxyType({})


def render_variants(
    window: Window, separate_audio: bool, uri: Callable[[str], str], rungs: Mapping[str, Rung] = _NONE
) -> str:
    """The multivariant playlist; `uri` gives the media playlist of a rendition. Smaller pictures have no
    sound of their own: beside `rungs`, which are given by their names, sound is a rendition apart."""
    tracks = {track.kind: track for track in window.tracks()}
    video, audio = tracks.get(Kind.VIDEO), tracks.get(Kind.AUDIO)
    beside = {name: rung for name, rung in rungs.items() if video and _smaller(rung, video)}
    apart = bool(separate_audio or beside) and video is not None and audio is not None
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
    variants = [variant, *(_lower(rung.window, audio, uri(name)) for name, rung in beside.items())]
    renditions = []
    if apart and audio:
        renditions = [AudioRendition(group="audio", uri=uri(Name.AUDIO), channels=audio.channels)]
    return multivariant(variants, renditions)


def _smaller(rung: Rung, video: Track) -> bool:
    """Whether a rung is worth offering beside this picture."""
    return rung.offered and all(track.height < video.height for track in rung.window.tracks())


def _lower(window: Window, audio: Track | None, uri: str) -> Variant:
    """A smaller picture, with the sound that goes with it."""
    peak, average = bandwidths(window)
    (video,) = window.tracks()
    sound = SOUND_BITS if audio else 0
    return Variant(
        uri=uri,
        bandwidth=peak + sound,
        average_bandwidth=average + sound,
        codecs=[track.codec_string for track in (video, audio) if track],
        width=video.width,
        height=video.height,
        audio="audio" if audio else "",
    )


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

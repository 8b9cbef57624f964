"""Which of the offered formats carries a codec: the names of RFC 6184, 7798, 7741, 9628, 7587 and of the
AV1 RTP specification."""

from typing import Final

from madang.codecs.registry import ROWS
from madang.media.track import Codec
from madang.protocols.sdp.words import Format, Section

NAMES: Final = {
    codec: ROWS[codec].sdp.lower()
    for codec in (Codec.H264, Codec.H265, Codec.AV1, Codec.VP8, Codec.VP9, Codec.OPUS)
}
"""Encoding names in lower case, of what travels in RTP here."""
CODECS: Final = {name: codec for codec, name in NAMES.items()}

# profile_idc by what it can decode (RFC 6184 table 5): baseline, main, extended, high.
_BASELINE, _MAIN, _HIGH = 0x42, 0x4D, 0x64
_COVERS = {_BASELINE: (_BASELINE, _MAIN, _HIGH), _MAIN: (_MAIN, _HIGH), _HIGH: (_HIGH,)}


def offered(section: Section, codec: Codec) -> tuple[Format, ...]:
    """Formats of the section that carry `codec` in a way that is spoken here, as they were offered.

    H.264 must allow fragments (packetization-mode 1), or say nothing of it, as GStreamer does by itself,
    which reads them all the same; of VP9, AV1 and H.265 the main 8-bit profiles."""
    name = NAMES.get(codec)
    found = [each for each in section.formats if each.name.lower() == name and _spoken(codec, each)]
    if codec is Codec.H264:
        found.sort(key=lambda one: "packetization-mode" not in one.parameters)
    return tuple(found)


def _spoken(codec: Codec, one: Format) -> bool:
    parameters = one.parameters
    if codec is Codec.H264:
        return parameters.get("packetization-mode", "1") == "1"
    if codec is Codec.H265:
        return parameters.get("tx-mode", "SRST") == "SRST" and parameters.get("profile-id", "1") == "1"
    if codec is Codec.VP9:
        return parameters.get("profile-id", "0") == "0"
    if codec is Codec.AV1:
        return parameters.get("profile", "0") == "0"
    if codec is Codec.OPUS:
        return one.clock_rate == 48_000  # always with /2 (RFC 7587), which some leave out
    return True


def h264_profile(one: Format) -> int:
    """profile_idc of an H.264 format; baseline where none is given (RFC 6184 section 8.1)."""
    text = one.parameters.get("profile-level-id", "42e01f")
    try:
        return int(text[:2], 16)
    except ValueError:
        return _BASELINE


def to_play(section: Section, codec: Codec, profile: int = _BASELINE) -> Format | None:
    """The format in which a stream of `codec` is best sent to who made this offer, None when it takes none.

    For H.264 the offered profile that is nearest above the stream's `profile` (profile_idc); where nothing
    covers it, what there is: browsers that offer no High decode it under another name."""
    formats = offered(section, codec)
    if codec is not Codec.H264 or not formats:
        return formats[0] if formats else None
    for wanted in _COVERS.get(profile, (_HIGH,)):
        for one in formats:
            if h264_profile(one) == wanted:
                return one
    return formats[0]


def to_publish(section: Section, preferred: tuple[Codec, ...]) -> Format | None:
    """The format in which a publisher should send: the first codec of `preferred` that it offers, in the
    form that it likes best."""
    for codec in preferred:
        formats = offered(section, codec)
        if formats:
            return formats[0]
    return None


def codec_of(one: Format) -> Codec | None:
    """The codec of a format, None for RTX and what is unknown."""
    return CODECS.get(one.name.lower())

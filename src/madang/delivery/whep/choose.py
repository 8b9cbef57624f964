"""What of a stream goes to who made this offer, and in which of the offered formats."""

import msgspec

from madang.base.errors import PeerError
from madang.codecs import h264
from madang.media.track import Codec, Kind, Track
from madang.packaging.rtp.rendering import PICTURE, SOUND
from madang.protocols.sdp.answer import with_repair
from madang.protocols.sdp.choose import to_play
from madang.protocols.sdp.words import Description, Direction, Format, Section

FEEDBACK = {Kind.VIDEO: ("nack", "nack pli", "ccm fir"), Kind.AUDIO: ("nack",)}
"""What of the offered feedback is understood."""


class Going(msgspec.Struct, frozen=True):
    """One track of the stream in one section of the offer."""

    index: int
    section: Section
    codec: Codec
    formats: tuple[Format, ...]
    """The format, and the one that repairs it."""

    @property
    def payload_type(self) -> int:
        return self.formats[0].payload_type

    @property
    def repair(self) -> int:
        """Payload type of RTX, 0 without."""
        return self.formats[1].payload_type if len(self.formats) > 1 else 0


def choose(offer: Description, tracks: tuple[Track, ...], reordered: bool) -> list[Going]:
    """Picture and sound for the first sections that take them. `reordered` says that the picture has
    B-frames, which WebRTC players do not put in order: it then goes as a rendition without them.

    PeerError `unacceptable` when nothing of the stream can be played."""
    going: list[Going] = []
    taken: set[Kind] = set()
    for index, section in enumerate(offer.sections):
        track = next((track for track in tracks if track.kind == section.kind), None)
        willing = section.direction in (Direction.RECEIVE, Direction.SEND_RECEIVE)
        if track is None or track.kind in taken or section.rejected or not willing:
            continue
        found = _pick(section, track, reordered)
        if found is not None:
            taken.add(track.kind)
            codec, one = found
            formats = with_repair(section, one, FEEDBACK[track.kind])
            going.append(Going(index, section, codec, _told(formats, track)))
    if not going:
        told = "The offer has no format in which this stream can be played."
        raise PeerError("unacceptable", "no common format", told)
    return going


def _pick(section: Section, track: Track, reordered: bool) -> tuple[Codec, Format] | None:
    """The codec that is sent, and its format: the stream's own, else what it can be made into."""
    if track.kind is Kind.AUDIO:
        candidates = [SOUND]
    elif reordered or track.codec is PICTURE:
        candidates = [PICTURE]
    else:
        candidates = [track.codec, PICTURE]
    for codec in candidates:
        one = to_play(section, codec, _profile(track))
        if one is not None:
            return codec, one
    return None


def _profile(track: Track) -> int:
    """profile_idc of an H.264 track; of everything that becomes H.264, constrained baseline."""
    if track.codec is Codec.H264:
        return h264.parse_config(track.config).sps[0][1]
    return 0x42


def _told(formats: tuple[Format, ...], track: Track) -> tuple[Format, ...]:
    """Opus says whether it is stereo (RFC 7587 section 7)."""
    if track.kind is not Kind.AUDIO or track.channels == 1:
        return formats
    first = formats[0]
    parameters = first.parameters | {"stereo": "1", "sprop-stereo": "1"}
    return (msgspec.structs.replace(first, parameters=parameters), *formats[1:])

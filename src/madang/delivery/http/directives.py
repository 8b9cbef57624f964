"""The query of a media playlist: delivery directives (rfc8216bis section 6.2.5) and the playback session."""

from typing import NamedTuple

# A number of a playlist is below this; longer texts are refused before they are read.
_DIGITS = 15


class Directives(NamedTuple):
    """`msn` and `part` are -1 when not asked; `skip` for delta updates; `session` empty when not told."""

    msn: int
    part: int
    skip: bool
    session: str
    valid: bool


NONE = Directives(-1, -1, False, "", True)
_INVALID = Directives(-1, -1, False, "", False)


def parse_directives(query: bytes) -> Directives:
    """Read the raw query; unknown names are ignored, a directive that is no number is invalid."""
    if not query:
        return NONE
    msn = part = -1
    skip, session = False, ""
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"_HLS_msn" or name == b"_HLS_part":
            if not value.isdigit() or len(value) > _DIGITS:
                return _INVALID
            if name == b"_HLS_msn":
                msn = int(value)
            else:
                part = int(value)
        elif name == b"_HLS_skip":
            skip = value in (b"YES", b"v2")
        elif name == b"s" and len(value) <= 32:
            session = value.decode("ascii", "replace")
    if part >= 0 and msn < 0:
        return _INVALID
    return Directives(msn, part, skip, session, True)

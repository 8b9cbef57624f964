"""Players that read no partial segments, by what they call themselves.

While a broadcast's first segment is open, its playlist lists parts alone. To these players it is empty, and
they give up on it (FFmpeg: "Empty segment", no streams) where rfc8216bis would let them load it again; so
their first playlist is held until a segment is whole. Everybody else gets the parts.
"""

from typing import Final

from madang.net.http.routes import Request

_READS_NO_PARTS: Final = (b"Lavf/", b"libmpv", b"mpv/", b"VLC/", b"LibVLC/", b"GStreamer ")


def reads_no_parts(request: Request) -> bool:
    """Whether a player is known to need whole segments."""
    agent = request.header(b"user-agent")
    return any(name in agent for name in _READS_NO_PARTS)

"""Headers and answers that HLS and DASH share: what a browser, a player and a CDN want to read."""

from madang.delivery.http.admission import CORS
from madang.net.http.problem import NO_STORE, problem
from madang.net.http.routes import Answer

# Names of media never change their meaning: a CDN may keep them as long as it likes.
IMMUTABLE = (b"Cache-Control", b"public, max-age=3600, immutable")
PRIVATE_IMMUTABLE = (b"Cache-Control", b"private, max-age=3600, immutable")

PLAYLIST_TYPE = (b"Content-Type", b"application/vnd.apple.mpegurl")
SEGMENT_TYPE = (b"Content-Type", b"video/mp4")
MANIFEST_TYPE = (b"Content-Type", b"application/dash+xml")

RETRY = (b"Retry-After", b"1")
BAD_DIRECTIVE = problem(400, "bad_directive", "These delivery directives cannot be met.", *CORS)
STALLED = problem(503, "stalled", "The stream has stalled.", *CORS, RETRY)
BUSY = problem(503, "overloaded", "The server is busy; try again.", *CORS, RETRY)


def redirect(location: str) -> Answer:
    """302 to another path of this server, for viewers of a renamed channel."""
    return Answer(302, ((b"Location", location.encode("ascii", "replace")), NO_STORE, *CORS))

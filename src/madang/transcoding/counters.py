"""What transcoding counts over the life of the process, for metrics."""

import msgspec


class PosterCounters(msgspec.Struct):
    """Rising numbers."""

    made: int = 0
    """Pictures that were drawn."""
    failed: int = 0
    """Keyframes that could not be decoded."""
    put_off: int = 0
    """Pictures that were not made because too many were under way."""


class RenditionCounters(msgspec.Struct):
    """Rising numbers, of sound or of pictures."""

    begun: int = 0
    """Streams that began to be transcoded."""
    heard: int = 0
    """Frames that were taken in."""
    made: int = 0
    """Frames that came out."""
    dropped: int = 0
    """Frames that came faster than they could be transcoded."""
    failed: int = 0
    """Frames that could not be decoded."""
    listener_failures: int = 0
    """Followers that were detached because they raised."""

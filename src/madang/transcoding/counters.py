"""What transcoding counts over the life of the process, for metrics."""

import msgspec


class PosterCounters(msgspec.Struct):
    """Rising numbers."""

    made: int = 0
    failed: int = 0
    """Keyframes that could not be decoded."""
    put_off: int = 0
    """Pictures that were not made because too many were under way."""


class PictureCounters(msgspec.Struct):
    """Rising numbers."""

    begun: int = 0
    """Streams whose picture began to be transcoded."""
    heard: int = 0
    """Pictures that were taken in."""
    made: int = 0
    """Pictures that came out."""
    dropped: int = 0
    """Pictures that came faster than they could be transcoded."""
    failed: int = 0
    """Pictures that could not be decoded."""
    listener_failures: int = 0
    """Followers that were detached because they raised."""


class AudioCounters(msgspec.Struct):
    """Rising numbers."""

    begun: int = 0
    """Streams whose sound began to be transcoded."""
    heard: int = 0
    """Frames of sound that were taken in."""
    made: int = 0
    """Frames of sound that came out."""
    dropped: int = 0
    """Frames of sound that came faster than they could be transcoded."""
    failed: int = 0
    """Frames of sound that could not be decoded."""
    listener_failures: int = 0
    """Followers that were detached because they raised."""

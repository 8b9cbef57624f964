"""What transcoding counts over the life of the process, for metrics."""

import msgspec


class PosterCounters(msgspec.Struct):
    """Rising numbers."""

    made: int = 0
    failed: int = 0
    """Keyframes that could not be decoded."""
    put_off: int = 0
    """Pictures that were not made because too many were under way."""

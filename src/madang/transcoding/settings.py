"""How other shapes of a stream are made."""

import msgspec


class PosterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Pictures of live streams."""

    enabled: bool = True
    every_s: float = 4.0
    """A picture is shown for so long before another is made; nobody asks, none is made."""
    width: int = 640
    """Of the picture at most, in pixels; a smaller stream is not enlarged."""

"""How writes to the viewers of one stream are merged."""

import msgspec


class FanoutSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A TCP write costs 5 to 11 µs, nearly all of it in the kernel: merging is what makes viewers cheap."""

    window_s: float = 0.033
    """Write-merging window while a stream has few viewers: one frame at 30 frames per second."""
    crowd_window_s: float = 0.1
    """The window beyond `crowd` viewers."""
    crowd: int = 200
    """Viewers of a stream up to whom the short window holds."""
    phases: int = 10
    """A crowd is served in so many groups, spread over the window, so that no pass holds the loop."""

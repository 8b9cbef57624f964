"""What the hub counts over the life of the process, for metrics."""

import msgspec


class HubCounters(msgspec.Struct):
    """Rising numbers; one of them is shared by a registry and its streams."""

    began: int = 0
    lost: int = 0
    resumed: int = 0
    ended: int = 0
    takeovers: int = 0
    refused: int = 0
    """Publishers that met a living one."""
    stale_frames: int = 0
    """Frames of a publisher that no longer holds its stream."""
    listener_failures: int = 0
    """Followers that were detached because they raised."""

"""What the hub counts over the life of the process, for metrics."""

import msgspec


class HubCounters(msgspec.Struct):
    """Rising numbers; one of them is shared by a registry and its streams."""

    began: int = 0
    """Broadcasts that began."""
    lost: int = 0
    """Times that a publisher was lost without goodbye."""
    resumed: int = 0
    """Times that a lost publisher came back within its window."""
    ended: int = 0
    """Broadcasts that ended."""
    takeovers: int = 0
    """Publishers that took over from a silent one."""
    refused: int = 0
    """Publishers that met a living one."""
    stale_frames: int = 0
    """Frames of a publisher that no longer holds its stream."""
    listener_failures: int = 0
    """Followers that were detached because they raised."""

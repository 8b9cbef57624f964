"""What RTMP connections counted since the start; `app` prints it on the metrics page."""

from dataclasses import dataclass


@dataclass(slots=True)
class RtmpCounters:
    """Plain numbers, only ever added to."""

    connections: int = 0
    """RTMP connections."""
    refused_pending: int = 0
    """Connections closed at once because too many are not yet admitted."""
    publishes: int = 0
    """Publishers that were accepted."""
    plays: int = 0
    """Players that were accepted."""
    refused: int = 0
    """Publish and play requests that were answered with an error."""
    broken: int = 0
    """Connections cut because the peer broke the protocol or a limit."""
    timeouts: int = 0
    """Connections cut by a deadline before they were admitted."""
    failures: int = 0
    """Handlers that failed: our own faults."""

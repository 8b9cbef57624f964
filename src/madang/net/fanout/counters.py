"""What the fan-out counts."""


class FanoutCounters:
    """Totals of one format since the start; `app` prints them as metrics."""

    __slots__ = ("bytes_sent", "disconnected", "drops", "joined", "left", "lost_pieces", "writes")

    def __init__(self) -> None:
        self.joined = 0
        """Viewers that came."""
        self.left = 0
        """Viewers that went, or were sent away."""
        self.writes = 0
        """Joined writes, each of one viewer and window."""
        self.bytes_sent = 0
        """Bytes handed to transports, start bursts included."""
        self.drops = 0
        """Times that a viewer fell too far behind and lost its frames up to the next keyframe."""
        self.lost_pieces = 0
        """Tags or messages that slow viewers lost."""
        self.disconnected = 0
        """Viewers that fell behind twice and were sent away."""

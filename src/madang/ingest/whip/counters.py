"""What WHIP publishers counted since the start; `app` prints it beside the other ways in, by protocol."""

from dataclasses import dataclass


@dataclass(slots=True)
class WhipCounters:
    """Plain numbers, only ever added to."""

    admitted: int = 0
    """Publishers that went on the air."""
    refused: int = 0
    """Publishers that were not let in."""
    pictures: int = 0
    """WHIP pictures that went on to a stream."""
    lost_packets: int = 0
    """WHIP packets that did not come, though they were asked for again."""
    broken_frames: int = 0
    """Frames that were damaged by loss, or could not be read; the stream went on without them."""
    frozen_frames: int = 0
    """Whole WHIP pictures that were left out because one before them was missing."""
    keyframes_asked: int = 0
    """Keyframes that WHIP publishers were asked for."""
    too_fast: int = 0
    """Publishers that were cut off for their rate (A56)."""

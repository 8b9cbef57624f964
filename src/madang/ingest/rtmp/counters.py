"""What RTMP publishers counted since the start; `app` prints it beside the other ways in, by protocol."""

from dataclasses import dataclass


@dataclass(slots=True)
class IngestCounters:
    """Plain numbers, only ever added to."""

    admitted: int = 0
    """Publishers that went on the air."""
    refused: int = 0
    """Publishers that were not let in."""
    broken_frames: int = 0
    """Frames that were damaged by loss, or could not be read; the stream went on without them."""
    early_frames: int = 0
    """RTMP frames that came before their track was known and were dropped."""
    unsupported: int = 0
    """Codecs that an RTMP publisher sent in vain."""
    too_fast: int = 0
    """Publishers that were cut off for their rate (A56)."""

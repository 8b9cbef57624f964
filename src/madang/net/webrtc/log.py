"""The shared ring of one track's packets: rendered once, numbered once, read by every viewer's sender."""

from typing import Final

PAYLOAD_BYTES: Final = 1160
"""1,200 bytes in UDP, less RTP header (12), extension (8), GCM tag (16) and RTX's two; rounded."""

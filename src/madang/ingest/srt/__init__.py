"""An SRT publisher: MPEG-TS of its connection becomes frames of a stream. Empty so far."""

"""The show on disk: crash-safe fragmented MP4, its index, its recovery. Empty so far."""

"""The words everyone speaks: frame, track, timebase."""

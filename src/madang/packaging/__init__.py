"""Frames to bytes, once per stream and format; every viewer shares the result."""

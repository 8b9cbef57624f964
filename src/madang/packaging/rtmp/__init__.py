"""RTMP chunks of a stream, rendered once."""

"""RTMP: the chunks of a stream, rendered once for all its players."""

"""RTP packets of a stream, rendered once."""

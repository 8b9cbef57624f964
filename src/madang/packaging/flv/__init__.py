"""FLV tags of a stream, rendered once."""

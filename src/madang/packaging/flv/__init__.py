"""FLV: the tags of a stream, rendered once while somebody watches, and the burst a joiner starts with."""

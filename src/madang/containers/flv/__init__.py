"""FLV tags and AMF values."""

"""Where viewers of FLV and RTMP meet: bytes rendered once, one joined write per viewer and window."""

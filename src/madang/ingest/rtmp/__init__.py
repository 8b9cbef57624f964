"""RTMP publishers: key and name from what encoders send, admission, FLV bodies into frames, end or loss."""

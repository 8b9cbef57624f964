"""An RTMP connection from its first byte up to publish or play."""

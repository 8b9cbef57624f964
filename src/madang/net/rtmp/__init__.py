"""RTMP connections up to publish or play: deadlines, pending sessions; then the handlers decide."""

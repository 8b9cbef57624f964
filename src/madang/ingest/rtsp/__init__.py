"""An RTSP publisher: RTP of its session becomes frames of a stream. Empty so far."""

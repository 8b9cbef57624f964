"""Viewers that come by RTSP: RTP packets to an RTSP session. Empty so far."""

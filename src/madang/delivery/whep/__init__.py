"""Viewers that come by WHEP: RTP packets to a WebRTC session."""

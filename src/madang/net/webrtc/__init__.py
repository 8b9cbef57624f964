"""One UDP port for all WebRTC sessions: ICE-lite, DTLS, SRTP."""

"""SRT packets and handshakes. Empty so far."""

"""SRT packets and handshakes."""

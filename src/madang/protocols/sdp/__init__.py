"""SDP offers and answers (RFC 8866)."""

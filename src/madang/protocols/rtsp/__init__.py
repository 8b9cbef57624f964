"""RTSP requests and responses (RFC 2326, RFC 7826). Empty so far."""

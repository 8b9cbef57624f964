"""RTMP 1.0 and Enhanced RTMP v2 on the wire: handshake, chunks, messages, commands, both ends."""

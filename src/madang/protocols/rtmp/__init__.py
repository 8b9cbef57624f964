"""RTMP: handshake, chunk streams, messages, commands, Enhanced RTMP."""

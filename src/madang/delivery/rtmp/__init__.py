"""Viewers that come by RTMP: rendered chunks to a fan-out."""

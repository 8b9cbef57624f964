"""RTMP play: what a player's connection means."""

"""Madang: a live-streaming platform that one command puts on its feet."""

__version__ = "0.1.0"

"""Streams that the server fetches from elsewhere. Empty so far."""

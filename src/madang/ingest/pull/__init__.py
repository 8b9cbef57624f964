"""Streams that the server fetches from elsewhere."""

"""Polls: one vote per identity, counts by ticks, an end that the server's clock decides."""

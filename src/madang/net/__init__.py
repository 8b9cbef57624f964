"""Sockets: listeners, deadlines, connections up to the point where their meaning begins."""

"""Composition root: command line, settings, wiring and lifecycle; the only room that knows all the others."""

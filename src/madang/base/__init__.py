"""Ids, clock, errors, limits, bits, roles and events: what every room may use."""

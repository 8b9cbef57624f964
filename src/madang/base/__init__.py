"""Ids, clock, errors, limits, bits, roles, events and jobs: what every room may use."""

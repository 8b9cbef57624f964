"""Options that every benchmark understands."""

import argparse
from dataclasses import dataclass

from bench.measure import raise_descriptors


@dataclass(frozen=True, slots=True)
class Options:
    """How much load, for how long, how often."""

    viewers: int
    publishers: int
    seconds: float
    turns: int
    peers: bool


def parse(description: str) -> Options:
    """Options of the command line; also lets the process open enough files."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--viewers", type=int, default=2000)
    parser.add_argument("--publishers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    found = parser.parse_args()
    raise_descriptors()
    return Options(found.viewers, found.publishers, found.seconds, found.turns, not found.no_peers)

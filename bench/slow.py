"""What slow readers cost the others: python -m bench.slow [--viewers N] [--rate R] [--seconds S] [--turns N].

A room in which N viewers follow R messages a second, alone and with a ninth as many beside them who read
1 KB a second, so that one in ten is slow; in turns. Tells how late the messages come to those who read.
"""

import argparse
import statistics
from collections.abc import Callable

from bench import chat
from bench.measure import Reading, load, raise_descriptors, turns


def crowd(count: int, slow: int, rate: float, seconds: float) -> Callable[[], Reading]:
    """A measurement of one room."""

    def measure() -> Reading:
        with chat.madang(0)() as server:
            numbers = (server.http, count, rate, seconds, slow)
            return load(server.process, ("bench.crowd", "centrifugo", *map(str, numbers)), "per_second")

    return measure


def middle(readings: list[Reading], name: str) -> float:
    return statistics.median(reading.detail[name] for reading in readings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=900)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    raise_descriptors()
    slow = asked.viewers // 9
    found = turns(
        {
            "alone": crowd(asked.viewers, 0, asked.rate, asked.seconds),
            f"with {slow} slow": crowd(asked.viewers, slow, asked.rate, asked.seconds),
        },
        asked.turns,
    )
    print("| room | late p50 / p99 | lost | slow ones sent away | CPU |")
    print("|---|---|---|---|---|")
    for name, readings in found.items():
        print(
            f"| {asked.viewers:,} × {asked.rate:g}/s {name} "
            f"| {middle(readings, 'p50_ms'):.1f} / {middle(readings, 'p99_ms'):.1f} ms "
            f"| {max(reading.lost_share for reading in readings):.2%} "
            f"| {max(reading.detail['slow_sent_away'] for reading in readings):.0f} "
            f"| {statistics.median(reading.cpu_share for reading in readings):.0%} |"
        )
    alone, beside = (middle(readings, "p99_ms") for readings in found.values())
    print(f"p99 {(beside / alone - 1):+.1%}")


if __name__ == "__main__":
    main()

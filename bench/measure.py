"""One measurement, and turns of it: what a core of the server carries, its own cost subtracted."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.processes import Pinned, generator_cores

IDLE_S = 4.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run showed. `per_core` is units of load per core of server, or events per CPU-second."""

    per_core: float
    load: float
    cpu_share: float
    memory_bytes: float
    lost_share: float
    detail: Mapping[str, float]


def load(server: Pinned, arguments: Sequence[str], units: str = "served") -> Reading:
    """Run a load generator against a server that has settled. What counts is `units` of its result: viewers
    served in full, so that what never arrived is no merit.

    The generator prints a JSON line when its load stands, and another after its time; CPU is taken between.
    """
    idle, drift = _at_rest(server)
    memory, asked = server.rss_bytes(), time.monotonic()
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=_settle) as generator:
        assert generator.stdout is not None
        json.loads(generator.stdout.readline() or b"{}")
        grown = server.rss_bytes() - memory - drift * (time.monotonic() - asked)
        before, began = server.cpu_s(), time.monotonic()
        detail = json.loads(generator.stdout.readline() or b"{}")
        share = (server.cpu_s() - before) / (time.monotonic() - began) - idle
    amount = detail.get(units, 0)
    return Reading(
        per_core=amount / share if share > 0.001 else 0.0,
        load=amount,
        cpu_share=share,
        memory_bytes=max(grown, 0.0) / amount if amount else 0.0,
        lost_share=detail.get("lost_share", 1.0),
        detail=detail,
    )


def _at_rest(server: Pinned) -> tuple[float, float]:
    """What the server uses and grows by itself while its stream fills buffers: cores, bytes per second."""
    memory = server.rss_bytes()
    idle = server.idle_share(IDLE_S)
    return idle, max(server.rss_bytes() - memory, 0) / IDLE_S


def _settle() -> None:
    os.sched_setaffinity(0, generator_cores())


def raise_descriptors() -> None:
    """Let this process and its children open as many files as the system allows them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def turns(contenders: Mapping[str, Callable[[], Reading]], count: int) -> dict[str, list[Reading]]:
    """Measure everybody in turns, A B A B, so that what the machine does meanwhile falls on all."""
    readings: dict[str, list[Reading]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, measure in contenders.items():
            reading = measure()
            readings[name].append(reading)
            each_us = 1e6 / reading.per_core if reading.per_core else 0.0
            said = f"  {name}: {reading.per_core:,.0f} per core, {each_us:,.0f} µs of CPU each"
            print(said, file=sys.stderr, flush=True)
    return readings


def median(readings: Sequence[Reading], of: Callable[[Reading], float]) -> float:
    return statistics.median(of(reading) for reading in readings)

"""Crowds that do nothing, beside one live stream: python -m bench.idle [--viewers N] [--seconds S].

For each crowd of N (10,000 unless told otherwise): how late a viewer's frames come before and while it is
there, how soon the API answers at the crowd's door and at a door of its own, and what one of the crowd costs.
`silent` connects and says nothing (the
server closes such a socket after five seconds, and another comes in its place); `feed` follows the events
by websocket; `holds` waits for each next segment of the playlist.
"""

import argparse
import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import servers
from bench.measure import _settle as settle_on_other_cores
from bench.measure import raise_descriptors
from bench.viewers import open_flv

CROWDS = ("silent", "feed", "holds")
_QUIET_S = 10.0


class Watcher(threading.Thread):
    """An FLV viewer who notes how late each frame comes, by the stream's own clock."""

    def __init__(self, server: servers.Server) -> None:
        super().__init__(daemon=True)
        self._sock, self._counter = open_flv(server.http, f"/{server.app}/{server.name}.flv")
        self._late: list[float] = []
        self.start()

    def run(self) -> None:
        counter, buffer = self._counter, bytearray(1 << 20)
        view = memoryview(buffer)
        seen = 0
        while True:
            kept = len(counter.tail)
            buffer[:kept] = counter.tail
            size = self._sock.recv_into(view[kept:])
            if not size:
                return
            counter.feed(buffer, kept + size)
            if counter.frames > seen:
                seen = counter.frames
                self._late.append(time.monotonic() - counter.last_ms / 1000)

    def late_ms(self, seconds: float) -> tuple[float, float]:
        """Median and 99th percentile of so many seconds, over the earliest frame among them."""
        self._late.clear()
        time.sleep(seconds)
        found = sorted(self._late)
        floor = found[0]
        return 1000 * (statistics.median(found) - floor), 1000 * (found[int(0.99 * len(found))] - floor)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one crowd did to the others."""

    crowd: str
    there: int
    before_ms: tuple[float, float]
    during_ms: tuple[float, float]
    api_ms: float
    back_ms: float
    """At a door where the crowd is not."""
    cpu_share: float
    memory_kb: float


def api_ms(server: servers.Server, port: int) -> float:
    """The slowest of ten answers of the API at this door."""
    slowest = 0.0
    for _ in range(10):
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", f"/api/v1/channels/{server.name}")
        connection.getresponse().read()
        connection.close()
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.2)
    return 1000 * slowest


@contextmanager
def crowd(kind: str, server: servers.Server, count: int) -> Iterator[None]:
    """`count` of them, in a process of their own."""
    command = [sys.executable, "-m", "bench.idlers", kind, str(server.http), server.name, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=settle_on_other_cores) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


def measure(kind: str, count: int, seconds: float) -> Finding:
    """One crowd beside one stream."""
    with servers.madang()() as server, servers.published(server):
        time.sleep(_QUIET_S)
        api_ms(server, server.http)
        watcher = Watcher(server)
        time.sleep(2)
        before = watcher.late_ms(seconds)
        memory, idle = server.process.rss_bytes(), server.process.idle_share(3)
        with crowd(kind, server, count):
            time.sleep(5)
            grown = server.process.rss_bytes() - memory
            cpu, began = server.process.cpu_s(), time.monotonic()
            during = watcher.late_ms(seconds)
            share = (server.process.cpu_s() - cpu) / (time.monotonic() - began) - idle
            there = connections(server)
            slowest, back = api_ms(server, server.http), api_ms(server, server.back)
    return Finding(kind, there, before, during, slowest, back, share, grown / 1024 / count)


def connections(server: servers.Server) -> int:
    """How many connections the server says it has."""
    connection = http.client.HTTPConnection("127.0.0.1", server.back, timeout=20)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next((int(float(x.split()[1])) for x in lines if x.startswith("madang_connections ")), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--crowd", choices=CROWDS, action="append")
    found = parser.parse_args()
    raise_descriptors()
    columns = (
        "crowd",
        "there",
        "late before p50 / p99",
        "late beside it p50 / p99",
        "API at worst",
        "at its own door",
        "CPU",
    )
    print("| " + " | ".join((*columns, "memory each")) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for kind in found.crowd or CROWDS:
        one = measure(kind, found.viewers, found.seconds)
        print(
            f"| {one.crowd} | {one.there:,} | {one.before_ms[0]:.0f} / {one.before_ms[1]:.0f} ms "
            f"| {one.during_ms[0]:.0f} / {one.during_ms[1]:.0f} ms "
            f"| {one.api_ms:.0f} ms | {one.back_ms:.0f} ms | {one.cpu_share:.0%} | {one.memory_kb:.1f} KB |",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""What slow readers cost the others: python -m bench.slow [--viewers N] [--rate R] [--phase S] [--pairs N].

One room, one server, the same connections throughout: N viewers who read, and a ninth as many who in every
other phase read 1 KB a second, so that one in ten is slow, and read like the others in between. A phase
settles for half of its time, in which buffers fill or empty, and counts in the other half. So the machine's
own noise falls on both alike: what is compared are all messages of one kind of phase with all of the other,
and how far the difference may be chance is told by drawing the pairs again and again. One phase that the
machine disturbed can make the whole p99, so the median of the phases' own is told beside it. Who is slow in
every other phase is a process of its own, which gives way to that of the readers: what is measured is what
slow readers cost the server, not what they cost who measures.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import uvloop

from bench import crowd, servers
from bench.chat import namespaces
from bench.measure import _settle as settle_on_other_cores
from bench.measure import raise_descriptors
from bench.processes import Pinned

MESSAGE_BYTES = 1000
"""Large enough to fill a slow reader's buffers while a phase settles."""
SLOW_BYTES_PER_S = 1024
BUFFER_BYTES = 65_536
PING = b"\x81\x02{}"
DRAWN = 2000
ADDRESS_OF_SLOW = "127.0.0.17"


class Turncoat(asyncio.BufferedProtocol):
    """Reads 1 KB a second while it is slow, and everything otherwise; comes in as a viewer."""

    slow = False
    read_bytes = 0

    def __init__(self) -> None:
        self.viewer = crowd.Viewer("centrifugo", samples=False)
        self.buffer = memoryview(bytearray(BUFFER_BYTES))
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.viewer.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        crowd.Count.slow_sent_away += 1

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.buffer[:SLOW_BYTES_PER_S] if Turncoat.slow else self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = self.tail + bytes(self.buffer[:nbytes])
        Turncoat.read_bytes += nbytes
        viewer = self.viewer
        if viewer.step < 3:
            viewer.begin(data)
            return
        for _ in range(data.count(PING)):
            viewer.send("{}")
        self.tail = data[-len(PING) + 1 :].rpartition(PING)[2]
        if Turncoat.slow:
            self.rest(nbytes / SLOW_BYTES_PER_S)

    def rest(self, seconds: float) -> None:
        """Read nothing for so long."""
        if not self.viewer.transport.is_closing():
            self.viewer.transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self.go_on)

    def go_on(self) -> None:
        if not self.viewer.transport.is_closing():
            self.viewer.transport.resume_reading()


async def waver(port: int, count: int) -> None:
    """The process of those who are slow in every other phase: told by a line that a phase begins, it answers
    each line with what it has read so far, and how many the server has sent away."""
    loop = asyncio.get_running_loop()
    turncoats = [Turncoat() for _ in range(count)]
    for one in turncoats:
        await loop.create_connection(lambda one=one: one, "127.0.0.1", port, local_addr=(ADDRESS_OF_SLOW, 0))
        async with asyncio.timeout(60):
            await one.viewer.ready
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    line = b"fast"
    while line:
        if (line == b"slow\n") is not Turncoat.slow and line != b"told\n":
            Turncoat.slow = not Turncoat.slow
            for number, one in enumerate(turncoats):
                if Turncoat.slow:
                    one.rest(number / count)  # or all would read at the same moment, once a second
                else:
                    one.go_on()
        told = {"read": Turncoat.read_bytes, "sent_away": crowd.Count.slow_sent_away}
        print(json.dumps(told), flush=True)
        line = await lines.readline()


@dataclass
class Wavering:
    """That process, as the one of the readers knows it."""

    process: asyncio.subprocess.Process

    async def ask(self, line: str = "") -> dict[str, int]:
        assert self.process.stdin is not None and self.process.stdout is not None
        if line:
            self.process.stdin.write(line.encode() + b"\n")
        told: dict[str, int] = json.loads(await self.process.stdout.readline())
        return told


async def follow(port: int, viewers: int, slow: int, rate: float, phase_s: float, pairs: int) -> None:
    """The crowd: tells of each phase when it begins to count and what it has counted."""
    loop = asyncio.get_running_loop()
    crowd.MESSAGE_BYTES = MESSAGE_BYTES
    readers = await crowd.gather("centrifugo", port, viewers)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.slow", "--wavering", str(port), str(slow)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=give_way,
    )
    others = Wavering(process)
    await others.ask()
    talking = loop.create_task(talk(readers, rate))
    print(json.dumps({"standing": len(readers) + slow}), flush=True)
    for number in range(2 * pairs):
        is_slow = number % 2 == 1
        await others.ask("slow" if is_slow else "fast")
        await asyncio.sleep(phase_s / 2)
        before = await others.ask("told")
        crowd.Count.delays.clear()
        received = crowd.Count.received
        print(json.dumps({"slow": is_slow}), flush=True)
        await asyncio.sleep(phase_s / 2)
        delays, received = list(crowd.Count.delays), crowd.Count.received - received
        after = await others.ask("told")
        told = {
            "delays": [round(delay * 1000, 3) for delay in delays],
            "received": received,
            "slow_read": after["read"] - before["read"],
            "sent_away": after["sent_away"],
        }
        print(json.dumps(told), flush=True)
    talking.cancel()
    process.kill()
    await process.wait()


def give_way() -> None:
    """To whoever else wants the core."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


async def talk(readers: Sequence[crowd.Viewer], rate: float) -> None:
    """So many messages a second, by readers of which none says more than it may."""
    speakers = readers[-max(round(rate / crowd.PER_PUBLISHER), 1) :]
    began = time.monotonic()
    for number in count():
        await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
        speakers[number % len(speakers)].publish(number)


@dataclass
class Kind:
    """What all phases of one kind have shown, phase by phase."""

    delays: list[list[float]] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    slow_read: int = 0


def percentile(delays: Sequence[Sequence[float]], of: float) -> float:
    """Of everything in these phases together."""
    pooled = sorted(delay for phase in delays for delay in phase)
    return pooled[min(int(len(pooled) * of), len(pooled) - 1)] if pooled else 0.0


def change(alone: Kind, beside: Kind, of: float) -> tuple[float, float, float]:
    """How much a percentile grows beside slow readers, and between which bounds that lies (95 %)."""
    found = percentile(beside.delays, of) / percentile(alone.delays, of) - 1
    pairs, draw, drawn = len(alone.delays), random.Random(1), []
    thinned = [[phase[::7] for phase in kind.delays] for kind in (alone, beside)]
    for _ in range(DRAWN):
        chosen = draw.choices(range(pairs), k=pairs)
        was, became = (percentile([kind[each] for each in chosen], of) for kind in thinned)
        drawn.append(became / was - 1)
    drawn.sort()
    return found, drawn[int(DRAWN * 0.025)], drawn[int(DRAWN * 0.975)]


def measure(server: Pinned, arguments: Sequence[str], pairs: int) -> tuple[Kind, Kind, int]:
    """Every phase: the crowd's own count, and the server's CPU time meanwhile."""
    alone, beside, sent_away = Kind(), Kind(), 0
    command = [sys.executable, "-m", "bench.slow", "--crowd", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=settle_on_other_cores) as child:
        assert child.stdout is not None
        json.loads(child.stdout.readline())
        for _ in range(2 * pairs):
            kind = beside if json.loads(child.stdout.readline())["slow"] else alone
            before = server.cpu_s()
            told = json.loads(child.stdout.readline())
            kind.cpu_s.append(server.cpu_s() - before)
            kind.delays.append(told["delays"])
            kind.received.append(told["received"])
            kind.slow_read += told["slow_read"]
            sent_away = told["sent_away"]
    return alone, beside, sent_away


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=450)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--phase", type=float, default=5.0)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--crowd", nargs=6, metavar="NUMBER", help=argparse.SUPPRESS)
    parser.add_argument("--wavering", nargs=2, type=int, metavar="NUMBER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    raise_descriptors()
    if asked.wavering:
        uvloop.install()
        asyncio.run(waver(*asked.wavering))
        return
    if asked.crowd:
        uvloop.install()
        port, viewers, slow, rate, phase_s, pairs = map(float, asked.crowd)
        asyncio.run(follow(int(port), int(viewers), int(slow), rate, phase_s, int(pairs)))
        return
    slow = asked.viewers // 9
    room = namespaces(shed=True, history_size=0)
    start = servers.madang(1, realtime__namespaces=room, realtime__allow_anonymous="true")
    with start() as server:
        numbers = (server.http, asked.viewers, slow, asked.rate, asked.phase, asked.pairs)
        alone, beside, sent_away = measure(server.process, [str(each) for each in numbers], asked.pairs)
    counted_s = asked.phase / 2 * asked.pairs * slow
    print(f"{asked.viewers:,} viewers, {asked.rate:g} messages a second, {asked.pairs} pairs of phases")
    print("| phases | p50 / p90 / p99 | CPU a delivery to readers | CPU | a slow one reads |")
    print("|---|---|---|---|---|")
    for name, kind in (("all read", alone), (f"{slow} slow", beside)):
        cpu_s, received = sum(kind.cpu_s), sum(kind.received)
        late = " / ".join(f"{percentile(kind.delays, of):.1f}" for of in (0.5, 0.9, 0.99))
        share = statistics.fmean(kind.cpu_s) / (asked.phase / 2)
        print(
            f"| {name} | {late} ms | {cpu_s / max(received, 1) * 1e6:.1f} µs | {share:.0%} "
            f"| {kind.slow_read / counted_s / 1024:.1f} KB/s |"
        )
    for of in (0.5, 0.9, 0.99):
        found, low, high = change(alone, beside, of)
        usual = [
            statistics.median(percentile([phase], of) for phase in kind.delays) for kind in (alone, beside)
        ]
        print(
            f"p{of * 100:g} {found:+.1%} ({low:+.1%} to {high:+.1%}); "
            f"of the usual phase {usual[0]:.2f} to {usual[1]:.2f} ms, {usual[1] / usual[0] - 1:+.1%}"
        )
    print(f"sent away: {sent_away}")


if __name__ == "__main__":
    main()

"""Chat deliveries per CPU-second: python -m bench.chat. A large room, and a flood; beside the floor in
turns."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import servers
from bench.measure import Reading, load, turns
from bench.options import Options, parse
from bench.processes import SERVER_CORE, free_port, running, wait_for_port
from bench.table import render, rows

NAMESPACES = (
    '{"bench":{"history_size":300,"history_ttl_s":300,"allow_subscribe_for_client":true,'
    '"allow_subscribe_for_anonymous":true,"allow_publish_for_client":true,"allow_publish_for_anonymous":true}}'
)
FLOOD_TICK_MS = 100
_CORE = {SERVER_CORE}


def madang() -> servers.Start:
    """The server with a namespace of its own, open to everybody."""
    return servers.madang(1, realtime__namespaces=NAMESPACES, realtime__allow_anonymous="true")


def program(*command: str) -> servers.Start:
    """A floor or a peer: its port is its first argument."""

    @contextmanager
    def start() -> Iterator[servers.Server]:
        port = free_port()
        with running([*command[:3], str(port), *command[3:]], _CORE) as process:
            wait_for_port(port)
            yield servers.Server(process, port, port, [])

    return start


def crowd(start: servers.Start, dialect: str, count: int, rate: int, seconds: float) -> Callable[[], Reading]:
    """A measurement of one room with so many viewers and messages a second."""

    def measure() -> Reading:
        with start() as server:
            arguments = ("bench.crowd", dialect, str(server.http), str(count), str(rate), str(seconds))
            reading = load(server.process, arguments, "per_second")
            memory = reading.memory_bytes * reading.load / count
            told = ", ".join(f"{name} {value:,.2f}" for name, value in reading.detail.items())
            print(f"    {told}, {memory / 1024:.1f} KB a connection", file=sys.stderr, flush=True)
            return Reading(
                reading.per_core, reading.load, reading.cpu_share, memory, reading.lost_share, reading.detail
            )

    return measure


def peers() -> dict[str, servers.Start]:
    """Socket.IO, where it is installed."""
    found: dict[str, servers.Start] = {}
    script = str(Path(__file__).with_name("peer_socketio.mjs"))
    looked = subprocess.run(["node", script, "--check"], capture_output=True, check=False)
    if looked.returncode == 0:
        found["Socket.IO (Node)"] = program("node", script, "--")
    if importlib.util.find_spec("socketio") is not None:
        found["python-socketio"] = program(sys.executable, "-m", "bench.peer_socketio")
    return found


def run(options: Options) -> list[tuple[str, ...]]:
    """Rows of both loads beside the floor and the peers."""
    floor = (sys.executable, "-m", "bench.floor_chat")
    large, flooded = options.viewers * 5 // 2, options.viewers
    seconds = options.seconds
    contenders = {
        "floor": crowd(program(*floor, "0"), "socketio", large, 10, seconds),
        "Madang": crowd(madang(), "centrifugo", large, 10, seconds),
    }
    if options.peers:
        contenders |= {name: crowd(start, "socketio", large, 10, seconds) for name, start in peers().items()}
    lines = rows(turns(contenders, options.turns), f"{large:,} × 10/s", "floor")
    contenders = {
        "floor": crowd(program(*floor, str(FLOOD_TICK_MS)), "socketio", flooded, 500, seconds),
        "Madang": crowd(madang(), "centrifugo", flooded, 500, seconds),
    }
    return lines + rows(turns(contenders, options.turns), f"{flooded:,} × 500/s", "floor")


if __name__ == "__main__":
    print(render(run(parse(__doc__ or ""))))

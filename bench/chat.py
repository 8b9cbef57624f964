"""Chat deliveries per CPU-second: python -m bench.chat. A large room, and a flood; beside the floor in
turns."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import servers
from bench.measure import Reading, load, turns
from bench.options import Options, parse
from bench.processes import SERVER_CORE, free_port, running, wait_for_port
from bench.table import render, rows

NAMESPACE = {
    "history_size": 300,
    "history_ttl_s": 300,
    "allow_subscribe_for_client": True,
    "allow_subscribe_for_anonymous": True,
    "allow_publish_for_client": True,
    "allow_publish_for_anonymous": True,
}
FLOOD_TICK_MS = 100
SOCKET_IO, PYTHON_SOCKET_IO = "socket.io@4.8.4", "python-socketio==5.18.1"
_PLACE = Path(tempfile.gettempdir()) / "madang-bench-socketio"
_CORE = {SERVER_CORE}


def namespaces(**options: bool | float) -> str:
    """The setting: a namespace that is open to everybody, with these options too."""
    return json.dumps({"bench": {**NAMESPACE, **options}})


def madang(tick_ms: int) -> servers.Start:
    """The server with a namespace of its own; its tick is the floor's, or what it chooses itself."""
    open_to_all = namespaces(batch_max_delay_s=tick_ms / 1000)
    return servers.madang(1, realtime__namespaces=open_to_all, realtime__allow_anonymous="true")


def program(*command: str, **env: str) -> servers.Start:
    """A floor or a peer: its port comes behind the first three words."""

    @contextmanager
    def start() -> Iterator[servers.Server]:
        port = free_port()
        with running([*command[:3], str(port), *command[3:]], _CORE, env) as process:
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
    """Socket.IO on Node and on Python, each in a directory of its own; none where it cannot be had."""
    found: dict[str, servers.Start] = {}
    node, npm, uv = shutil.which("node"), shutil.which("npm"), Path(sys.executable).with_name("uv")
    if node and npm:
        install = [npm, "install", "--prefix", str(_PLACE), "--ignore-scripts", "--no-audit", "--no-fund"]
        if _had(_PLACE / "node_modules" / "socket.io", [*install, SOCKET_IO]):
            script = str(Path(__file__).with_name("peer_socketio.mjs"))
            found["Socket.IO (Node)"] = program(node, script, str(_PLACE))
    packages = _PLACE / "python"
    if _had(packages / "socketio", [str(uv), "pip", "install", "--target", str(packages), PYTHON_SOCKET_IO]):
        python = (sys.executable, "-m", "bench.peer_socketio")
        path = os.pathsep.join(filter(None, (str(packages), os.environ.get("PYTHONPATH"))))
        found["python-socketio"] = program(*python, PYTHONPATH=path)
    return found


def _had(place: Path, install: list[str]) -> bool:
    """Whether the package is there, now or after its installation."""
    if not place.exists() and Path(install[0]).exists():
        _PLACE.mkdir(exist_ok=True)
        done = subprocess.run(install, capture_output=True, check=False, timeout=300)
        if done.returncode:
            print(f"  without {install[-1]}: {done.stderr.decode()[-200:]}", file=sys.stderr)
    return place.exists()


def run(options: Options) -> list[tuple[str, ...]]:
    """Rows of both loads beside the floor and the peers."""
    large, flooded = options.viewers * 5 // 2, options.viewers
    others = peers() if options.peers else {}
    lines = []
    for count, rate, tick_ms in ((large, 10, 0), (flooded, 500, FLOOD_TICK_MS)):
        floor = program(sys.executable, "-m", "bench.floor_chat", str(tick_ms))
        contenders = {
            "floor": crowd(floor, "socketio", count, rate, options.seconds),
            "Madang": crowd(madang(tick_ms), "centrifugo", count, rate, options.seconds),
        }
        for name, start in others.items():
            contenders[name] = crowd(start, "socketio", count, rate, options.seconds)
        lines += rows(turns(contenders, options.turns), f"{count:,} × {rate}/s", "floor")
    return lines


if __name__ == "__main__":
    print(render(run(parse(__doc__ or ""))))

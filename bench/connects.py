"""CPU and memory of one connection of the crowd: python -m bench.connects [--viewers N] [--turns N].

Websocket, connect and subscribe, with an HS256 token (each of its own user) and without one; what the server
spends from the first connection until all stand, over their number, and by how much its resident memory has
grown once they are idle. With PORT COUNT WITH_TOKENS it is the
crowd itself.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time

import uvloop

from bench import servers
from bench.chat import namespaces
from bench.crowd import ADDRESSES, AT_ONCE, ROOM, Viewer
from bench.measure import raise_descriptors
from bench.options import parse
from bench.processes import generator_cores

SECRET = "a secret of thirty-two letters or more"
BUDGET_MS = 0.5
BUDGET_KIB = 5
IDLE_S = 2.0


class Guest(Viewer):
    """Connects, with a token if it has one, and subscribes."""

    def __init__(self, token: str) -> None:
        super().__init__("centrifugo", samples=False)
        self.token = token

    def begin(self, data: bytes) -> None:
        if self.step == 0:
            connect = {"id": 1, "connect": {"token": self.token} if self.token else {}}
            self.send(json.dumps(connect) + "\n" + json.dumps({"id": 2, "subscribe": {"channel": ROOM}}))
            self.step = 1
        if b'"subscribe"' in data:
            self.step = 3
            self.ready.set_result(None)
        elif b'"error"' in data:
            self.ready.set_exception(ConnectionError(data.decode(errors="replace")))


def tokens(count: int) -> list[str]:
    import jwt  # only the crowd needs it

    expires = int(time.time()) + 3600
    return [jwt.encode({"sub": f"user{n}", "exp": expires}, SECRET, "HS256") for n in range(count)]


async def come(port: int, count: int, with_tokens: bool) -> None:
    """Everybody comes and stays until the input ends."""
    loop, turns = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)
    given = tokens(count) if with_tokens else [""] * count
    guests: list[Guest] = []

    async def enter(number: int) -> None:
        guest = Guest(given[number])
        guests.append(guest)
        async with turns:
            address = f"127.0.0.{number % ADDRESSES + 1}"
            await loop.create_connection(lambda: guest, "127.0.0.1", port, local_addr=(address, 0))
            async with asyncio.timeout(60):
                await guest.ready

    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(enter(number))
    print("standing", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)


def cost(start: servers.Start, count: int, with_tokens: bool) -> tuple[float, float]:
    """Milliseconds of the server's CPU for each of `count` connections, and KiB of its memory."""
    with start() as server:
        idle = server.process.idle_share()
        command = [
            sys.executable,
            "-m",
            "bench.connects",
            str(server.http),
            str(count),
            str(int(with_tokens)),
        ]
        taskset = ["taskset", "-c", ",".join(map(str, sorted(generator_cores())))]
        with subprocess.Popen(
            [*taskset, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as crowd:
            assert crowd.stdin is not None and crowd.stdout is not None
            crowd.stdout.readline()
            held, before, began = server.process.rss_bytes(), server.process.cpu_s(), time.monotonic()
            crowd.stdin.write("\n")
            if crowd.stdout.readline().strip() != "standing":
                raise RuntimeError("not everybody came in")
            spent = server.process.cpu_s() - before - idle * (time.monotonic() - began)
            time.sleep(IDLE_S)
            held = server.process.rss_bytes() - held
            crowd.stdin.write("\n")
    return spent * 1000 / count, held / 1024 / count


def main() -> None:
    options = parse(__doc__ or "")
    start = servers.madang(
        1,
        realtime__namespaces=namespaces(),
        realtime__allow_anonymous="true",
        realtime__token_hmac_secret=SECRET,
    )
    for name, with_tokens in (("anonymous", False), ("with an HS256 token", True)):
        found = [cost(start, options.viewers, with_tokens) for _ in range(options.turns)]
        cpu_ms, memory_kib = map(statistics.median, zip(*found, strict=True))
        print(
            f"{name}: {cpu_ms:.2f} ms of CPU a connection ({BUDGET_MS} ms at most), "
            f"{memory_kib:.1f} KiB ({BUDGET_KIB} at most)",
            flush=True,
        )


if __name__ == "__main__":
    raise_descriptors()
    if sys.argv[1:2] and sys.argv[1].isdigit():
        uvloop.install()
        port, count, with_tokens = map(int, sys.argv[1:4])
        asyncio.run(come(port, count, bool(with_tokens)))
    else:
        main()

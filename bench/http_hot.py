"""HTTP requests per CPU-second of the server: hot answers, a 304, gzip, held answers, ASGI, and the floor.

`.venv/bin/python -m bench.http_hot [seconds]`. The floor is what the machine allows: one constant write for
each read, without a look at what was read.
"""

import asyncio
import gc
import os
import sys
import time
from typing import Any

import uvloop

from bench.processes import SERVER_CORE, free_port, generator_cores, running, wait_for_port
from madang.net.ground import Ground
from madang.net.http.routes import Answer, Hold, Outcome, Request
from madang.net.http.server import HttpServer
from madang.net.listeners import Binding
from madang.net.settings import NetSettings

CONNECTIONS = 64
BROWSER = (
    b"Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: ko,en;q=0.9\r\n"
    b"Connection: keep-alive\r\nOrigin: http://yard\r\nReferer: http://yard/@demo\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36\r\n"
)
CASES = {
    "answer of 1 KB": (b"/hot/small", b""),
    "answer of 1 KB, a browser's headers": (b"/hot/small", BROWSER),
    "gzipped playlist, a browser's headers": (b"/hot/playlist", BROWSER),
    "304": (b"/hot/small", b'If-None-Match: "v1"\r\n'),
    "part of 62 KB": (b"/hot/part", b""),
    "held, then resolved together": (b"/hot/held", b""),
    "bare ASGI": (b"/asgi", b""),
}
FLOORS = {"answer of 1 KB": 1024, "part of 62 KB": 62 * 1024}


class Hot:
    """Answers as packaging makes them."""

    def __init__(self) -> None:
        plain = ((b"content-type", b"application/octet-stream"), (b"access-control-allow-origin", b"*"))
        self.says = {
            "/hot/small": Answer(200, plain, bytes(1024), etag=b'"v1"'),
            "/hot/playlist": Answer(200, plain, bytes(4096), gzip=bytes(900), etag=b'"v1"'),
            "/hot/part": Answer(200, plain, bytes(62 * 1024), etag=b'"v1"', ranges=True),
        }
        self.held: list[Hold] = []

    def ask(self, request: Request) -> Outcome:
        if request.path != "/hot/held":
            return self.says.get(request.path)
        hold = Hold(10.0, self.says["/hot/small"])
        self.held.append(hold)
        if len(self.held) >= CONNECTIONS:
            asyncio.get_running_loop().call_soon(self.resolve)
        return hold

    def resolve(self) -> None:
        held, self.held = self.held, []
        for hold in held:
            hold.resolve(self.says["/hot/small"])


class RealClock:
    """The machine's clocks."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


async def app(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})
    await send({"type": "http.response.body", "body": bytes(1024)})


async def serve(port: int) -> None:
    async with Ground(NetSettings(), RealClock()) as ground:
        server = HttpServer(ground, [("/hot/", Hot())], app)
        await server.listen(Binding("127.0.0.1", port, "PORT"))
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 100)
        await asyncio.Event().wait()


class Floor(asyncio.Protocol):
    """One write for each read."""

    def __init__(self, size: int) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size)
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer)


async def serve_floor(port: int, size: int) -> None:
    await asyncio.get_running_loop().create_server(lambda: Floor(size), "127.0.0.1", port)
    await asyncio.Event().wait()


class Client(asyncio.Protocol):
    """Asks again as soon as it was answered; every answer must be as long as the first."""

    count = 0

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.transport: Any = None
        self.size = 0
        self.got = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.got += len(data)
        if not self.size:
            head, _, _ = data.partition(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            self.size = len(head) + 4 + (int(lengths[0].partition(b":")[2]) if lengths else 0)
        if self.got >= self.size:
            assert self.got == self.size
            self.got = 0
            Client.count += 1
            self.transport.write(self.request)


async def load(port: int, case: tuple[bytes, bytes], seconds: float, cpu_s: Any) -> tuple[float, float]:
    """Requests per CPU-second, and per second."""
    target, headers = case
    request = b"GET %s HTTP/1.1\r\nHost: yard\r\n%s\r\n" % (target, headers)
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Client(request), "127.0.0.1", port)
    await asyncio.sleep(0.3)
    count, cpu, began = Client.count, cpu_s(), time.monotonic()
    await asyncio.sleep(seconds)
    count, cpu, took = Client.count - count, cpu_s() - cpu, time.monotonic() - began
    return count / cpu, count / took


def measure(role: list[str], cases: dict[str, tuple[bytes, bytes]], seconds: float) -> None:
    port = free_port()
    command = [sys.executable, "-m", "bench.http_hot", role[0], str(port), *role[1:]]
    with running(command, {SERVER_CORE}) as server:
        wait_for_port(port)
        for name, case in cases.items():
            per_cpu, per_s = uvloop.run(load(port, case, seconds, server.cpu_s))
            print(f"{name:40}{per_cpu:26,.0f}{per_s:14,.0f}", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        return uvloop.run(serve(int(sys.argv[2])))
    if sys.argv[1:2] == ["floor"]:
        return uvloop.run(serve_floor(int(sys.argv[2]), int(sys.argv[3])))
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    os.sched_setaffinity(0, generator_cores())
    print(f"{'case':40}{'requests per CPU-second':>26}{'per second':>14}")
    for name, size in FLOORS.items():
        measure(["floor", str(size)], {f"floor: {name}": CASES[name]}, seconds)
    measure(["serve"], CASES, seconds)
    return None


if __name__ == "__main__":
    main()

"""A crowd in one room: python -m bench.crowd DIALECT PORT CONNECTIONS MESSAGES_PER_S SECONDS.

DIALECT is `centrifugo` or `socketio`. Connections come from 16 loopback addresses, so that ports suffice.
Prints a JSON line when everybody is in the room, and another when the messages of so many seconds have been
counted.
"""

import asyncio
import json
import math
import sys
import time
from typing import ClassVar, cast

import uvloop

from bench.measure import raise_descriptors
from madang.protocols.websocket.frame import TEXT, apply_mask, build_head

ADDRESSES = 16
MESSAGE_BYTES = 200
SAMPLED = 40
AT_ONCE = 200
# One connection may send a hundred commands a second.
PER_PUBLISHER = 50
SETTLE_S = 5.0
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x01\x02\x03\x04"
ROOM = "bench:room"
PATHS = {"centrifugo": "/connection/websocket", "socketio": "/socket.io/?EIO=4&transport=websocket"}


class Count:
    """What arrived."""

    received = 0
    lost_connections = 0
    slow_sent_away = 0
    delays: ClassVar[list[float]] = []


class Viewer(asyncio.Protocol):
    """One connection, which counts the messages in what it reads."""

    def __init__(self, dialect: str, samples: bool) -> None:
        self.dialect = dialect
        self.samples = samples
        self.step = 0
        self.rest = b""
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        path = PATHS[self.dialect]
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        self.transport.write(
            head.encode() + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
        )

    def connection_lost(self, exc: Exception | None) -> None:
        Count.lost_connections += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))

    def send(self, text: str) -> None:
        data = text.encode()
        self.transport.write(build_head(TEXT, len(data), masked=True) + MASK + apply_mask(data, MASK))

    def data_received(self, data: bytes) -> None:
        if self.step < 3:
            self.begin(data)
            return
        if data == b"\x81\x02{}":
            self.send("{}")
        elif data == b"\x81\x012":
            self.send("3")
        whole = self.rest + data if self.rest else data
        Count.received += whole.count(b'"n":')
        self.rest = whole[-3:] if b'"n":'.startswith(whole[-3:]) or whole.endswith((b'"', b'"n')) else b""
        if self.samples:
            for part in whole.split(b'"at":')[1:]:
                told = part.split(b",", 1)[0]
                if len(told) > 12:
                    Count.delays.append(time.time() - float(told))

    def begin(self, data: bytes) -> None:
        if self.dialect == "centrifugo":
            if self.step == 0:
                subscribe = {"id": 2, "subscribe": {"channel": ROOM}}
                self.send(json.dumps({"id": 1, "connect": {}}) + "\n" + json.dumps(subscribe))
                self.step = 1
            if b'"subscribe"' in data:
                self.step = 3
        elif self.step == 0 and b"0{" in data:
            self.send("40")
            self.step = 1
        elif self.step == 1 and b"40{" in data:
            self.send('42["join","room"]')
            self.step = 3
        if self.step == 3 and not self.ready.done():
            self.ready.set_result(None)

    def publish(self, number: int) -> None:
        head = f'{{"n":{number},"at":{time.time():.6f},"pad":"'
        data = head + "x" * (MESSAGE_BYTES - len(head) - 2) + '"}'
        if self.dialect == "centrifugo":
            self.send(f'{{"id":{number + 10},"publish":{{"channel":"{ROOM}","data":{data}}}}}')
        else:
            self.send(f'42["message","room",{data}]')


async def gather(dialect: str, port: int, count: int) -> list[Viewer]:
    """Everybody, in the room."""
    loop, viewers, turns = asyncio.get_running_loop(), [], asyncio.Semaphore(AT_ONCE)

    async def come(number: int) -> None:
        async with turns:
            address = f"127.0.0.{number % ADDRESSES + 1}"
            viewer = Viewer(dialect, number < SAMPLED)
            for again in range(5):
                try:
                    await loop.create_connection(lambda: viewer, "127.0.0.1", port, local_addr=(address, 0))
                    break
                except OSError:
                    await asyncio.sleep(0.2 * again)
            async with asyncio.timeout(60):
                await viewer.ready
            viewers.append(viewer)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(come(number))
    return viewers


async def main(dialect: str, port: int, count: int, rate: float, seconds: float) -> None:
    viewers = await gather(dialect, port, count)
    publishers = viewers[-math.ceil(rate / PER_PUBLISHER) :]
    await asyncio.sleep(1)
    print(json.dumps({"standing": len(viewers)}), flush=True)
    began, sent = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        while sent < now * rate:
            publishers[sent % len(publishers)].publish(sent)
            sent += 1
        await asyncio.sleep(min(1 / rate, 0.01))
    wanted, end = sent * count, time.monotonic() + SETTLE_S
    while Count.received < wanted and time.monotonic() < end:
        await asyncio.sleep(0.02)
    elapsed = time.monotonic() - began
    delays = sorted(Count.delays) or [0.0]
    told = {
        "per_second": Count.received / elapsed,
        "lost_share": max(1 - Count.received / wanted, 0.0),
        "lost_connections": Count.lost_connections,
        "sent": sent,
        "p50_ms": delays[len(delays) // 2] * 1000,
        "p99_ms": delays[int(len(delays) * 0.99)] * 1000,
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    raise_descriptors()
    uvloop.install()
    dialect, *numbers = sys.argv[1:]
    port, count, rate, seconds = map(float, numbers)
    asyncio.run(main(dialect, int(port), int(count), rate, seconds))

"""Floor of HTTP-FLV and RTMP play: python -m bench.floor_flv PORT WINDOW_MS.

The writes that the protocol forces and nothing else: the clip in a loop, in real time, to every connection,
one merged write per viewer and window. No bounds, no errors handled: a yardstick, not a server.
"""

import asyncio
import gc
import sys
import time
from typing import cast

import uvloop

from bench import clip

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\nFLV\x01\x05\0\0\0\x09\0\0\0\0"
)
connections: set[asyncio.Transport] = set()


class Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=1 << 20)

    def data_received(self, data: bytes) -> None:
        self.transport.write(_HEAD)
        connections.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        connections.discard(self.transport)


async def play(window_s: float) -> None:
    tags = clip.tags(clip.path())
    start, offset, last = time.monotonic(), 0, 0.0
    waiting: list[bytes] = []
    while True:
        for tag in tags:
            at = offset + tag.at_ms
            delay = start + at / 1000 - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            head = bytes((tag.type,)) + len(tag.body).to_bytes(3, "big") + (at & 0xFFFFFF).to_bytes(3, "big")
            waiting += [
                head + bytes((at >> 24 & 255, 0, 0, 0)),
                tag.body,
                (len(tag.body) + 11).to_bytes(4, "big"),
            ]
            now = time.monotonic()
            if now - last >= window_s:
                data = b"".join(waiting)
                waiting.clear()
                last = now
                for transport in connections:
                    transport.write(data)
        offset += clip.duration_ms(tags)


async def main(port: int, window_s: float) -> None:
    await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await play(window_s)


if __name__ == "__main__":
    gc.freeze()
    uvloop.install()
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))

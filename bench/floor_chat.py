"""Floor of chat fan-out: python -m bench.floor_chat PORT TICK_MS.

Just enough websocket and Socket.IO text to be loaded: a message is framed once and the same bytes are
written to
every member, at once or joined per tick. No bounds, no errors handled: a yardstick, not a server.
"""

import asyncio
import gc
import sys
from typing import cast

import uvloop

from madang.protocols.websocket import handshake
from madang.protocols.websocket.frame import TEXT, build_frame
from madang.protocols.websocket.receiver import Message, Receiver

room: list[asyncio.Transport] = []
waiting: list[bytes] = []


class Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.receiver: Receiver | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport in room:
            room.remove(self.transport)

    def data_received(self, data: bytes) -> None:
        if self.receiver is None:
            self.receiver = Receiver()
            lines = data.split(b"\r\n")
            key = next(line[18:].strip() for line in lines if line.lower().startswith(b"sec-websocket-key"))
            self.transport.write(handshake.build_response(key) + build_frame(TEXT, b"0{}"))
            return
        for event in self.receiver.feed(data):
            if isinstance(event, Message):
                self.take(str(event.data).encode())

    def take(self, text: bytes) -> None:
        if text == b"40":
            self.transport.write(build_frame(TEXT, b"40{}"))
        elif text.startswith(b'42["join"'):
            room.append(self.transport)
        elif text.startswith(b'42["message"'):
            waiting.append(build_frame(TEXT, b'42["message",' + text.split(b",", 2)[2]))
            if not tick_s:
                flush()
            elif len(waiting) == 1:
                asyncio.get_running_loop().call_later(tick_s, flush)


def flush() -> None:
    data = b"".join(waiting)
    waiting.clear()
    for transport in room:
        transport.write(data)


async def main() -> None:
    await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    tick_s = float(sys.argv[2]) / 1000
    gc.freeze()
    uvloop.install()
    asyncio.run(main())

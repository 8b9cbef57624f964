"""Floor of RTMP ingest: python -m bench.floor_publish PORT.

Handshake, chunk parser and frames into a list per group of pictures; nothing is packaged, nothing is checked.
"""

import asyncio
import gc
import os
import sys
from typing import cast

import uvloop

from bench.wire import AUDIO, COMMAND, VIDEO, amf, message


class ChunkStream:
    __slots__ = ("delta", "have", "length", "parts", "timestamp", "type")

    def __init__(self) -> None:
        self.timestamp = self.delta = self.length = self.type = self.have = 0
        self.parts: list[bytes] = []


class Frame:
    __slots__ = ("data", "dts", "key", "pts", "track")

    def __init__(self, track: int, dts: int, pts: int, key: bool, data: bytes) -> None:
        self.track, self.dts, self.pts, self.key, self.data = track, dts, pts, key, data


class Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.shaken = 0
        self.buffer = bytearray()
        self.chunk = 128
        self.streams: dict[int, ChunkStream] = {}
        self.gop: list[Frame] = []

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.shaken < 2 and not self.shake():
            return
        buffer, size, at, streams = self.buffer, len(self.buffer), 0, self.streams
        while at < size:
            begin = at
            form, csid = buffer[at] >> 6, buffer[at] & 63
            head = (11, 7, 3, 0)[form]
            at += 1
            if size - at < head:
                at = begin
                break
            stream = streams.get(csid)
            if stream is None:
                stream = streams[csid] = ChunkStream()
            field = 0
            length, type = stream.length, stream.type
            if form < 3:
                field = buffer[at] << 16 | buffer[at + 1] << 8 | buffer[at + 2]
                if form < 2:
                    length = buffer[at + 3] << 16 | buffer[at + 4] << 8 | buffer[at + 5]
                    type = buffer[at + 6]
            at += head
            take = min(length - stream.have, self.chunk)
            if size - at < take:
                at = begin
                break
            stream.length, stream.type = length, type
            if stream.have == 0:
                if form == 0:
                    stream.timestamp = field
                elif form < 3:
                    stream.delta = field
                    stream.timestamp += field
                else:
                    stream.timestamp += stream.delta
            stream.parts.append(bytes(memoryview(buffer)[at : at + take]))
            at += take
            stream.have += take
            if stream.have == length:
                body = stream.parts[0] if len(stream.parts) == 1 else b"".join(stream.parts)
                stream.parts = []
                stream.have = 0
                self.take(type, stream.timestamp, body)
        if at:
            del buffer[:at]

    def shake(self) -> bool:
        if self.shaken == 0 and len(self.buffer) >= 1537:
            self.transport.write(b"\x03" + bytes(8) + os.urandom(1528) + self.buffer[1:1537])
            del self.buffer[:1537]
            self.shaken = 1
        if self.shaken == 1 and len(self.buffer) >= 1536:
            del self.buffer[:1536]
            self.shaken = 2
        return self.shaken == 2

    def take(self, type: int, timestamp: int, body: bytes) -> None:
        if type in (VIDEO, AUDIO):
            key = type == VIDEO and body[0] >> 4 == 1
            if key:
                self.gop.clear()
            self.gop.append(Frame(type, timestamp * 90, timestamp * 90, key, body))
        elif type == 1:
            self.chunk = int.from_bytes(body, "big")
        elif type == COMMAND:
            self.command(body[3 : 3 + int.from_bytes(body[1:3], "big")])

    def command(self, name: bytes) -> None:
        success: dict[str, str | float] = {"code": "NetConnection.Connect.Success"}
        start: dict[str, str | float] = {"level": "status", "code": "NetStream.Publish.Start"}
        answers = {
            b"connect": (3, 0, amf("_result", 1.0, {"fmsVer": "x"}, success)),
            b"createStream": (3, 0, amf("_result", 2.0, None, 1.0)),
            b"publish": (5, 1, amf("onStatus", 0.0, None, start)),
        }
        if name in answers:
            csid, stream, body = answers[name]
            self.transport.write(message(csid, COMMAND, stream, 0, body, 128))


async def main(port: int) -> None:
    await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=1000)
    await asyncio.Event().wait()


if __name__ == "__main__":
    gc.freeze()
    uvloop.install()
    asyncio.run(main(int(sys.argv[1])))

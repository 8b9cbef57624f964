"""A crowd that is dropped and comes back: python -m bench.returners PORT COUNT FIRST SECRET.

Its members subscribe to one room with recovery, under tokens and addresses that begin at number FIRST. Prints
a JSON line when all are there. `drop` on standard input resets all connections in one moment; each member
returns as Centrifugo's own clients do, half a second later at the earliest, and a line says how long it took.
`count` says what was lost and what came twice, by the offsets; then it ends.
"""

import asyncio
import json
import random
import re
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import cast

import jwt
import uvloop

from bench.crowd import ADDRESSES, KEY, MASK, ROOM
from bench.measure import raise_descriptors
from madang.protocols.websocket.frame import TEXT, apply_mask, build_head

BACK_S = 120.0
AT_ONCE = 200
TRY_S = 20.0
_OFFSET = re.compile(rb'"offset":(\d+)[,}]')
_LONGEST = 32
"""Bytes that may be the beginning of an offset."""
_PING = b"\x81\x02{}"
_RESET = struct.pack("ii", 1, 0)


class Member:
    """One viewer over all its connections: where it stands in the room, and what it missed."""

    __slots__ = ("address", "back_s", "doubled", "epoch", "last", "lost", "tries", "unrecovered", "wire")

    def __init__(self, number: int) -> None:
        self.address = f"127.0.0.{number % ADDRESSES + 1}"
        self.epoch = ""
        self.last = -1
        self.lost = self.doubled = self.unrecovered = self.tries = 0
        self.back_s = 0.0
        self.wire: Wire | None = None

    def hear(self, offset: int) -> None:
        if offset <= self.last:
            self.doubled += 1
            return
        self.lost += offset - self.last - 1
        self.last = offset

    def subscribed(self, told: dict[str, object]) -> None:
        """The reply to the subscription; at a return it holds what was missed."""
        if self.epoch and not told.get("recovered"):
            self.unrecovered += 1
        if not self.epoch:
            self.last = cast(int, told.get("offset", 0))
        self.epoch = cast(str, told["epoch"])
        for publication in cast(list[dict[str, int]], told.get("publications", [])):
            self.hear(publication["offset"])


class Wire(asyncio.Protocol):
    """One connection of a member."""

    def __init__(self, member: Member, token: str) -> None:
        self.member = member
        self.token = token
        self.rest = b""
        self.upgraded = False
        self.subscribed = False
        self.standing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(
            b"GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.standing.done():
            self.standing.set_exception(ConnectionError("closed before it was ready"))
        self.over.set_result(None)

    def send(self, text: str) -> None:
        data = text.encode()
        self.transport.write(build_head(TEXT, len(data), masked=True) + MASK + apply_mask(data, MASK))

    def data_received(self, data: bytes) -> None:
        if self.subscribed:
            self.read(data)
            return
        self.rest += data
        if not self.upgraded:
            head, found, self.rest = self.rest.partition(b"\r\n\r\n")
            if not found:
                self.rest = head
                return
            if b" 101 " not in head[:20]:
                self.transport.abort()
                return
            self.upgraded = True
            self.greet()
        for text in self.messages():
            for line in text.splitlines():
                self.answered(json.loads(line))

    def greet(self) -> None:
        """Both commands in one message, as a client that knows its subscriptions sends them."""
        member = self.member
        where = {"recover": True, "epoch": member.epoch, "offset": member.last} if member.epoch else {}
        subscribe = {"id": 2, "subscribe": {"channel": ROOM, "recoverable": True, **where}}
        self.send(json.dumps({"id": 1, "connect": {"token": self.token}}) + "\n" + json.dumps(subscribe))

    def messages(self) -> Iterator[bytes]:
        """Whole frames of what has come, as long as the room was not entered; the server's are not masked."""
        while len(self.rest) >= 2 and not self.subscribed:
            size, at = self.rest[1] & 127, 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size, at = int.from_bytes(self.rest[2 : 2 + wide], "big"), 2 + wide
            if len(self.rest) < at + size:
                return
            opcode, text, self.rest = self.rest[0] & 15, self.rest[at : at + size], self.rest[at + size :]
            if opcode == TEXT:
                yield text

    def answered(self, told: dict[str, dict[str, object]]) -> None:
        if "subscribe" in told:
            self.subscribed = True
            self.member.subscribed(told["subscribe"])
            self.standing.set_result(None)
            rest, self.rest = self.rest, b""
            self.read(rest)
        elif "push" in told:
            self.read(json.dumps(told, separators=(",", ":")).encode())
        elif "error" in told:
            self.transport.abort()

    def read(self, data: bytes) -> None:
        """In the room: nothing but offsets, which the server writes behind each publication's data."""
        if _PING in data:
            self.send("{}")
        whole = self.rest + data
        end = 0
        for found in _OFFSET.finditer(whole):
            self.member.hear(int(found[1]))
            end = found.end()
        self.rest = whole[max(end, len(whole) - _LONGEST) :]

    def reset(self) -> None:
        """As by a network that fails: no goodbye."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


class Crowd:
    """All members of this process."""

    def __init__(self, port: int, count: int, first: int, secret: str) -> None:
        self.port = port
        self.members = [Member(first + number) for number in range(count)]
        self.tokens = [
            jwt.encode({"sub": f"user{first + number}"}, secret, "HS256") for number in range(count)
        ]

    async def come(self, number: int) -> None:
        """One connection, up to the room."""
        member = self.members[number]
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(
            lambda: Wire(member, self.tokens[number]), "127.0.0.1", self.port, local_addr=(member.address, 0)
        )
        member.wire = wire
        await wire.standing

    async def gather(self) -> None:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with turns, asyncio.timeout(BACK_S):
                await self.come(number)

        async with asyncio.TaskGroup() as group:
            for number in range(len(self.members)):
                group.create_task(one(number))

    async def drop(self) -> None:
        """All at once; each comes back by itself, as often as it takes."""
        began = time.monotonic()
        for member in self.members:
            assert member.wire is not None
            member.wire.reset()

        async def one(number: int) -> None:
            member = self.members[number]
            while True:
                await asyncio.sleep(backoff_s(member.tries))
                member.tries += 1
                try:
                    async with asyncio.timeout(TRY_S):
                        await self.come(number)
                    break
                except (OSError, TimeoutError):
                    if member.wire is not None:
                        member.wire.transport.abort()
            member.back_s = time.monotonic() - began

        async with asyncio.timeout(BACK_S), asyncio.TaskGroup() as group:
            for number in range(len(self.members)):
                group.create_task(one(number))

    def back(self) -> dict[str, object]:
        took = sorted(member.back_s for member in self.members)
        return {
            "back": len(took),
            "took_s": [round(each, 3) for each in took],
            "tries": sum(member.tries for member in self.members),
        }

    def count(self) -> dict[str, int]:
        away = sum(member.wire is None or member.wire.over.done() for member in self.members)
        return {
            "lost": sum(member.lost for member in self.members),
            "doubled": sum(member.doubled for member in self.members),
            "unrecovered": sum(member.unrecovered for member in self.members),
            "away": away,
            "least": min(member.last for member in self.members),
            "most": max(member.last for member in self.members),
        }


def backoff_s(tries: int) -> float:
    """What centrifuge-js waits before it tries again: half a second, and as much more at random, doubled with
    each try."""
    return min(20.0, 0.5 + random.random() * min(20.0, 0.5 * 2**tries))


def say(told: object) -> None:
    print(json.dumps(told), flush=True)


async def main(port: int, count: int, first: int, secret: str) -> None:
    crowd = Crowd(port, count, first, secret)
    await crowd.gather()
    say({"standing": count})
    told = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    async for line in told:
        if line.strip() == b"drop":
            await crowd.drop()
            say(crowd.back())
        elif line.strip() == b"count":
            say(crowd.count())
            return


if __name__ == "__main__":
    raise_descriptors()
    uvloop.install()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))

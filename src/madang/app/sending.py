"""Publishes an FLV stream by RTMP. The demo's ffmpeg writes FLV to us instead of publishing by itself: its
command line would show the stream key to every user of the machine (A63)."""

import asyncio
import os
from typing import Final
from urllib.parse import urlsplit

from madang.base.errors import PeerError
from madang.containers.flv.tag import TagReader
from madang.protocols.rtmp.client import Aim, ClientConnection, Event, Status, Target
from madang.protocols.rtmp.handshake import ENTROPY_BYTES

BEGIN_S: Final = 10.0
READ_BYTES: Final = 64 * 1024
CHUNK_BYTES: Final = 64 * 1024


class SendError(Exception):
    """The stream was not taken, or the connection ended; the text says why."""


def target_of(url: str) -> Target:
    """`rtmp://host:port/app/key` as the two parts that RTMP wants."""
    parts = urlsplit(url)
    app, _, name = parts.path.strip("/").rpartition("/")
    return Target(f"rtmp://{parts.netloc}/{app}", app, name, Aim.PUBLISH)


async def send(flv: asyncio.StreamReader, url: str) -> None:
    """Publish until `flv` ends. No goodbye is said: whoever comes back continues the broadcast.

    Raises SendError."""
    parts = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 1935)
    except OSError as error:
        raise SendError(f"cannot connect: {error.strerror or error}") from None
    connection = ClientConnection(os.urandom(ENTROPY_BYTES), target_of(url))
    try:
        async with asyncio.timeout(BEGIN_S):
            await _begin(connection, reader, writer)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(connection, reader, writer))
            await _relay(connection, flv, writer)
            listening.cancel()
    except* (OSError, PeerError, TimeoutError) as failed:
        raise SendError(str(failed.exceptions[0]) or "no answer in time") from None
    finally:
        writer.close()


async def _begin(
    connection: ClientConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Handshake, connect, publish: until the server says that it takes the stream."""
    codes: list[str] = []
    while "NetStream.Publish.Start" not in codes:
        writer.write(connection.take())
        codes = _statuses(connection.receive(await _read(reader)))
    connection.set_chunk_size(CHUNK_BYTES)
    writer.write(connection.take())


async def _listen(
    connection: ClientConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer pings, and notice when the server sends us away."""
    while True:
        _statuses(connection.receive(await _read(reader)))
        if answer := connection.take():
            writer.write(answer)


async def _relay(
    connection: ClientConnection, flv: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """FLV tags as RTMP messages: their bodies are the same bytes."""
    tags = TagReader()
    while data := await flv.read(READ_BYTES):
        for tag in tags.receive(data):
            writer.write(connection.send(tag.type, tag.timestamp_ms, tag.body))
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(READ_BYTES)
    if not data:
        raise ConnectionResetError("the server closed the connection")
    return data


def _statuses(events: list[Event]) -> list[str]:
    """Codes of what the server said; an error ends it."""
    said = [event for event in events if isinstance(event, Status)]
    for status in said:
        if status.level == "error":
            raise PeerError(status.code, status.description)
    return [status.code for status in said]

"""An FLV stream is published by RTMP, or it is said why not."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from madang.app.sending import SendError, send, target_of
from madang.containers.flv import tag
from madang.protocols.rtmp.handshake import ENTROPY_BYTES
from madang.protocols.rtmp.message import Message
from madang.protocols.rtmp.server import Publish, ServerConnection

TAGS = [(tag.SCRIPT, 0, b"\x02"), (tag.VIDEO, 0, b"\x17" + bytes(300_000)), (tag.AUDIO, 40, b"\xaf\x01x")]
FLV = tag.build_header(True, True) + b"".join(tag.build_tag(*one) for one in TAGS)
Answer = Callable[[ServerConnection, Publish], None]


def accept(connection: ServerConnection, request: Publish) -> None:
    connection.accept_publish()


@asynccontextmanager
async def server(answer: Answer, seen: list[object], most: int = 1000) -> AsyncIterator[str]:
    """A server that answers a publish request by `answer`, and hangs up after `most` events."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        connection = ServerConnection(os.urandom(ENTROPY_BYTES))
        while len(seen) < most and (data := await reader.read(65536)):
            for event in connection.receive(data):
                seen.append(event)
                if isinstance(event, Publish):
                    answer(connection, event)
            writer.write(connection.take())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"rtmp://127.0.0.1:{listening.sockets[0].getsockname()[1]}/live/hunter2"
    if serving:
        await asyncio.wait(serving)


def stream(data: bytes, ended: bool = True) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    if ended:
        reader.feed_eof()
    return reader


async def test_every_tag_arrives() -> None:
    seen: list[object] = []
    async with server(accept, seen) as url:
        await send(stream(FLV), url)
        await asyncio.sleep(0.05)
    asked, *messages = seen
    assert isinstance(asked, Publish) and asked.name == "hunter2"
    assert [(m.type, m.timestamp_ms, m.body) for m in messages if isinstance(m, Message)] == TAGS


async def test_a_refusal_is_told() -> None:
    def refuse(connection: ServerConnection, request: Publish) -> None:
        connection.refuse("NetStream.Publish.BadName", "No such stream key.")

    async with server(refuse, []) as url:
        with pytest.raises(SendError, match=r"No such stream key\."):
            await send(stream(FLV), url)


async def test_being_sent_away_ends_it() -> None:
    def accept_and_reject(connection: ServerConnection, request: Publish) -> None:
        connection.accept_publish()
        connection.status("error", "NetStream.Publish.Rejected", "The broadcast was ended.")

    async with server(accept_and_reject, []) as url:
        with pytest.raises(SendError, match=r"The broadcast was ended\."):
            await send(stream(FLV, ended=False), url)


async def test_a_server_that_leaves_ends_it() -> None:
    async with server(accept, [], most=2) as url:
        with pytest.raises(SendError, match="closed the connection|reset|Broken pipe"):
            await send(stream(FLV, ended=False), url)


async def test_nobody_there() -> None:
    listening = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    with pytest.raises(SendError, match="cannot connect"):
        await send(stream(FLV), f"rtmp://127.0.0.1:{port}/live/x")


async def test_what_is_no_flv_is_not_sent() -> None:
    async with server(accept, []) as url:
        with pytest.raises(SendError, match="not an FLV"):
            await send(stream(b"RIFF" + bytes(100)), url)


def test_the_target_of_a_url() -> None:
    target = target_of("rtmp://[::1]:1945/live/deep/key")
    assert (target.tc_url, target.app, target.name) == ("rtmp://[::1]:1945/live/deep", "live/deep", "key")

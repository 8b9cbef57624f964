"""Our own client and hostile peers on real sockets: what ffmpeg does not do."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from tests.harness.rtmp import (
    KEY,
    Yard,
    encoder,
    open_yard,
)

from madang.base.ids import ChannelId
from madang.protocols.rtmp.chunk import build_basic_header, build_chunks
from madang.protocols.rtmp.command import command
from madang.protocols.rtmp.message import AUDIO, Message


@pytest.fixture
async def yard() -> AsyncIterator[Yard]:
    async with open_yard() as yard:
        yield yard


ASC, SOUND_BODY = b"\xaf\x00\x12\x10", b"\xaf\x01" + bytes(range(200))


@pytest.mark.parametrize("schema", [None, 0, 1], ids=["plain", "digest 0", "digest 1"])
@pytest.mark.parametrize("chunk_size", [1, 128, 65_536])
async def test_handshakes_and_chunk_sizes(yard: Yard, schema: int | None, chunk_size: int) -> None:
    client = await encoder(yard, schema)
    assert client.statuses == ["NetStream.Publish.Start"]
    client.wire.set_chunk_size(chunk_size)
    client.transport.write(client.wire.take())
    client.say(AUDIO, 0, ASC)
    for i in range(40):
        client.say(AUDIO, i * 23, SOUND_BODY)
    client.wire.say_goodbye()
    client.transport.write(client.wire.take())
    await yard.until("ended")
    assert len(yard.follower.frames) == 40
    assert {bytes(frame.payload) for frame in yard.follower.frames} == {SOUND_BODY[2:]}
    client.transport.close()


async def test_media_before_the_answer_never_reaches_the_hub(yard: Yard) -> None:
    client = await encoder(yard, name="wrong")
    client.say(AUDIO, 0, ASC)
    for i in range(40):
        client.say(AUDIO, i * 23, SOUND_BODY)
    await asyncio.wait_for(client.closed.wait(), 20)
    assert client.statuses == ["NetStream.Publish.Unauthorized"]
    assert (yard.follower.frames, yard.observer.told) == ([], [])


async def test_key_that_is_revoked_in_the_middle_stops_at_once(yard: Yard) -> None:
    client = await encoder(yard)
    client.say(AUDIO, 0, ASC)
    for i in range(40):
        client.say(AUDIO, i * 23, SOUND_BODY)
    await yard.until("began")
    yard.registry.kick(ChannelId("yard"), "revoked", "This stream key was revoked.")
    for i in range(40, 80):
        client.say(AUDIO, i * 23, SOUND_BODY)
    await asyncio.wait_for(client.closed.wait(), 20)
    assert client.statuses == ["NetStream.Publish.Start", "NetStream.Publish.Unauthorized"]
    assert len(yard.follower.frames) == 40


async def test_publishers_who_understand_it_are_asked_to_reconnect(yard: Yard) -> None:
    able, plain = await encoder(yard, capsEx=1.0), await encoder(yard, name="wrong")
    assert yard.server.ask_to_reconnect("The server restarts.") == 1
    async with asyncio.timeout(20):
        while len(able.statuses) < 2:
            await asyncio.sleep(0.01)
    assert able.statuses[1] == "NetConnection.Connect.ReconnectRequest"
    able.transport.close()
    plain.transport.close()


HELLO = b"\x03" + bytes(3072)
HOSTILE = {
    "http": b"GET / HTTP/1.1\r\nHost: yard\r\n\r\n",
    "tls on the plain door": b"\x16\x03\x01\x02\x00\x01",
    "chunk size 0": HELLO + build_chunks(2, Message(1, 0, 0, bytes(4)), 128),
    "chunk size 2^31-1": HELLO + build_chunks(2, Message(1, 0, 0, b"\x7f\xff\xff\xff"), 128),
    "message of 16 MiB": HELLO + b"\x04\x00\x00\x00\xff\xff\xff\x09\x01\x00\x00\x00",
    "type 3 without a header": HELLO + b"\xc4abc",
    "65 chunk streams": HELLO + b"".join(build_chunks(64 + i, Message(8, 0, 1, b""), 128) for i in range(65)),
    "deep AMF": HELLO + build_chunks(3, Message(20, 0, 0, b"\x03\x00\x01a" * 9000), 128),
    "array of 2^32": HELLO
    + build_chunks(3, Message(20, 0, 0, b"\x0a\xff\xff\xff\xff" + b"\x05" * 9000), 128),
    "publish before connect": HELLO + build_chunks(3, command(1, "publish", 1, None, KEY), 128),
    "connect twice": HELLO + build_chunks(3, command(0, "connect", 1, {}), 128) * 2,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_peers_are_cut_off(yard: Yard, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", yard.port)
    writer.write(data)
    await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert yard.server.counters.broken == 1
    assert yard.observer.told == []


async def test_unfinished_giants_take_memory_only_for_what_came(yard: Yard) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", yard.port)
    writer.write(HELLO)
    await reader.readexactly(3073)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for i in range(60):
        writer.write(
            build_basic_header(0, 3 + i) + b"\x00\x00\x00\x3f\xff\xff\x09\x01\x00\x00\x00" + bytes(128)
        )
    writer.write(build_chunks(63, command(0, "connect", 1, {}), 128))
    await asyncio.wait_for(reader.readexactly(1), 20)  # the answer: everything before it was read
    grown = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    writer.close()
    assert grown < 500_000

"""F20: viewers that do not read, among viewers that do: on the event loop of production, real sockets."""

import asyncio
import contextlib
import os
import socket
import time
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.base.limits import VIEWER_QUEUE_BYTES
from madang.containers.flv.tag import VIDEO, TagReader, build_header
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.settings import FanoutSettings
from madang.net.fanout.viewer import Viewer
from madang.packaging.flv.rendering import Renderings
from madang.packaging.flv.tags import tag_pieces

SLOW = 200
FAST = 10
FPS = 30
FRAME_BYTES = 20_000
TRACK = Track(id=1, codec=Codec.H264, timescale=90_000, config=bytes(9), width=1280, height=720)
HEADER = build_header(audio=False, video=True)


class Clock:
    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class JoiningViewer(Viewer):
    """Joins as soon as it is connected."""

    __slots__ = ("_renderings", "_stream")

    def __init__(self, renderings: Renderings, stream: Stream) -> None:
        super().__init__()
        self._renderings = renderings
        self._stream = stream

    def connection_made(self, transport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        self._renderings.join(self._stream, self, transport, HEADER)


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def publish(stream: Stream, seconds: float) -> None:
    """Frames in real time, a keyframe each second."""
    began = time.monotonic()
    for number in range(round(seconds * FPS)):
        await asyncio.sleep(max(began + number / FPS - time.monotonic(), 0))
        keyframe = number % FPS == 0
        payload = b"\0\0\0\2\x65\0" if keyframe else b"\0\0\0\2\x41\0"
        stream.offer(Frame(1, number * 3000, number * 3000, keyframe, payload + os.urandom(FRAME_BYTES)))


async def watch(port: int) -> list[int]:
    """Timestamps that a viewer gets who reads."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    parser, times = TagReader(), []
    while data := await reader.read(1 << 20):
        times += [tag.timestamp_ms for tag in parser.receive(data) if tag.type == VIDEO]
    writer.close()
    return times


async def ignore(port: int) -> socket.socket:
    """A viewer who never reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock


async def scenario() -> tuple[list[list[int]], FanoutCounters, int, int]:
    loop = asyncio.get_running_loop()
    lease = Lease(channel=ChannelId("c"), name="c", key=KeyId("k"), profile=Profile())
    stream = Stream(BroadcastId("b"), lease, Clock())
    stream.enter(StreamState.LIVE)
    stream.offer_tracks((TRACK,), False)
    counters = FanoutCounters()
    renderings = Renderings(tag_pieces, loop, FanoutSettings(), counters)
    server = await loop.create_server(lambda: JoiningViewer(renderings, stream), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    publisher = asyncio.create_task(publish(stream, 18))
    await asyncio.sleep(0.5)
    fast = [asyncio.create_task(watch(port)) for _ in range(FAST)]
    await asyncio.sleep(1)
    before, most = rss_bytes(), 0
    slow = [await ignore(port) for _ in range(SLOW)]
    while not publisher.done():
        await asyncio.sleep(0.5)
        most = max(most, rss_bytes() - before)
    left = counters.joined - counters.left
    stream.enter(StreamState.ENDED)
    times = await asyncio.wait_for(asyncio.gather(*fast), 30)
    for sock in slow:
        sock.close()
    server.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 1)
    return times, counters, most, left


@pytest.mark.alone
def test_viewers_that_do_not_read_cost_others_nothing_and_are_sent_away() -> None:
    times, counters, most, left = uvloop.run(scenario())
    for seen in times:
        live = seen[FPS:]
        assert max(b - a for a, b in pairwise(live)) <= 34
    assert counters.disconnected == SLOW
    assert left == FAST
    # What waits is shared: one log, and the pieces that sockets are in the middle of.
    assert most < 4 * VIEWER_QUEUE_BYTES + SLOW * 64 * 1024

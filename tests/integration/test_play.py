"""Real ffmpeg publishes; ffmpeg, PyAV and bare sockets play by HTTP-FLV, websocket-FLV and RTMP."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Coroutine

import av
import imageio_ffmpeg
import pytest
from tests.harness.patience import PATIENCE_S, until

from madang.base.errors import Refused
from madang.base.ids import ChannelId, KeyId
from madang.containers.flv.tag import AUDIO, SCRIPT, VIDEO, Tag, TagReader
from madang.delivery.http.errands import Errands
from madang.delivery.http.flv import Doors, FlvRoute
from madang.delivery.rtmp.play import RtmpPlay
from madang.hub.attendance import Attendance
from madang.hub.audience import Audience
from madang.hub.gate import Lease, PlayGrant, PlayRequest, Profile, PublishRequest
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.ingest.rtmp.session import RtmpIngest
from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.settings import FanoutSettings
from madang.net.ground import Ground
from madang.net.http.server import HttpServer
from madang.net.listeners import Binding
from madang.net.rtmp.server import RtmpServer
from madang.net.settings import NetSettings
from madang.net.websocket import WebSockets
from madang.packaging.flv.rendering import Renderings
from madang.packaging.flv.tags import tag_pieces
from madang.packaging.rtmp.chunks import chunk_pieces
from madang.protocols.websocket.handshake import build_request
from madang.protocols.websocket.receiver import Closed, Message, Receiver

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PICTURE = "-f lavfi -i testsrc2=size=320x180:rate=30"
SOUND = "-f lavfi -i sine=sample_rate=48000"
H264 = "-c:v libx264 -preset ultrafast -tune zerolatency -g 60"
X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=60"
AAC = "-c:a aac -ac 2"


class Clock:
    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class Gate:
    """Publishes what it is asked for; plays it to all, or of `private` channels to whoever has the token."""

    def __init__(self) -> None:
        self.private = False
        self.revoked = False

    async def admit(self, request: PublishRequest | PlayRequest) -> Lease | PlayGrant:
        if isinstance(request, PublishRequest):
            profile = Profile(reconnect_window_s=60.0)
            return Lease(channel=ChannelId("c"), name="yard", key=KeyId("k"), profile=profile)
        if request.name != "yard" or request.token.reveal() != "let-me-in":
            raise Refused("not_found", "no token", "No such stream.")
        return PlayGrant(channel=ChannelId("c"), name="yard", private=True, subject="u")

    def peek(self, name: str) -> PlayGrant | None:
        return PlayGrant(channel=ChannelId("c"), name="yard") if name == "yard" and not self.private else None

    def holds(self, grant: PlayGrant) -> bool:
        return not self.revoked


class Observer:
    def __getattr__(self, name: str):
        return lambda *_: None


async def asgi(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})


class Yard:
    """A server of one channel, and its publishers."""

    def __init__(self, ground: Ground) -> None:
        loop = asyncio.get_running_loop()
        self.gate = Gate()
        self.audience = Audience()
        self.registry = Registry(Clock(), os.urandom, Observer())
        self.attendance = Attendance(self.gate, self.audience, Clock(), os.urandom)
        self.counters = FanoutCounters()
        self.tags = Renderings(tag_pieces, loop, FanoutSettings(), self.counters)
        self.chunks = Renderings(chunk_pieces, loop, FanoutSettings(), self.counters)
        self._tasks: set[asyncio.Task[None]] = set()
        doors = Doors(Errands(self._spawn), WebSockets(ground.sweeper, ground.counters))
        flv = FlvRoute(self.gate, self.registry, self.attendance, self.tags, doors)
        play = RtmpPlay(self.gate, self.registry, self.attendance, self.chunks)
        self.rtmp = RtmpServer(ground, RtmpIngest(self.gate, self.registry, Clock()), play)
        self.http = HttpServer(ground, [("/live/", flv)], asgi)
        self._publishers: list[asyncio.subprocess.Process] = []

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def listen(self, ground: Ground) -> None:
        self.rtmp_port = (await ground.listen(Binding("127.0.0.1", 0, "rtmp"), self.rtmp.accept)).port
        self.http_port = (await self.http.listen(Binding("127.0.0.1", 0, "http"))).port
        self.flv_url = f"http://127.0.0.1:{self.http_port}/live/yard.flv"
        self.rtmp_url = f"rtmp://127.0.0.1:{self.rtmp_port}/live/yard"

    async def publish(self, media: str, audio: bool = True, video: bool = True) -> asyncio.subprocess.Process:
        """ffmpeg publishes until the end of the test; returns once frames are there."""
        command = f"-v error -re {media} -f flv rtmp://127.0.0.1:{self.rtmp_port}/live/key"
        process = await asyncio.create_subprocess_exec(FFMPEG, *command.split())
        self._publishers.append(process)

        def on_air() -> bool:
            stream = self.registry.get(ChannelId("c"))
            return stream is not None and len(stream.tracks) == audio + video and len(stream.gop.frames) > 20

        await until(on_air)
        return process

    async def watched_by(self, viewers: int) -> None:
        """Until so many watch."""
        await until(lambda: self.audience.count(ChannelId("c"), time.monotonic()) == viewers)

    async def close(self) -> None:
        for process in self._publishers:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        await self.rtmp.close()
        await self.http.close(0.1)


@pytest.fixture
async def yard() -> AsyncIterator[Yard]:
    async with Ground(NetSettings(), Clock()) as ground:
        scene = Yard(ground)
        await scene.listen(ground)
        yield scene
        await scene.close()


async def ffmpeg_play(url: str, seconds: float = 2.0) -> tuple[int, str]:
    """Decode for so long; what ffmpeg says about errors. Times stay milliseconds, as FLV has them."""
    command = (
        f"-v error -xerror -t {seconds} -i {url} -fps_mode passthrough -enc_time_base:v 1:1000 -f null -"
    )
    process = await asyncio.create_subprocess_exec(FFMPEG, *command.split(), stderr=asyncio.subprocess.PIPE)
    _, said = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, said.decode()


def pyav_play(url: str, frames: int) -> dict[str, list[float]]:
    """Decode so many frames of each stream there is; their times by kind."""
    with av.open(url, timeout=30) as container:
        times: dict[str, list[float]] = {stream.type: [] for stream in container.streams}
        for frame in container.decode():
            times["video" if isinstance(frame, av.VideoFrame) else "audio"].append(float(frame.time))
            if min(map(len, times.values())) >= frames:
                break
    return times


async def both_play(yard: Yard, frames: int) -> list[tuple[tuple[int, str], dict[str, list[float]]]]:
    """By FLV and by RTMP at the same time: what ffmpeg said, and what PyAV decoded."""
    urls = (yard.flv_url, yard.rtmp_url)
    said = asyncio.gather(*(ffmpeg_play(url) for url in urls))
    times = await asyncio.gather(*(asyncio.to_thread(pyav_play, url, frames) for url in urls))
    return list(zip(await said, times, strict=True))


async def read_tags(yard: Yard, count: int, query: str = "") -> tuple[bytes, list[Tag]]:
    """The head of an HTTP-FLV answer, and its first tags."""
    reader, writer = await asyncio.open_connection("127.0.0.1", yard.http_port)
    writer.write(f"GET /live/yard.flv{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    parser, tags = TagReader(), []
    while len(tags) < count and (data := await asyncio.wait_for(reader.read(65536), 30)):
        if not head.startswith(b"HTTP/1.1 200"):
            break
        tags += parser.receive(data)
    writer.close()
    return head, tags


CODECS = {
    "h264 aac": f"{PICTURE} {SOUND} {H264} {AAC}",
    "h264 with b-frames": f"{PICTURE} {SOUND} -c:v libx264 -preset ultrafast -bf 3 -g 60 {AAC}",
    "h264 mp3": f"{PICTURE} {SOUND} {H264} -c:a libmp3lame -ar 44100",
    "h264 opus": f"{PICTURE} {SOUND} {H264} -c:a libopus",
    "hevc aac": f"{PICTURE} {SOUND} {X265} {AAC}",
    "av1 aac": f"{PICTURE} {SOUND} -c:v libsvtav1 -preset 12 -svtav1-params lp=1:pred-struct=1 -g 60 {AAC}",
}


@pytest.mark.parametrize("media", CODECS.values(), ids=CODECS.keys())
async def test_ffmpeg_and_pyav_decode_every_codec_without_an_error(yard: Yard, media: str) -> None:
    await yard.publish(media)
    for said, times in await both_play(yard, 40):
        assert said == (0, "")
        assert set(times) == {"audio", "video"}
        assert times["video"] == sorted(set(times["video"]))


@pytest.mark.parametrize(
    ("media", "kind"), [(f"{SOUND} {AAC}", "audio"), (f"{PICTURE} {H264}", "video")], ids=["audio", "video"]
)
async def test_one_kind_alone_plays_at_once(yard: Yard, media: str, kind: str) -> None:
    await yard.publish(media, audio=kind == "audio", video=kind == "video")
    for said, times in await both_play(yard, 20):
        assert said == (0, "")
        assert list(times) == [kind]
    _, tags = await read_tags(yard, 10)
    flags = {tag.type for tag in tags} - {SCRIPT}
    assert flags == ({AUDIO} if kind == "audio" else {VIDEO})


@pytest.mark.alone
async def test_the_first_picture_is_there_at_once_in_the_middle_of_a_gop(yard: Yard) -> None:
    await yard.publish(CODECS["h264 aac"].replace("-g 60", "-g 250"))
    took = []
    for _ in range(5):  # a machine that stands still for a moment says nothing
        began = time.monotonic()
        head, tags = await read_tags(yard, 5)
        took.append(time.monotonic() - began)
        if took[-1] < 0.3:
            break
    assert min(took) < 1, took  # the next keyframe is up to eight seconds away
    assert b"Connection: close" in head
    assert b"Content-Type: video/x-flv" in head
    assert b"Access-Control-Allow-Origin: *" in head
    assert [tag.type for tag in tags[:4]] == [SCRIPT, VIDEO, AUDIO, VIDEO]
    assert tags[3].body[0] >> 4 == 1


async def test_what_is_not_live_is_not_found(yard: Yard) -> None:
    head, _ = await read_tags(yard, 1)
    assert head.startswith(b"HTTP/1.1 404")
    code, said = await ffmpeg_play(yard.rtmp_url)
    assert code != 0
    assert "not live" in said


async def test_a_private_channel_needs_a_token_and_a_revocation_bites(yard: Yard) -> None:
    yard.gate.private = True
    await yard.publish(CODECS["h264 aac"])
    assert (await read_tags(yard, 1))[0].startswith(b"HTTP/1.1 404")
    assert (await ffmpeg_play(yard.rtmp_url))[0] != 0
    assert len((await read_tags(yard, 20, "?token=let-me-in"))[1]) >= 20
    assert await ffmpeg_play(yard.rtmp_url + "?token=let-me-in", 1.0) == (0, "")
    reader, writer = await asyncio.open_connection("127.0.0.1", yard.http_port)
    writer.write(b"GET /live/yard.flv?token=let-me-in HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert yard.audience.count(ChannelId("c"), time.monotonic()) >= 1
    yard.gate.revoked = True
    yard.attendance.sweep()
    with contextlib.suppress(ConnectionResetError):
        await asyncio.wait_for(reader.read(-1), 30)
    writer.close()


async def test_the_connection_stays_while_the_publisher_comes_back(yard: Yard) -> None:
    publisher = await yard.publish(CODECS["h264 aac"])
    task = asyncio.create_task(read_tags(yard, 400))
    await yard.watched_by(1)
    stream = yard.registry.get(ChannelId("c"))
    assert stream is not None
    publisher.kill()
    await publisher.wait()
    await until(lambda: stream.state is StreamState.RECONNECTING)
    await yard.publish(CODECS["h264 aac"])
    assert yard.registry.get(ChannelId("c")) is stream
    _, tags = await asyncio.wait_for(task, PATIENCE_S)
    assert len(tags) >= 400
    assert sum(tag.type == SCRIPT for tag in tags) == 2
    for kind in (AUDIO, VIDEO):
        times = [tag.timestamp_ms for tag in tags if tag.type == kind]
        assert times == sorted(times)


async def test_the_end_of_the_broadcast_ends_every_connection(yard: Yard) -> None:
    await yard.publish(CODECS["h264 aac"])
    plays = [asyncio.create_task(ffmpeg_play(url, 60)) for url in (yard.flv_url, yard.rtmp_url)]
    await yard.watched_by(2)
    stream = yard.registry.get(ChannelId("c"))
    assert stream is not None
    yard.registry.end(stream, "test")
    (_, flv_said), rtmp_end = await asyncio.wait_for(asyncio.gather(*plays), 30)
    assert rtmp_end == (0, "")
    # A body that ends with its connection: to ffmpeg that is always too early.
    assert "Stream ends prematurely" in flv_said


async def test_a_player_that_is_closed_takes_nobody_with_it(yard: Yard) -> None:
    await yard.publish(CODECS["h264 aac"])
    first = asyncio.create_task(ffmpeg_play(yard.rtmp_url, 60))
    await yard.watched_by(1)
    connections = [c for c in yard.rtmp.connections if c.transport is not None]
    second = asyncio.create_task(ffmpeg_play(yard.rtmp_url, 3))
    await yard.watched_by(2)
    for connection in connections:
        if not isinstance(connection.transport.get_protocol(), type(connection)):
            connection.close()
    await asyncio.wait_for(first, 30)
    assert await second == (0, "")


async def test_a_websocket_carries_the_same_tags_in_binary_messages(yard: Yard) -> None:
    await yard.publish(CODECS["h264 aac"])
    for path in ("/live/yard.ws.flv", "/live/yard.flv"):
        reader, writer = await asyncio.open_connection("127.0.0.1", yard.http_port)
        writer.write(build_request("x", path, b"AAAAAAAAAAAAAAAAAAAAAA=="))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        receiver, parser, tags, events = Receiver(1 << 24, masked=False), TagReader(), [], []
        while len(tags) < 100:
            for event in receiver.feed(await asyncio.wait_for(reader.read(65536), 30)):
                assert isinstance(event, Message)
                assert isinstance(event.data, bytes)
                tags += parser.receive(event.data)
                events.append(event)
        assert 2 <= len(events) < len(tags)
        assert [tag.type for tag in tags[:4]] == [SCRIPT, VIDEO, AUDIO, VIDEO]
        stream = yard.registry.get(ChannelId("c"))
        if path.endswith(".ws.flv"):
            writer.close()
            continue
        assert stream is not None
        yard.registry.end(stream, "test")
        while not isinstance(events[-1], Closed):
            events += receiver.feed(await asyncio.wait_for(reader.read(65536), 30))
        writer.close()


@pytest.mark.alone
async def test_a_slow_reader_loses_its_own_frames_and_nobody_elses(yard: Yard) -> None:
    await yard.publish(
        f"{PICTURE.replace('320x180', '1280x720')} {H264} -b:v 8M -minrate 8M -bufsize 1M", audio=False
    )
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, ("127.0.0.1", yard.http_port))
    await loop.sock_sendall(slow, b"GET /live/yard.flv HTTP/1.1\r\nHost: x\r\n\r\n")
    _, tags = await read_tags(yard, 420)
    pictures = [tag.timestamp_ms for tag in tags if tag.type == VIDEO]
    gaps = [b - a for a, b in zip(pictures, pictures[1:], strict=False)]
    assert max(gaps) < 70
    assert yard.counters.drops >= 1
    slow.close()


async def test_players_leave_nothing_behind(yard: Yard) -> None:
    await yard.publish(CODECS["h264 aac"])
    stream = yard.registry.get(ChannelId("c"))
    assert stream is not None
    before = len(stream._listeners)
    await asyncio.gather(*(ffmpeg_play(url, 0.5) for url in (yard.flv_url, yard.rtmp_url)))
    await yard.watched_by(0)
    assert len(stream._listeners) == before

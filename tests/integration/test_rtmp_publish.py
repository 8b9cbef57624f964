"""Real ffmpeg publishes into a minimal server: real sockets, real hub, a gate that knows one key."""

import asyncio
import os
import ssl
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import av
import imageio_ffmpeg
import pytest
from tests.harness import certificates

from madang.base.errors import Refused
from madang.base.ids import ChannelId, KeyId
from madang.containers.flv import amf
from madang.hub.gate import Lease, Profile, PublishRequest
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.ingest.rtmp.session import RtmpIngest
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.net.ground import Ground
from madang.net.listeners import Binding
from madang.net.rtmp.connection import RtmpConnection
from madang.net.rtmp.server import RtmpServer
from madang.net.settings import NetSettings
from madang.protocols.rtmp.chunk import build_basic_header, build_chunks
from madang.protocols.rtmp.client import Aim, ClientConnection, Status, Target
from madang.protocols.rtmp.command import command
from madang.protocols.rtmp.handshake import ENTROPY_BYTES
from madang.protocols.rtmp.message import AUDIO, Message
from madang.protocols.rtmp.server import Play

KEY = "k3y-of-the-yard"


class RealClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class Gate:
    def __init__(self) -> None:
        self.requests: list[PublishRequest] = []

    async def admit(self, request: PublishRequest) -> Lease:
        self.requests.append(request)
        if request.key.reveal() != KEY:
            raise Refused("no_such_key", "wrong key", "There is no such stream key.")
        return Lease(
            channel=ChannelId("yard"), name="yard", key=KeyId("k1"), profile=Profile(reconnect_window_s=1.0)
        )


class Observer:
    def __init__(self) -> None:
        self.told: list[str] = []

    def began(self, stream: Stream) -> None:
        self.told.append("began")

    def lost(self, stream: Stream) -> None:
        self.told.append("lost")

    def resumed(self, stream: Stream) -> None:
        self.told.append("resumed")

    def ended(self, stream: Stream, reason: str) -> None:
        self.told.append(f"ended {reason}")

    def contested(self, stream: Stream, lease: Lease) -> None:
        self.told.append("contested")


class Follower:
    """Keeps what a stream tells."""

    def __init__(self) -> None:
        self.tracks: list[tuple[Track, ...]] = []
        self.frames: list[Frame] = []
        self.states: list[StreamState] = []

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self.tracks.append(tracks)

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def on_state(self, state: StreamState) -> None:
        self.states.append(state)

    def of(self, track: int) -> list[Frame]:
        return [frame for frame in self.frames if frame.track == track]


class NoPlay:
    async def play(self, connection: RtmpConnection, request: Play) -> None:
        connection.refuse("NetStream.Play.StreamNotFound", "Nothing plays here.")


class Yard:
    """The minimal server."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.gate, self.observer, self.follower = Gate(), Observer(), Follower()
        self.registry = Registry(RealClock(), os.urandom, self.observer)
        self.registry.on_began.append(lambda stream: stream.attach(self.follower))
        self.ingest = RtmpIngest(self.gate, self.registry, RealClock())
        self.server = RtmpServer(ground, self.ingest, NoPlay())
        self.port = 0

    async def until(self, text: str, seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds):
            while not any(told.startswith(text) for told in self.observer.told):
                await asyncio.sleep(0.02)


@pytest.fixture
async def yard() -> AsyncIterator[Yard]:
    async with Ground(NetSettings(), RealClock()) as ground:
        yard = Yard(ground)
        yard.port = (await ground.listen(Binding("127.0.0.1", 0, "--rtmp"), yard.server.accept)).port
        yield yard
        await yard.server.close()


PICTURE = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=30"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-pix_fmt", "yuv420p"]
X265 = [
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none:keyint=30",
    "-pix_fmt",
    "yuv420p",
]
SVT_AV1 = ["-c:v", "libsvtav1", "-preset", "12", "-g", "30", "-pix_fmt", "yuv420p"]


async def ffmpeg(*arguments: str) -> tuple[int, str]:
    """Run ffmpeg to its end; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "warning", "-nostdin", *arguments,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode(errors="replace")


async def publish(
    yard: Yard, *arguments: str, path: str = f"live/{KEY}", seconds: float = 2.0
) -> tuple[int, str]:
    target = f"rtmp://127.0.0.1:{yard.port}/{path}"
    return await ffmpeg(*arguments, "-t", str(seconds), "-f", "flv", target)


def monotonic(frames: list[Frame]) -> bool:
    return all(a.dts < b.dts for a, b in zip(frames, frames[1:], strict=False))


@pytest.mark.parametrize(
    ("arguments", "video", "audio"),
    [
        ([*X264, "-c:a", "aac"], Codec.H264, Codec.AAC),
        ([*X265, "-c:a", "aac"], Codec.H265, Codec.AAC),
        ([*SVT_AV1, "-c:a", "aac"], Codec.AV1, Codec.AAC),
        ([*X264, "-c:a", "libopus"], Codec.H264, Codec.OPUS),
        ([*X264, "-c:a", "libmp3lame", "-ar", "44100"], Codec.H264, Codec.MP3),
        ([*X264, "-an"], Codec.H264, None),
        (["-vn", "-c:a", "aac"], None, Codec.AAC),
        (["-vn", "-c:a", "libopus"], None, Codec.OPUS),
    ],
    ids=["h264+aac", "hevc+aac", "av1+aac", "h264+opus", "h264+mp3", "video only", "aac only", "opus only"],
)
async def test_each_codec_arrives(
    yard: Yard, arguments: list[str], video: Codec | None, audio: Codec | None
) -> None:
    code, said = await publish(yard, *PICTURE, *SOUND, *arguments)
    assert code == 0, said
    await yard.until("ended")
    follower = yard.follower
    assert len(follower.tracks) == 1
    assert [track.codec for track in follower.tracks[0]] == [c for c in (video, audio) if c is not None]
    for track in follower.tracks[0]:
        frames = follower.of(track.id)
        assert monotonic(frames)
        seconds = (frames[-1].dts - frames[0].dts) / track.timescale
        assert 1.7 < seconds < 2.3
    if video is not None:
        assert (follower.tracks[0][0].width, follower.tracks[0][0].height) == (320, 240)
        pictures = follower.of(1)
        assert len(pictures) >= 58
        assert [f.keyframe for f in pictures].count(True) == 2
        assert pictures[0].keyframe
    if audio is not None:
        assert follower.tracks[0][-1].sample_rate in (44_100, 48_000)


async def test_goodbye_ends_at_once(yard: Yard) -> None:
    await publish(yard, *PICTURE, *X264, seconds=1.0)
    await yard.until("ended")
    assert yard.observer.told == ["began", "ended FCUnpublish"]
    assert yard.follower.states[-1] is StreamState.ENDED


async def test_lost_socket_opens_the_window_and_then_ends(yard: Yard) -> None:
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-re", *PICTURE, *X264,
        "-f", "flv", f"rtmp://127.0.0.1:{yard.port}/live/{KEY}",
    )  # fmt: skip
    await yard.until("began", 10)
    process.kill()
    await process.wait()
    await yard.until("lost")
    await yard.until("ended")


@pytest.mark.parametrize("path", ["live/wrong", "live/yard?key=wrong", "live"])
async def test_wrong_key_sees_a_readable_status(yard: Yard, path: str) -> None:
    code, said = await publish(yard, *PICTURE, *X264, path=path)
    assert code != 0
    assert "stream key" in said
    assert yard.follower.frames == []
    assert yard.observer.told == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"live/{KEY}", ""),
        (f"live/yard?key={KEY}", "yard"),
        (f"live/yard?user=u&pass={KEY}", "yard"),
        (f"live/yard?token={KEY}", "yard"),
    ],
)
async def test_key_stands_where_encoders_put_it(yard: Yard, path: str, name: str) -> None:
    code, said = await publish(yard, *PICTURE, *X264, path=path, seconds=0.5)
    assert code == 0, said
    assert [request.name for request in yard.gate.requests] == [name]
    assert yard.gate.requests[0].door == "rtmp"
    assert "Lavf" in yard.gate.requests[0].user_agent


async def test_timestamps_beyond_24_bits(yard: Yard) -> None:
    arguments = [
        *PICTURE,
        *SOUND,
        *X264,
        "-c:a",
        "aac",
        "-output_ts_offset",
        "16776",
        "-flvflags",
        "no_duration_filesize",
    ]
    code, said = await publish(yard, *arguments, seconds=3.0)
    assert code == 0, said
    await yard.until("ended")
    frames = yard.follower.of(1)
    assert len(frames) >= 88
    assert 2.7 < (frames[-1].dts - frames[0].dts) / 90_000 < 3.3


async def test_kicked_publisher_reads_why(yard: Yard) -> None:
    task = asyncio.create_task(publish(yard, "-re", *PICTURE, *X264, seconds=20))
    await yard.until("began", 10)
    assert yard.registry.kick(ChannelId("yard"), "kicked", "An operator ended the broadcast.")
    began = time.monotonic()
    await task
    assert time.monotonic() - began < 5


async def test_second_publisher_of_a_live_channel_is_refused(yard: Yard) -> None:
    first = asyncio.create_task(publish(yard, "-re", *PICTURE, *X264, seconds=6))
    await yard.until("began", 10)
    code, said = await publish(yard, *PICTURE, *X264, seconds=0.5)
    assert code != 0
    assert "Another encoder is live" in said
    assert (await first)[0] == 0


class Encoder(asyncio.Protocol):
    """Our own client on a real socket, for what ffmpeg does not do."""

    def __init__(self, schema: int | None = None, name: str = KEY, **connect: amf.Value) -> None:
        target = Target("rtmp://h/live", "live", name, Aim.PUBLISH, connect)
        self.wire = ClientConnection(os.urandom(ENTROPY_BYTES), target, schema)
        self.events: list[object] = []
        self.told = asyncio.Event()
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.wire.take())

    def data_received(self, data: bytes) -> None:
        self.events += self.wire.receive(data)
        self.transport.write(self.wire.take())
        if self.statuses:
            self.told.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    @property
    def statuses(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, Status)]

    def say(self, type: int, at: int, body: bytes) -> None:
        self.transport.write(self.wire.send(type, at, body))


async def encoder(yard: Yard, schema: int | None = None, name: str = KEY, **connect: amf.Value) -> Encoder:
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(lambda: Encoder(schema, name, **connect), "127.0.0.1", yard.port)
    await asyncio.wait_for(made.told.wait(), 5)
    return made


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
    await asyncio.wait_for(client.closed.wait(), 5)
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
    await asyncio.wait_for(client.closed.wait(), 5)
    assert client.statuses == ["NetStream.Publish.Start", "NetStream.Publish.Unauthorized"]
    assert len(yard.follower.frames) == 40


async def test_publishers_who_understand_it_are_asked_to_reconnect(yard: Yard) -> None:
    able, plain = await encoder(yard, capsEx=1.0), await encoder(yard, name="wrong")
    assert yard.server.ask_to_reconnect("The server restarts.") == 1
    async with asyncio.timeout(5):
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
    await asyncio.wait_for(reader.read(), 5)
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
    await writer.drain()
    await asyncio.sleep(0.2)
    grown = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    writer.close()
    assert grown < 500_000


async def test_rtmps(yard: Yard, tmp_path: Path) -> None:
    files = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.certificate, files.key)
    binding = Binding("127.0.0.1", 0, "tls_listen")
    port = (await yard.ground.listen(binding, yard.server.accept, tls)).port
    trust = ["-tls_verify", "1", "-ca_file", str(files.certificate)]
    arguments = [*PICTURE, *X264, "-t", "1", "-f", "flv", *trust, f"rtmps://localhost:{port}/live/{KEY}"]
    code, said = await ffmpeg(*arguments)
    assert code == 0, said
    await yard.until("ended FCUnpublish")
    assert yard.gate.requests[0].door == "rtmps"
    assert len(yard.follower.of(1)) == 30
    code, said = await ffmpeg(*arguments[:-1], arguments[-1].replace(KEY, "wrong"))
    assert code != 0
    assert "There is no such stream key" in said


async def test_first_of_several_tracks_is_taken(yard: Yard) -> None:
    small = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=30"]
    maps = ["-map", "0:v", "-map", "1:v", "-map", "2:a", "-map", "2:a"]
    code, said = await publish(yard, *PICTURE, *small, *SOUND, *maps, *X264, "-c:a", "aac")
    assert code == 0, said
    await yard.until("ended")
    (tracks,) = yard.follower.tracks
    assert [(track.codec, track.width) for track in tracks] == [(Codec.H264, 320), (Codec.AAC, 0)]
    assert len(yard.follower.of(1)) == 60
    assert monotonic(yard.follower.of(2))


async def test_frames_are_the_encoders_own(yard: Yard, tmp_path: Path) -> None:
    """What arrives, decoded: every picture and every sample of two seconds."""
    clip = tmp_path / "clip.flv"
    await ffmpeg(
        *PICTURE, *SOUND, "-t", "2", *X264, "-bf", "2", "-tune", "film", "-c:a", "aac", "-f", "flv", str(clip)
    )
    code, said = await publish(yard, "-i", str(clip), "-c", "copy", seconds=10)
    assert code == 0, said
    await yard.until("ended")
    with av.open(str(clip)) as container:
        sent = [(p.stream.type, bytes(p)) for p in container.demux() if p.size]
    for kind, track in (("video", 1), ("audio", 2)):
        assert [bytes(f.payload) for f in yard.follower.of(track)] == [data for k, data in sent if k == kind]
    pictures = yard.follower.of(1)
    assert any(f.pts > f.dts for f in pictures)
    assert sorted(f.pts for f in pictures) != [f.pts for f in pictures]

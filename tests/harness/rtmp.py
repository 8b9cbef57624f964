"""A minimal RTMP server: real sockets, real hub, a gate that knows one key; and who publishes to it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import imageio_ffmpeg
from tests.harness.follower import Follower
from tests.harness.patience import PATIENCE_S, until

from madang.base.errors import Refused
from madang.base.ids import ChannelId, KeyId
from madang.containers.flv import amf
from madang.hub.gate import Lease, Profile, PublishRequest
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.ingest.rtmp.session import RtmpIngest
from madang.media.frame import Frame
from madang.net.ground import Ground
from madang.net.listeners import Binding
from madang.net.rtmp.connection import RtmpConnection
from madang.net.rtmp.server import RtmpServer
from madang.net.settings import NetSettings
from madang.protocols.rtmp.client import Aim, ClientConnection, Status, Target
from madang.protocols.rtmp.handshake import ENTROPY_BYTES
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

    async def until(self, text: str, seconds: float = PATIENCE_S) -> None:
        await until(lambda: any(told.startswith(text) for told in self.observer.told), seconds)


@asynccontextmanager
async def open_yard() -> AsyncIterator[Yard]:
    """The server on a free port of loopback."""
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
    await asyncio.wait_for(made.told.wait(), 30)
    return made

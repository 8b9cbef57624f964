"""Real ffmpeg publishes into a minimal server: real sockets, real hub, a gate that knows one key."""

import asyncio
import os
import time
from collections.abc import AsyncIterator

import imageio_ffmpeg
import pytest

from madang.base.errors import Refused
from madang.base.ids import ChannelId, KeyId
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

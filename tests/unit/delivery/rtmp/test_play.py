"""RTMP play against the protocol's own client end: answers, order of what a player gets, stops and ends."""

import asyncio
from itertools import count

import msgspec
import pytest

from madang.base.errors import Overloaded, Refused
from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.delivery.rtmp.play import RtmpPlay
from madang.hub.attendance import Attendance
from madang.hub.audience import Audience
from madang.hub.gate import Lease, PlayGrant, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.settings import FanoutSettings
from madang.packaging.flv.dubbing import AUDIBLE
from madang.packaging.flv.rendering import Renderings
from madang.packaging.rtmp.chunks import chunk_pieces
from madang.protocols.rtmp.chunk import ChunkReader, build_chunks
from madang.protocols.rtmp.command import Connect
from madang.protocols.rtmp.message import AUDIO, DATA, VIDEO, set_chunk_size
from madang.protocols.rtmp.server import Play

CHANNEL = ChannelId("c")
VIDEO_TRACK = Track(id=1, codec=Codec.H264, timescale=90_000, config=bytes(9), width=640, height=360)
AUDIO_TRACK = Track(
    id=2, codec=Codec.AAC, timescale=48_000, config=b"\x11\x90", sample_rate=48_000, channels=2
)
OPUS_TRACK = Track(id=2, codec=Codec.OPUS, timescale=48_000, config=bytes(11), sample_rate=48_000, channels=2)


class FakeTransport:
    def __init__(self) -> None:
        self.data = b""
        self.protocol: asyncio.Protocol | None = None
        self.closed = self.aborted = False

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int) -> None: ...

    def write(self, data: bytes) -> None:
        self.data += data

    def writelines(self, pieces) -> None:
        self.data += b"".join(pieces)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def messages(self):
        reader = ChunkReader()
        reader.receive(build_chunks(2, set_chunk_size(65_536), 128))
        return reader.receive(self.data)


class FakeConnection:
    """Keeps what the handler decides."""

    class peer:
        address = "192.0.2.1"

    def __init__(self) -> None:
        self.transport = FakeTransport()
        self.said: list[str] = []
        self.gone = False
        self.closed = None
        self.received = b""

    def refuse(self, code: str, description: str) -> None:
        self.said.append(code)

    def accept_play(self, closed) -> bool:
        if self.gone:
            return False
        self.said.append("accepted")
        self.closed = closed
        return True

    def end_play(self, description: str) -> None:
        self.said.append("ended")

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.said.append("lost")
        if self.closed is not None:
            self.closed()


class FakeGate:
    def __init__(self) -> None:
        self.public = True
        self.busy = False
        self.asked = []

    def peek(self, name: str) -> PlayGrant | None:
        return PlayGrant(channel=CHANNEL, name="yard") if name == "yard" and self.public else None

    async def admit(self, request) -> PlayGrant:
        self.asked.append(request)
        if self.busy:
            raise Overloaded("busy", "Come back later.")
        if request.token.reveal() != "good":
            raise Refused("not_found", "no token", "No such stream.")
        return PlayGrant(channel=CHANNEL, name="yard", private=True)

    def holds(self, grant: PlayGrant) -> bool:
        return self.public


class Scene:
    def __init__(self, clock) -> None:
        numbers = count(1)
        lease = Lease(channel=CHANNEL, name="yard", key=KeyId("k"), profile=Profile())
        self.clock = clock
        self.stream = Stream(BroadcastId("b"), lease, clock)
        self.live = True
        self.gate = FakeGate()
        self.audience = Audience()
        self.attendance = Attendance(
            self.gate, self.audience, clock, lambda n: next(numbers).to_bytes(n, "big")
        )
        loop = asyncio.get_running_loop()
        settings = FanoutSettings(window_s=0.0, crowd_window_s=0.0)
        self.renderings = Renderings(chunk_pieces, loop, settings, FanoutCounters())
        self.handler = RtmpPlay(self.gate, self, self.attendance, self.renderings)
        self.at = 0

    def get(self, channel: ChannelId) -> Stream | None:
        return self.stream if self.live else None

    def begin(self, *tracks: Track) -> None:
        self.stream.enter(StreamState.LIVE)
        self.stream.offer_tracks(tracks or (VIDEO_TRACK, AUDIO_TRACK), False)
        for number in range(5):
            self.frame(keyframe=number == 0)

    def frame(self, keyframe: bool = False) -> None:
        self.clock.advance(1 / 30)
        payload = b"\0\0\0\2\x65\0" if keyframe else b"\0\0\0\2\x41\0"
        for track in self.stream.tracks:
            ticks = self.at * track.timescale // 30
            self.stream.offer(Frame(track.id, ticks, ticks, keyframe or track.id == 2, payload))
        self.at += 1

    async def play(
        self, name: str = "yard", stream_id: int = 1, listed: tuple[str, ...] = ()
    ) -> FakeConnection:
        connection = FakeConnection()
        connect = Connect(app="live", tc_url="rtmp://host/live", four_ccs=frozenset(listed))
        await self.handler.play(connection, Play(stream_id, name, connect))
        return connection

    def viewers(self) -> int:
        return self.audience.count(CHANNEL, self.clock.monotonic())


@pytest.fixture
async def scene(clock) -> Scene:
    return Scene(clock)


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


async def test_a_player_gets_metadata_headers_picture_and_what_is_live(scene: Scene) -> None:
    scene.begin()
    connection = await scene.play()
    scene.frame()
    await settle()
    messages = connection.transport.messages()
    assert connection.said == ["accepted"]
    assert [message.type for message in messages[:4]] == [DATA, VIDEO, AUDIO, VIDEO]
    assert {message.stream_id for message in messages} == {1}
    assert messages[3].body[0] == 0x17
    assert scene.viewers() == 1


@pytest.mark.parametrize("track", [VIDEO_TRACK, AUDIO_TRACK], ids=["video", "audio"])
async def test_one_kind_alone(scene: Scene, track: Track) -> None:
    scene.begin(track)
    connection = await scene.play()
    scene.frame()
    await settle()
    kinds = {message.type for message in connection.transport.messages()}
    assert kinds == {DATA, VIDEO if track is VIDEO_TRACK else AUDIO}


async def test_what_is_not_live_or_not_there_is_not_found(scene: Scene) -> None:
    assert (await scene.play()).said == ["NetStream.Play.StreamNotFound"]
    scene.live = False
    assert (await scene.play()).said == ["NetStream.Play.StreamNotFound"]
    assert (await scene.play("nothing")).said == ["NetStream.Play.StreamNotFound"]
    assert scene.viewers() == 0


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ((), "accepted"),
        (("hvc1",), "accepted"),
        (("*",), "accepted"),
        (("av01", "Opus"), "NetStream.Play.Failed"),
    ],
)
async def test_a_player_that_lists_its_codecs_gets_no_other(
    scene: Scene, listed: tuple[str, ...], said: str
) -> None:
    scene.begin(msgspec.structs.replace(VIDEO_TRACK, codec=Codec.H265), AUDIO_TRACK)
    assert (await scene.play(listed=listed)).said == [said]


@pytest.mark.parametrize(("listed", "heard"), [((), AUDIBLE), (("Opus",), AUDIBLE | {Codec.OPUS})])
async def test_a_player_that_lists_opus_is_given_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, listed: tuple[str, ...], heard: frozenset[Codec]
) -> None:
    scene.begin(VIDEO_TRACK, OPUS_TRACK)
    asked = []
    monkeypatch.setattr(scene.renderings, "join", lambda *args, audible: asked.append(audible))
    assert (await scene.play(listed=listed)).said == ["accepted"]
    assert asked == [heard]


async def test_sound_alone_plays_whatever_is_listed(scene: Scene) -> None:
    scene.begin(OPUS_TRACK)
    assert (await scene.play(listed=("hvc1",))).said == ["accepted"]


async def test_classic_codecs_need_no_listing(scene: Scene) -> None:
    scene.begin()
    assert (await scene.play(listed=("av01",))).said == ["accepted"]


async def test_a_private_channel_takes_a_token(scene: Scene) -> None:
    scene.begin()
    scene.gate.public = False
    assert (await scene.play()).said == ["NetStream.Play.StreamNotFound"]
    assert (await scene.play("yard?token=good")).said == ["accepted"]
    assert scene.gate.asked[-1].door == "rtmp"
    assert scene.gate.asked[-1].peer == "192.0.2.1"


async def test_a_busy_gate_says_so(scene: Scene) -> None:
    scene.gate.public, scene.gate.busy = False, True
    assert (await scene.play()).said == ["NetStream.Play.Failed"]


async def test_only_the_first_stream_of_a_connection_plays(scene: Scene) -> None:
    scene.begin()
    assert (await scene.play(stream_id=2)).said == ["NetStream.Play.Failed"]


async def test_a_client_that_went_away_meanwhile_leaves_no_trace(scene: Scene) -> None:
    scene.begin()
    connection = FakeConnection()
    connection.gone = True
    await scene.handler.play(connection, Play(1, "yard", Connect(app="live")))
    assert scene.viewers() == 0


async def test_what_a_player_says_goes_to_its_connection(scene: Scene) -> None:
    scene.begin()
    connection = await scene.play()
    connection.transport.protocol.data_received(b"ping")
    assert connection.received == b"ping"


async def test_a_player_that_stops_is_served_no_longer_and_may_play_again(scene: Scene) -> None:
    scene.begin()
    connection = await scene.play()
    connection.closed()
    size = len(connection.transport.data)
    scene.frame()
    await settle()
    assert len(connection.transport.data) == size
    assert connection.transport.protocol is connection
    assert scene.viewers() == 0


async def test_a_lost_player_is_told_once(scene: Scene) -> None:
    scene.begin()
    connection = await scene.play()
    connection.transport.protocol.connection_lost(None)
    assert connection.said == ["accepted", "lost"]
    assert scene.viewers() == 0


async def test_the_end_is_said_in_rtmp(scene: Scene) -> None:
    scene.begin()
    connection = await scene.play()
    scene.stream.enter(StreamState.ENDED)
    for _ in range(15):
        await asyncio.sleep(0)
    assert connection.said == ["accepted", "ended"]


async def test_a_revoked_player_is_refused_and_gets_nothing_more(scene: Scene) -> None:
    scene.begin()
    connection = await scene.play()
    scene.gate.public = False
    scene.attendance.sweep()
    size = len(connection.transport.data)
    scene.frame()
    await settle()
    assert connection.said == ["accepted", "NetStream.Play.StreamNotFound"]
    assert len(connection.transport.data) == size
    assert scene.viewers() == 0

"""The FLV route: which answer for whom, and what becomes of a connection that it takes over."""

import asyncio
from itertools import count

import pytest

from madang.base.errors import Refused
from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.containers.flv.tag import SCRIPT, VIDEO, TagReader
from madang.delivery.http.admission import NOT_FOUND, PREFLIGHT, WRONG_METHOD
from madang.delivery.http.errands import Errands
from madang.delivery.http.flv import Doors, FlvRoute
from madang.hub.attendance import Attendance
from madang.hub.audience import Audience
from madang.hub.gate import Lease, PlayGrant, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.net.counters import NetCounters
from madang.net.deadlines import Sweeper
from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.settings import FanoutSettings
from madang.net.http.routes import Answer, Hold, TakeOver
from madang.net.websocket import WebSockets
from madang.packaging.flv.rendering import Renderings
from madang.packaging.flv.tags import tag_pieces
from madang.protocols.websocket.receiver import Closed, Message, Receiver

CHANNEL = ChannelId("c")
TRACK = Track(id=1, codec=Codec.H264, timescale=90_000, config=bytes(9), width=640, height=360)
UPGRADE = {
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": b"AAAAAAAAAAAAAAAAAAAAAA==",
}


class FakeRequest:
    client = "192.0.2.1"
    secure = False
    host = "here"
    http_1_0 = False

    def __init__(self, path: str, method: str = "GET", query: bytes = b"", headers=None) -> None:
        self.path = path
        self.method = method
        self.query = query
        self.headers = headers or {}

    def header(self, name: bytes) -> bytes:
        return self.headers.get(name, b"")


class FakeTransport:
    def __init__(self) -> None:
        self.data = b""
        self.closed = self.aborted = False
        self.protocol: asyncio.Protocol | None = None

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        self.data += data

    def writelines(self, pieces) -> None:
        self.data += b"".join(pieces)

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class FakeGate:
    def __init__(self) -> None:
        self.private = False
        self.asked = []

    def peek(self, name: str) -> PlayGrant | None:
        return (
            PlayGrant(channel=CHANNEL, name="yard")
            if name in ("yard", "old-name") and not self.private
            else None
        )

    async def admit(self, request) -> PlayGrant:
        self.asked.append(request)
        if request.token.reveal() == "good" or request.session.reveal() == "good":
            return PlayGrant(channel=CHANNEL, name="yard", private=True)
        raise Refused("not_found", "no right")

    def holds(self, grant: PlayGrant) -> bool:
        return not self.private


class Scene:
    def __init__(self, clock) -> None:
        loop = asyncio.get_running_loop()
        numbers = count(1)
        lease = Lease(channel=CHANNEL, name="yard", key=KeyId("k"), profile=Profile())
        self.clock = clock
        self.stream = Stream(BroadcastId("b"), lease, clock)
        self.streams = {CHANNEL: self.stream}
        self.gate = FakeGate()
        self.audience = Audience()
        self.attendance = Attendance(
            self.gate, self.audience, clock, lambda n: next(numbers).to_bytes(n, "big")
        )
        self.tasks: list[asyncio.Task[None]] = []
        settings = FanoutSettings(window_s=0.0, crowd_window_s=0.0)
        renderings = Renderings(tag_pieces, loop, settings, FanoutCounters())
        doors = Doors(
            Errands(lambda work: self.tasks.append(loop.create_task(work))),
            WebSockets(Sweeper(), NetCounters()),
        )
        self.route = FlvRoute(self.gate, self, self.attendance, renderings, doors)
        self.at = 0

    def get(self, channel: ChannelId) -> Stream | None:
        return self.streams.get(channel)

    def go_live(self) -> None:
        self.stream.enter(StreamState.LIVE)
        self.stream.offer_tracks((TRACK,), False)
        self.frame(keyframe=True)

    def frame(self, keyframe: bool = False) -> None:
        self.clock.advance(1 / 30)
        payload = b"\0\0\0\2\x65\0" if keyframe else b"\0\0\0\2\x41\0"
        self.stream.offer(Frame(1, self.at * 3000, self.at * 3000, keyframe, payload))
        self.at += 1

    def viewers(self) -> int:
        return self.audience.count(CHANNEL, self.clock.monotonic())

    def take(self, taken, rest: bytes = b"") -> FakeTransport:
        assert isinstance(taken, TakeOver)
        transport = FakeTransport()
        protocol = taken.begin(transport, rest)
        assert transport.protocol is protocol
        return transport

    async def settle(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)
        await asyncio.gather(*self.tasks)


@pytest.fixture
async def scene(clock) -> Scene:
    return Scene(clock)


@pytest.mark.parametrize(
    "path",
    ["/live/yard", "/live/yard.flv/", "/live/Yard.flv", "/live/../yard.flv", "/live/a/b.flv", "/live/.flv",
     "/live/yard.ts.flv", "/live/" + "a" * 65 + ".flv", "/live/yard.flv\n"],
)  # fmt: skip
async def test_other_paths_are_not_ours(scene: Scene, path: str) -> None:
    assert scene.route.ask(FakeRequest(path)) is None


async def test_methods(scene: Scene) -> None:
    scene.go_live()
    assert scene.route.ask(FakeRequest("/live/yard.flv", "OPTIONS")) is PREFLIGHT
    assert scene.route.ask(FakeRequest("/live/yard.flv", "POST")) is WRONG_METHOD
    head = scene.route.ask(FakeRequest("/live/yard.flv", "HEAD"))
    assert isinstance(head, Answer)
    assert head.status == 200


async def test_a_channel_that_is_not_live_is_not_found(scene: Scene) -> None:
    assert scene.route.ask(FakeRequest("/live/yard.flv")) is NOT_FOUND
    scene.streams.clear()
    assert scene.route.ask(FakeRequest("/live/yard.flv")) is NOT_FOUND


async def test_a_viewer_gets_head_header_and_tags_and_counts_until_it_leaves(scene: Scene) -> None:
    scene.go_live()
    transport = scene.take(scene.route.ask(FakeRequest("/live/yard.flv")))
    scene.frame()
    await scene.settle()
    head, _, body = transport.data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv")
    assert b"Connection: close" in head
    assert body[:5] == b"FLV\x01\x01"
    assert [tag.type for tag in TagReader().receive(body)] == [SCRIPT, VIDEO, VIDEO, VIDEO]
    assert scene.viewers() == 1
    transport.protocol.connection_lost(None)
    assert scene.viewers() == 0


async def test_a_renamed_channel_plays_under_its_old_name(scene: Scene) -> None:
    scene.go_live()
    assert scene.take(scene.route.ask(FakeRequest("/live/old-name.flv"))).data


async def test_a_stream_that_ends_before_the_takeover_closes(scene: Scene) -> None:
    scene.go_live()
    taken = scene.route.ask(FakeRequest("/live/yard.flv"))
    scene.streams.clear()
    transport = scene.take(taken)
    assert transport.closed
    transport.protocol.connection_lost(None)
    assert scene.viewers() == 0


async def test_a_private_channel_waits_for_the_gate(scene: Scene) -> None:
    scene.go_live()
    scene.gate.private = True
    refused, allowed = (scene.route.ask(FakeRequest("/live/yard.flv", query=q)) for q in (b"", b"token=good"))
    assert isinstance(refused, Hold)
    await scene.settle()
    assert refused.answer is NOT_FOUND
    assert isinstance(allowed.answer, TakeOver)
    assert [asked.door for asked in scene.gate.asked] == ["flv", "flv"]


async def test_a_revoked_viewer_is_cut_off(scene: Scene) -> None:
    scene.go_live()
    transport = scene.take(scene.route.ask(FakeRequest("/live/yard.flv")))
    scene.attendance.sweep()
    assert not transport.aborted
    scene.gate.private = True
    scene.attendance.sweep()
    assert transport.aborted


@pytest.mark.parametrize("path", ["/live/yard.flv", "/live/yard.ws.flv"])
async def test_a_websocket_gets_batches_in_binary_messages_and_a_goodbye(scene: Scene, path: str) -> None:
    scene.go_live()
    transport = scene.take(scene.route.ask(FakeRequest(path, headers=UPGRADE)))
    scene.frame()
    await scene.settle()
    scene.stream.enter(StreamState.ENDED)
    await scene.settle()
    head, _, frames = transport.data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    events = list(Receiver(masked=False).feed(frames))
    assert [type(event) for event in events] == [Message, Message, Closed]
    tags = TagReader().receive(b"".join(event.data for event in events[:2]))
    assert [tag.type for tag in tags] == [SCRIPT, VIDEO, VIDEO, VIDEO]
    transport.protocol.connection_lost(None)
    assert scene.viewers() == 0


async def test_a_websocket_viewer_that_says_goodbye_is_not_written_to(scene: Scene) -> None:
    scene.go_live()
    transport = scene.take(scene.route.ask(FakeRequest("/live/yard.ws.flv", headers=UPGRADE)))
    transport.protocol.data_received(b"\x88\x80\0\0\0\0")
    size = len(transport.data)
    scene.frame()
    await scene.settle()
    assert transport.closed
    assert len(transport.data) == size


@pytest.mark.parametrize("rest", [b"\x88\x80\0\0\0\0", b"\x82\x00"], ids=["goodbye", "unmasked"])
async def test_a_websocket_that_is_over_with_its_upgrade_is_no_viewer(scene: Scene, rest: bytes) -> None:
    """What came in one packet with the request says goodbye, or breaks the rules."""
    scene.go_live()
    transport = scene.take(scene.route.ask(FakeRequest("/live/yard.ws.flv", headers=UPGRADE)), rest)
    size = len(transport.data)
    scene.frame()
    await scene.settle()
    assert transport.closed
    assert len(transport.data) == size
    transport.protocol.connection_lost(None)
    assert scene.viewers() == 0


async def test_a_plain_request_for_a_websocket_is_told_to_upgrade(scene: Scene) -> None:
    scene.go_live()
    answer = scene.route.ask(FakeRequest("/live/yard.ws.flv"))
    assert isinstance(answer, Answer)
    assert answer.status == 426


async def test_a_foreign_page_does_not_watch_with_its_visitors_cookie(scene: Scene) -> None:
    scene.go_live()
    scene.gate.private = True
    cookie = {b"cookie": b"madang_session=good"}
    holds = [
        scene.route.ask(FakeRequest("/live/yard.ws.flv", headers=UPGRADE | cookie | {b"origin": origin}))
        for origin in (b"http://elsewhere", b"http://here")
    ]
    await scene.settle()
    assert holds[0].answer is NOT_FOUND
    assert isinstance(holds[1].answer, TakeOver)

"""Admission and the end of a session, with a gate, a registry and a wire that are under the test's hand."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from tests.harness.rtmp import Observer

from madang.base.clock import Clock
from madang.base.errors import Overloaded, PeerError, Refused
from madang.base.ids import ChannelId, KeyId
from madang.base.limits import TAKEOVER_SILENCE_S
from madang.containers.flv.metadata import metadata_body
from madang.hub.gate import Lease, Profile, PublishRequest
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.hub.stream import Stream
from madang.ingest.rtmp.intake import Intake
from madang.ingest.rtmp.session import RtmpIngest, Session, status_code
from madang.net.listeners import Accepted
from madang.net.rtmp.connection import RtmpConnection
from madang.net.rtmp.publisher import Publisher
from madang.protocols.rtmp.command import Connect
from madang.protocols.rtmp.message import AUDIO, DATA, Message
from madang.protocols.rtmp.server import Publish

ASC = b"\xaf\x00\x12\x10"


class Gate:
    def __init__(self) -> None:
        self.error: PeerError | None = None
        self.requests: list[PublishRequest] = []

    async def admit(self, request: PublishRequest) -> Lease:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        return Lease(channel=ChannelId("c1"), name="yuna", key=KeyId("k1"), profile=Profile())


class Wire:
    """Stands for a connection: keeps what the ingest answers."""

    def __init__(self, secure: bool = False) -> None:
        self.peer = Accepted("192.0.2.7", 5, ("127.0.0.1", 1935), secure)
        self.connect = Connect(flash_ver="obs-studio")
        self.answers: list[str] = []
        self.received_bytes = 0
        self.publisher: Publisher | None = None

    def accept_publish(self, publisher: Publisher) -> None:
        self.answers.append("start")
        self.publisher, self.media = publisher, publisher.media

    def refuse(self, code: str, description: str) -> None:
        self.answers.append(f"{code}: {description}")


class Timer:
    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call

    def cancel(self) -> None:
        self.call = lambda: None


class Yard:
    def __init__(self, clock: Clock) -> None:
        self.gate, self.observer = Gate(), Observer()
        self.timers: list[Timer] = []
        self.registry = Registry(clock, random.Random(1).randbytes, self.observer, self._later)
        self.ingest = RtmpIngest(self.gate, self.registry, clock)

    def _later(self, seconds: float, call: Callable[[], None]) -> "Timer":
        self.timers.append(Timer(call))
        return self.timers[-1]

    def fire(self) -> None:
        """All timers are due."""
        timers, self.timers = self.timers, []
        for timer in timers:
            timer.call()

    async def publish(self, name: str = "KEY", secure: bool = False) -> Wire:
        wire = Wire(secure)
        request = Publish(1, name, Connect(app="live", tc_url="rtmp://h/live", flash_ver="obs-studio"))
        await self.ingest.publish(cast(RtmpConnection, wire), request)
        return wire

    @property
    def stream(self) -> Stream:
        stream = self.registry.get(ChannelId("c1"))
        assert stream is not None
        return stream


@pytest.fixture
async def yard(clock: Clock) -> AsyncIterator[Yard]:
    yard = Yard(clock)
    yield yard
    for stream in list(yard.registry.streams.values()):
        yard.registry.end(stream, "over")


def feed(wire: Wire, *bodies: bytes, at: int = 0, type: int = AUDIO) -> None:
    for i, body in enumerate(bodies):
        wire.media(Message(type, at + i * 23, 1, body))


def live(wire: Wire) -> None:
    feed(wire, ASC, *[b"\xaf\x01aac"] * 20)


async def test_decides_then_answers_then_attaches(yard: Yard) -> None:
    wire = await yard.publish()
    assert wire.answers == ["start"]
    request = yard.gate.requests[0]
    assert (request.door, request.name, request.peer) == ("rtmp", "", "192.0.2.7")
    assert (request.key.reveal(), request.user_agent) == ("KEY", "obs-studio")
    live(wire)
    assert yard.observer.told == ["began"]
    assert yard.stream.state is StreamState.LIVE
    assert (yard.ingest.counters.admitted, yard.stream.frames_in) == (1, 20)


async def test_door_is_rtmps_behind_tls(yard: Yard) -> None:
    await yard.publish(secure=True)
    assert yard.gate.requests[0].door == "rtmps"


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (Refused("no_such_key", "log", "No such key."), "NetStream.Publish.Unauthorized: No such key."),
        (Refused("kicked", "log", "Kicked."), "NetStream.Publish.Rejected: Kicked."),
        (Overloaded("log", "Full."), "NetStream.Publish.Failed: Full."),
    ],
)
async def test_refusals_are_told_and_nothing_is_attached(yard: Yard, error: PeerError, answer: str) -> None:
    yard.gate.error = error
    wire = await yard.publish()
    assert wire.answers == [answer]
    assert wire.publisher is None
    assert yard.registry.streams == {}
    assert yard.ingest.counters.refused == 1


async def test_missing_key_is_refused_without_asking_the_gate(yard: Yard) -> None:
    wire = await yard.publish(name="")
    assert wire.answers[0].startswith("NetStream.Publish.Unauthorized: A stream key is missing")
    assert yard.gate.requests == []


async def test_second_publisher_meets_a_living_one(yard: Yard, clock: Any) -> None:
    first = await yard.publish()
    live(first)
    clock.advance(1.0)
    second = asyncio.create_task(yard.publish())
    for _ in range(40):
        await asyncio.sleep(0)
        clock.advance(0.1)
        feed(first, b"\xaf\x01aac", at=1000)
        yard.fire()
    assert (await second).answers == ["NetStream.Publish.BadName: Another encoder is live on this channel."]
    assert "contested" in yard.observer.told
    assert first.answers == ["start"]


async def test_silent_publisher_is_taken_over_and_told(yard: Yard, clock: Any) -> None:
    first = await yard.publish()
    live(first)
    clock.advance(TAKEOVER_SILENCE_S + 1)
    second = await yard.publish()
    assert second.answers == ["start"]
    assert first.answers[-1].startswith("NetStream.Publish.BadName: Another encoder took over")


async def test_goodbye_ends(yard: Yard) -> None:
    wire = await yard.publish()
    live(wire)
    assert wire.publisher is not None
    wire.publisher.closed("FCUnpublish")
    wire.publisher.closed("")
    assert yard.observer.told == ["began", "ended FCUnpublish"]


async def test_lost_socket_opens_the_window(yard: Yard) -> None:
    wire = await yard.publish()
    live(wire)
    assert wire.publisher is not None
    wire.publisher.closed("")
    assert yard.observer.told == ["began", "lost"]
    assert yard.stream.state is StreamState.RECONNECTING


async def test_kick_is_told_and_media_after_it_is_nothing(yard: Yard) -> None:
    wire = await yard.publish()
    live(wire)
    frames = yard.stream.frames_in
    stream = yard.stream
    yard.registry.kick(ChannelId("c1"), "kicked", "An operator ended the broadcast.")
    assert wire.answers[-1] == "NetStream.Publish.Rejected: An operator ended the broadcast."
    live(wire)
    assert stream.frames_in == frames
    assert wire.publisher is not None
    wire.publisher.closed("")
    assert yard.observer.told == ["began", "ended kicked"]


async def test_metadata_alone_begins_nothing(yard: Yard) -> None:
    wire = await yard.publish()
    feed(wire, metadata_body(()), type=DATA)
    assert yard.observer.told == []


async def test_unsupported_codec_reaches_the_health(yard: Yard) -> None:
    wire = await yard.publish()
    feed(wire, b"\xb2speex")
    live(wire)
    assert [finding.code for finding in yard.stream.health.findings(0.0)] == ["unsupported_codec"]


async def test_flood_is_cut_off(yard: Yard) -> None:
    wire = await yard.publish()
    live(wire)
    wire.received_bytes = 1 << 30
    assert wire.publisher is not None
    with pytest.raises(PeerError):
        wire.publisher.look()
    assert yard.ingest.counters.too_fast == 1


@pytest.mark.parametrize("began", [True, False])
@pytest.mark.parametrize("by", ["FCUnpublish", "", "kick"])
async def test_closed_session_leaves_no_cycle(yard: Yard, began: bool, by: str) -> None:
    wire = await yard.publish()
    feed(wire, ASC, *[b"\xaf\x01aac"] * (20 if began else 1))
    gc.collect()
    gc.disable()
    try:
        if by == "kick":
            yard.registry.kick(ChannelId("c1"), "kicked", "Kicked.")
        else:
            assert wire.publisher is not None
            wire.publisher.closed(by)
        vars(wire).clear()  # as a connection lets go of its publisher
        assert not [thing for thing in gc.get_objects() if isinstance(thing, Session | Intake)]
    finally:
        gc.enable()


def test_status_codes() -> None:
    assert status_code(Refused("revoked", "")) == "NetStream.Publish.Unauthorized"
    assert status_code(PeerError("malformed", "")) == "NetStream.Publish.Rejected"

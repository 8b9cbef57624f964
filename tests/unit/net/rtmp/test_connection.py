"""Connections on a transport that the test holds; time is the sweeper's and is moved by hand."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from madang.base import limits
from madang.base.errors import PeerError
from madang.net.ground import Ground
from madang.net.listeners import Accepted
from madang.net.rtmp.connection import RtmpConnection
from madang.net.rtmp.server import RtmpServer
from madang.net.settings import NetSettings
from madang.protocols.rtmp import message as m
from madang.protocols.rtmp.client import Aim, ClientConnection, Status, Target
from madang.protocols.rtmp.handshake import ENTROPY_BYTES
from madang.protocols.rtmp.message import Message
from madang.protocols.rtmp.server import Play, Publish

ENTROPY = random.Random(3).randbytes(ENTROPY_BYTES)


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.unread = 0
        self.fate: list[str] = []
        self.polite: RtmpConnection | None = None
        """Whose peer answers FIN with FIN."""

    def write(self, data: Any) -> None:
        assert "eof" not in self.fate
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unread

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.fate.append("eof")
        if self.polite is not None:
            asyncio.get_running_loop().call_soon(self.polite.connection_lost, None)

    def close(self) -> None:
        self.fate.append("close")

    def abort(self) -> None:
        self.fate.append("abort")

    def is_closing(self) -> bool:
        return bool({"close", "abort"} & set(self.fate))


class Publisher:
    watched = True

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.ends: list[str] = []
        self.error: PeerError | None = None

    def media(self, message: Message) -> None:
        if self.error is not None:
            raise self.error
        self.messages.append(message)

    def look(self) -> None:
        if self.error is not None:
            raise self.error

    def closed(self, by: str) -> None:
        self.ends.append(by)


class Handler:
    """Decides as the test says, when it says."""

    def __init__(self) -> None:
        self.requests: list[Publish | Play] = []
        self.connections: list[RtmpConnection] = []
        self.decision = asyncio.Event()
        self.cancelled = 0
        self.error: Exception | None = None

    async def publish(self, connection: RtmpConnection, request: Publish) -> None:
        await self._wait(connection, request)

    async def play(self, connection: RtmpConnection, request: Play) -> None:
        await self._wait(connection, request)

    async def _wait(self, connection: RtmpConnection, request: Publish | Play) -> None:
        self.requests.append(request)
        self.connections.append(connection)
        try:
            await self.decision.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error


class Clock:
    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0


class Peer:
    """A client at the other end of one connection."""

    def __init__(
        self, server: RtmpServer, aim: Aim = Aim.PUBLISH, address: str = "192.0.2.7", **connect: Any
    ) -> None:
        self.connection = server.accept(Accepted(address, 1, ("127.0.0.1", 1935), False))
        self.transport = Transport()
        self.connection.connection_made(self.transport)
        self.wire = ClientConnection(ENTROPY, Target("rtmp://h/live", "live", "key", aim, connect))
        self.events: list[object] = []

    async def run(self) -> "Peer":
        """Carry bytes both ways, and let the handlers run, until nobody has anything to say."""
        while True:
            up, down = self.wire.take(), bytes(self.transport.written)
            self.transport.written.clear()
            if up:
                self.connection.data_received(up)
            self.events += self.wire.receive(down)
            for _ in range(3):
                await asyncio.sleep(0)
            if not up and not down:
                return self

    def say(self, type: int, body: bytes) -> None:
        self.connection.data_received(self.wire.send(type, 0, body))

    @property
    def statuses(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, Status)]


class Yard:
    def __init__(self) -> None:
        self.ground = Ground(NetSettings(), Clock())
        self.handler = Handler()
        self.server = RtmpServer(self.ground, self.handler, self.handler)

    def after(self, seconds: float) -> None:
        self.ground.sweeper.advance(seconds)


@pytest.fixture
async def yard() -> AsyncIterator[Yard]:
    yard = Yard()
    yield yard
    for connection in tuple(yard.server.connections):
        connection.connection_lost(None)
    await yard.server.close()


async def publishing(yard: Yard, **connect: Any) -> tuple[Peer, Publisher]:
    peer, publisher = await Peer(yard.server, **connect).run(), Publisher()
    peer.connection.accept_publish(publisher)
    return await peer.run(), publisher


async def test_publisher_is_decided_upon_and_then_heard(yard: Yard) -> None:
    peer = await Peer(yard.server).run()
    peer.say(m.VIDEO, b"early")
    assert isinstance(yard.handler.requests[0], Publish)
    publisher = Publisher()
    peer.connection.accept_publish(publisher)
    await peer.run()
    peer.say(m.VIDEO, b"frame")
    assert [message.body for message in publisher.messages] == [b"frame"]
    assert peer.statuses == ["NetStream.Publish.Start"]
    peer.wire.say_goodbye()
    await peer.run()
    peer.connection.connection_lost(None)
    assert publisher.ends == ["FCUnpublish"]


async def test_refused_peer_reads_why_and_then_fin(yard: Yard) -> None:
    peer = await Peer(yard.server).run()
    peer.connection.refuse("NetStream.Publish.Unauthorized", "There is no such key.")
    peer.connection.refuse("NetStream.Publish.Unauthorized", "Twice.")
    peer.say(m.VIDEO, b"late")
    await peer.run()
    assert peer.transport.fate == ["eof"]
    assert [e.description for e in peer.events if isinstance(e, Status)] == ["There is no such key."]
    yard.after(limits.RTMP_LINGER_S + 1)
    assert peer.transport.fate == ["eof", "abort"]
    assert yard.server.counters.refused == 1
    assert yard.server.counters.timeouts == 0


async def test_kick_ends_without_a_call_back(yard: Yard) -> None:
    peer, publisher = await publishing(yard)
    peer.connection.refuse("NetStream.Publish.Rejected", "Kicked.")
    await peer.run()
    peer.connection.connection_lost(None)
    assert publisher.ends == []
    assert peer.statuses[-1] == "NetStream.Publish.Rejected"


async def test_lost_socket_is_told_once(yard: Yard) -> None:
    peer, publisher = await publishing(yard)
    peer.connection.connection_lost(None)
    assert publisher.ends == [""]
    assert yard.server.connections == set()


async def test_client_that_leaves_while_decided_upon(yard: Yard) -> None:
    peer = await Peer(yard.server).run()
    peer.connection.connection_lost(None)
    for _ in range(3):
        await asyncio.sleep(0)
    assert yard.handler.cancelled == 1
    publisher = Publisher()
    peer.connection.accept_publish(publisher)
    assert publisher.ends == [""]
    assert not peer.connection.accept_play(lambda: None)


async def test_client_that_takes_its_request_back(yard: Yard) -> None:
    peer = await Peer(yard.server).run()
    peer.wire.say_goodbye()
    await peer.run()
    assert yard.handler.cancelled == 1
    publisher = Publisher()
    peer.connection.accept_publish(publisher)
    assert publisher.ends == [""]


async def test_playing_and_stopping(yard: Yard) -> None:
    peer = await Peer(yard.server, Aim.PLAY, fourCcList=["hvc1"]).run()
    stopped: list[bool] = []
    assert peer.connection.accept_play(lambda: stopped.append(True))
    await peer.run()
    assert peer.connection.stream_id == 1
    assert yard.handler.requests[0].connect.four_ccs == {"hvc1"}
    peer.wire.ping(7)
    await peer.run()
    peer.wire.say_goodbye()
    await peer.run()
    peer.connection.connection_lost(None)
    assert stopped == [True]


async def test_end_of_what_is_played(yard: Yard) -> None:
    peer = await Peer(yard.server, Aim.PLAY).run()
    stopped: list[bool] = []
    peer.connection.accept_play(lambda: stopped.append(True))
    peer.connection.status("status", "NetStream.Play.PublishNotify", "It is back.")
    peer.connection.end_play("The broadcast has ended.")
    await peer.run()
    assert peer.statuses[-2:] == ["NetStream.Play.PublishNotify", "NetStream.Play.UnpublishNotify"]
    assert (stopped, peer.transport.fate) == ([], ["eof"])


async def test_reconnect_request(yard: Yard) -> None:
    able, plain = await Peer(yard.server, capsEx=1.0).run(), await Peer(yard.server).run()
    assert yard.server.ask_to_reconnect("The server restarts.") == 1
    await able.run()
    assert able.statuses == ["NetConnection.Connect.ReconnectRequest"]
    assert plain.statuses == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"", limits.ACCEPT_TO_FIRST_BYTE_S),
        (b"\x03", limits.RTMP_HANDSHAKE_S),
        (b"\x03" + bytes(3072), limits.RTMP_COMMAND_S),
    ],
    ids=["silent", "handshake", "no command"],
)
async def test_slow_peers_are_cut_off(yard: Yard, said: bytes, seconds: float) -> None:
    peer = Peer(yard.server)
    if said:
        peer.connection.data_received(said)
    yard.after(seconds - 0.5)
    assert peer.transport.fate == []
    yard.after(1.0)
    assert peer.transport.fate == ["abort"]
    assert yard.server.counters.timeouts == 1


async def test_trickling_bytes_gain_no_time(yard: Yard) -> None:
    peer = Peer(yard.server)
    for _ in range(12):
        peer.connection.data_received(b"\x03")
        yard.after(0.5)
    assert peer.transport.fate == ["abort"]


async def test_publisher_has_no_deadline_here_but_one_that_said_goodbye_has(yard: Yard) -> None:
    peer, _ = await publishing(yard)
    yard.after(100)
    assert peer.transport.fate == []
    peer.wire.say_goodbye()
    await peer.run()
    yard.after(limits.RTMP_COMMAND_S + 1)
    assert peer.transport.fate == ["abort"]


async def test_asking_without_reading_is_cut_off(yard: Yard) -> None:
    peer, publisher = await publishing(yard)
    peer.transport.unread = limits.RTMP_REPLY_BYTES + 1
    peer.wire.ping(1)
    await peer.run()
    assert peer.transport.fate == ["abort"]


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x06", b"\x03" + bytes(3072) + b"\xc4"])
async def test_broken_peers_are_cut_off(yard: Yard, data: bytes) -> None:
    peer = Peer(yard.server)
    peer.connection.data_received(data)
    assert peer.transport.fate == ["eof"]
    assert yard.server.counters.broken == 1


async def test_publisher_that_breaks_the_rules_reads_why(yard: Yard) -> None:
    peer, publisher = await publishing(yard)
    publisher.error = PeerError("unsupported", "picture of 9000x9000", "The picture is too large.")
    peer.say(m.VIDEO, b"x")
    await peer.run()
    refusal = peer.events[-1]
    assert isinstance(refusal, Status)
    assert (refusal.code, refusal.description) == ("NetStream.Failed", "The picture is too large.")
    assert (publisher.ends, peer.transport.fate) == ([""], ["eof"])


async def test_publisher_is_looked_at_once_a_second(yard: Yard) -> None:
    peer, publisher = await publishing(yard)
    publisher.error = PeerError("too_fast", "bitrate", "The bitrate is too high.")
    for _ in range(4):
        yard.server._tick()
    await peer.run()
    assert publisher.ends == [""]
    assert peer.statuses[-1] == "NetStream.Failed"


async def test_publisher_is_read_in_batches_until_it_is_closing(yard: Yard) -> None:
    asked: list[int] = []

    class Socket:
        def setsockopt(self, level: int, option: int, value: int, /) -> None:
            asked.append(value)

    peer, _ = await publishing(yard)
    transport = peer.connection.transport
    assert isinstance(transport, Transport)
    transport._extra["socket"] = Socket()  # type: ignore[attr-defined]
    yard.server._tick()
    peer.connection._wire.received_bytes += 31_250
    yard.server._tick()
    assert asked == [1250]
    transport.fate.append("abort")
    yard.server._tick()
    assert asked == [1250]


async def test_handler_that_fails_is_our_own_fault(yard: Yard) -> None:
    yard.handler.error = RuntimeError("secret detail")
    yard.handler.decision.set()
    peer = await Peer(yard.server).run()
    refusal = peer.events[-1]
    assert isinstance(refusal, Status)
    assert refusal.code == "NetStream.Publish.Failed"
    assert "secret" not in refusal.description
    assert yard.server.counters.failures == 1


async def test_handler_that_never_answers(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.net.rtmp.server.RTMP_COMMAND_S", 0.0)
    peer = await Peer(yard.server).run()
    assert peer.statuses == ["NetStream.Publish.Failed"]


async def test_pending_connections_are_bounded_for_each_address(yard: Yard) -> None:
    peers = [Peer(yard.server) for _ in range(limits.PENDING_SESSIONS_PER_IP + 1)]
    assert [p.transport.fate for p in peers].count(["abort"]) == 1
    assert peers[-1].transport.fate == ["abort"]
    assert Peer(yard.server, address="192.0.2.8").transport.fate == []
    assert Peer(yard.server, address="127.0.0.1").transport.fate == []
    for peer in peers:
        peer.connection.connection_lost(None)
    assert Peer(yard.server).transport.fate == []


async def test_admitted_connections_are_not_pending(yard: Yard) -> None:
    for _ in range(limits.PENDING_SESSIONS_PER_IP + 5):
        peer, _ = await publishing(yard)
        assert peer.transport.fate == []


async def test_pending_connections_are_bounded_in_all(yard: Yard) -> None:
    peers = [
        Peer(yard.server, address=f"192.0.2.{i % 200}") for i in range(limits.PENDING_SESSIONS_TOTAL + 1)
    ]
    assert [p.transport.fate for p in peers].count(["abort"]) == 1


async def test_closed_connection_leaves_no_cycle(yard: Yard) -> None:
    peer, _ = await publishing(yard)
    peer.say(m.VIDEO, b"x")
    peer.connection.connection_lost(None)
    yard.handler.connections.clear()
    yard.handler.decision.set()
    await peer.run()
    gc.collect()
    gc.disable()
    try:
        del peer
        assert not [thing for thing in gc.get_objects() if isinstance(thing, RtmpConnection)]
    finally:
        gc.enable()


async def test_close_says_farewell_to_all(yard: Yard) -> None:
    deciding = await Peer(yard.server).run()
    peer, _ = await publishing(yard)
    for each in (deciding, peer):
        each.transport.polite = each.connection
    await asyncio.wait_for(yard.server.close(), 30)
    assert deciding.transport.fate == peer.transport.fate == ["eof"]
    assert yard.handler.cancelled == len(yard.handler.requests)
    assert cast(Any, yard.server)._tasks == set()


async def test_close_does_not_wait_for_the_rude(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.net.rtmp.server.RTMP_LINGER_S", 0.0)
    peer, _ = await publishing(yard)
    await asyncio.wait_for(yard.server.close(), 30)
    assert peer.transport.fate == ["eof"]

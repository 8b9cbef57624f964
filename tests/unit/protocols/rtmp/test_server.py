"""The server's end of a connection, fed by our own client and by hand."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.containers.flv import amf
from madang.containers.flv.tag import build_tag
from madang.media.track import Codec
from madang.protocols.rtmp import message as m
from madang.protocols.rtmp.chunk import ChunkReader, ChunkWriter, build_chunks
from madang.protocols.rtmp.client import Aim, ClientConnection, Status, Target
from madang.protocols.rtmp.command import Connect, command, parse_connect
from madang.protocols.rtmp.handshake import ENTROPY_BYTES, ClientHandshake
from madang.protocols.rtmp.message import Message
from madang.protocols.rtmp.server import WINDOW_BYTES, Closed, Phase, Play, Publish, ServerConnection

ENTROPY = random.Random(5).randbytes(ENTROPY_BYTES)


class Pair:
    """A client and a server, with the wire between them cut into pieces of `step`."""

    def __init__(
        self, aim: Aim = Aim.PUBLISH, step: int = 100_000, schema: int | None = None, **properties: amf.Value
    ) -> None:
        self.step = step
        self.server = ServerConnection(ENTROPY)
        target = Target("rtmp://h/live", "live", "key", aim, properties)
        self.client = ClientConnection(ENTROPY, target, schema)
        self.server_events: list[object] = []
        self.client_events: list[object] = []

    def run(self) -> "Pair":
        """Carry bytes both ways until nobody has anything to say."""
        while True:
            up, down = self.client.take(), self.server.take()
            if not up and not down:
                return self
            for i in range(0, len(up), self.step):
                self.server_events += self.server.receive(up[i : i + self.step])
            for i in range(0, len(down), self.step):
                self.client_events += self.client.receive(down[i : i + self.step])

    def send(self, data: bytes) -> "Pair":
        self.server_events += self.server.receive(data)
        return self.run()

    def statuses(self) -> list[str]:
        return [event.code for event in self.client_events if isinstance(event, Status)]


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("schema", [None, 0, 1])
def test_publishing_from_handshake_to_goodbye(step: int, schema: int | None) -> None:
    pair = Pair(step=step, schema=schema).run()
    request = pair.server_events.pop()
    assert isinstance(request, Publish)
    assert (request.name, request.stream_id, request.connect.app) == ("key", 1, "live")
    assert pair.server.phase is Phase.ASKED
    pair.server.accept_publish()
    pair.run()
    assert pair.statuses() == ["NetStream.Publish.Start"]
    pair.send(pair.client.send(m.VIDEO, 0, bytes(1000)) + pair.client.send(m.AUDIO, 5, b"a"))
    assert [(e.type, len(e.body)) for e in pair.server_events if isinstance(e, Message)] == [
        (9, 1000),
        (8, 1),
    ]
    pair.server_events.clear()
    pair.client.say_goodbye()
    pair.run()
    assert pair.server_events == [Closed("FCUnpublish")]
    assert pair.statuses()[-1] == "NetStream.Unpublish.Success"
    assert pair.server.phase is Phase.COMMANDS


def test_playing() -> None:
    pair = Pair(Aim.PLAY).run()
    assert pair.server_events == [Play(1, "key", pair.server.connect or Connect())]
    pair.server.accept_play()
    pair.run()
    assert pair.statuses() == ["NetStream.Play.Reset", "NetStream.Play.Start"]
    assert amf.decode(pair.client_events[-1].body) == ["|RtmpSampleAccess", True, True]  # type: ignore[attr-defined]
    pair.client.receive(build_chunks(6, Message(m.VIDEO, 0, 1, bytes(70_000))))
    pair.client.say_goodbye()
    pair.run()
    assert pair.server_events[-1] == Closed("deleteStream")


def test_media_before_the_answer_and_after_a_refusal_is_dropped() -> None:
    pair = Pair().run()
    pair.server_events.clear()
    pair.send(pair.client.send(m.VIDEO, 0, b"early"))
    pair.server.refuse("NetStream.Publish.Unauthorized", "There is no such key.")
    pair.run()
    pair.send(pair.client.send(m.VIDEO, 0, b"late"))
    assert pair.server_events == []
    refusal = pair.client_events[-1]
    assert isinstance(refusal, Status)
    assert (refusal.level, refusal.description) == ("error", "There is no such key.")


def test_media_of_a_player_is_dropped() -> None:
    pair = Pair(Aim.PLAY).run()
    pair.server.accept_play()
    pair.run().server_events.clear()
    pair.send(pair.client.send(m.VIDEO, 0, b"x") + pair.client.send(m.DATA, 0, amf.encode("onMetaData")))
    assert pair.server_events == []


def test_connect_is_answered_with_capabilities() -> None:
    pair = Pair().run()
    found = pair.client.connected
    assert found["code"] == "NetConnection.Connect.Success"
    assert found["capsEx"] == 15
    assert found["fourCcList"] == ["avc1", "hvc1", "av01", "mp4a", "Opus", ".mp3"]
    assert found["videoFourCcInfoMap"] == {"avc1": 4, "hvc1": 4, "av01": 4}
    assert found["audioFourCcInfoMap"] == {"mp4a": 4, "Opus": 4, ".mp3": 4}


def test_controls_before_the_answer_to_connect() -> None:
    wire = ServerConnection(ENTROPY)
    wire.receive(ClientHandshake(ENTROPY).begin() + bytes(1536))
    wire.take()
    wire.receive(build_chunks(3, command(0, "connect", 1, {"app": "live"}), 128))
    types = [message.type for message in ChunkReader().receive(wire.take())]
    assert types == [m.WINDOW_ACKNOWLEDGEMENT_SIZE, m.SET_PEER_BANDWIDTH, m.COMMAND]


def test_reconnect_request_goes_to_those_who_understand_it() -> None:
    plain, able = Pair().run(), Pair(capsEx=1.0).run()
    assert not plain.server.ask_to_reconnect("Restarting.")
    assert able.server.ask_to_reconnect("Restarting.")
    able.run()
    assert able.statuses() == ["NetConnection.Connect.ReconnectRequest"]


def test_acknowledgements_come_after_each_window() -> None:
    pair = Pair().run()
    pair.server.accept_publish()
    pair.client.set_chunk_size(65_536)
    pair.run()
    for i in range(30):
        pair.send(pair.client.send(m.VIDEO, i, bytes(100_000)))
    assert WINDOW_BYTES <= pair.client.acknowledged_bytes <= pair.server.received_bytes


@pytest.mark.parametrize("window", [0, 1, 2**31, 2**32 - 1])
def test_odd_windows_neither_flood_nor_starve(window: int) -> None:
    pair = Pair().run()
    pair.server.accept_publish()
    pair.run()
    pair.send(build_chunks(2, m.window_acknowledgement_size(window), 128))
    pair.server.receive(b"")
    sent = 0
    for i in range(100):
        pair.server.receive(pair.client.send(m.AUDIO, i, bytes(300)))
        sent += len(pair.server.take())
    assert sent <= 12 * 16


def test_pings_are_answered_and_sent() -> None:
    talk = Talk()
    ping = m.user_control(m.PING_REQUEST, 77)
    talk.wire.receive(talk.writer.write(2, ping))
    talk.wire.ping(5)
    answer, asked = talk.reader.receive(talk.wire.take())
    assert answer == m.user_control(m.PING_RESPONSE, 77)
    assert asked == m.user_control(m.PING_REQUEST, 5)


def test_client_answers_pings() -> None:
    pair = Pair().run()
    pair.client.receive(build_chunks(2, m.user_control(m.PING_REQUEST, 9)))
    assert m.user_control(m.PING_RESPONSE, 9).body in pair.client.take()


def test_end_of_what_is_played() -> None:
    pair = Pair(Aim.PLAY).run()
    pair.server.accept_play()
    pair.run()
    pair.server.stream_eof()
    pair.server.status("status", "NetStream.Play.UnpublishNotify", "Over.")
    pair.run()
    assert pair.statuses()[-1] == "NetStream.Play.UnpublishNotify"


def test_aggregates_are_taken_apart() -> None:
    pair = Pair().run()
    pair.server.accept_publish()
    pair.run().server_events.clear()
    body = build_tag(8, 100, b"a") + build_tag(9, 110, b"v") + build_tag(3, 0, b"?")
    pair.send(build_chunks(4, Message(m.AGGREGATE, 5000, 1, body), 128))
    assert pair.server_events == [Message(8, 5000, 1, b"a"), Message(9, 5010, 1, b"v")]


@pytest.mark.parametrize("type", [m.DATA, m.DATA_AMF3])
def test_metadata_of_both_encodings(type: int) -> None:
    pair = Pair().run()
    pair.server.accept_publish()
    pair.run().server_events.clear()
    body = amf.encode("@setDataFrame", "onMetaData", amf.EcmaArray())
    pair.send(build_chunks(4, Message(type, 0, 1, b"\x00" + body if type == m.DATA_AMF3 else body), 128))
    assert pair.server_events == [Message(m.DATA, 0, 1, body)]


def shaken() -> ServerConnection:
    wire = ServerConnection(ENTROPY)
    wire.receive(ClientHandshake(ENTROPY).begin() + bytes(1536))
    wire.take()
    return wire


class Talk:
    """A client that says whatever it is told."""

    def __init__(self) -> None:
        self.wire = shaken()
        self.writer = ChunkWriter()
        self.reader = ChunkReader()

    def say(self, *values: amf.Value, stream_id: int = 0, amf3: bool = False) -> list[list[amf.Value]]:
        message = command(stream_id, *values)
        if amf3:
            message = Message(m.COMMAND_AMF3, 0, stream_id, b"\x00" + message.body)
        self.events = self.wire.receive(self.writer.write(3, message))
        return [amf.decode(a.body) for a in self.reader.receive(self.wire.take()) if a.type == m.COMMAND]


def test_amf3_commands() -> None:
    talk = Talk()
    assert talk.say("connect", 1, {"app": "live", "objectEncoding": 3.0}, amf3=True)[0][:2] == [
        "_result",
        1.0,
    ]
    assert talk.say("createStream", 2, None, amf3=True) == [["_result", 2.0, None, 1.0]]
    talk.say("publish", 3, None, "key", "live", stream_id=1, amf3=True)
    assert isinstance(talk.events[0], Publish)


def test_results_that_encoders_wait_for() -> None:
    talk = Talk()
    talk.say("connect", 1, amf.EcmaArray(app="live", tcurl="rtmp://h/live"))
    assert talk.wire.connect == Connect(app="live", tc_url="rtmp://h/live")
    assert talk.say("releaseStream", 2, None, "key") == [["_result", 2.0, None, None]]
    answers = talk.say("FCPublish", 3, None, "key")
    assert [answer[0] for answer in answers] == ["_result", "onFCPublish"]
    assert talk.say("_checkbw", 4, None) == []
    assert talk.say("getStreamLength", 5, None, "key") == [["_result", 5.0, None, 0.0]]
    assert talk.say("FCSubscribe", 0, None) == []
    assert talk.say("createStream", 6, None) == [["_result", 6.0, None, 1.0]]
    assert talk.say("createStream", 7, None) == [["_result", 7.0, None, 2.0]]


def test_one_stream_per_connection() -> None:
    talk = Talk()
    talk.say("connect", 1, {"app": "live"})
    talk.say("publish", 0, None, "key", stream_id=1)
    refused = talk.say("publish", 0, None, "key", stream_id=2)
    assert talk.events == []
    assert refused[0][3]["code"] == "NetStream.Publish.BadName"  # type: ignore[index, call-overload]
    assert talk.say("publish", 0, None, "key", stream_id=1) == []
    talk.say("deleteStream", 0, None, 2.0)
    assert talk.events == [] and talk.wire.phase is Phase.ASKED
    talk.say("deleteStream", 0, None, 1.0)
    assert talk.events == [Closed("deleteStream")]
    talk.say("play", 0, None, "name", stream_id=1)
    assert isinstance(talk.events[0], Play)


def test_flash_publish_ignores_what_follows_its_goodbye() -> None:
    talk = Talk()
    talk.say("connect", 1, {"app": "live"})
    talk.say("publish", 0, None, "key", stream_id=1)
    talk.say("FCUnpublish", 0, None, "key")
    talk.say("deleteStream", 0, None, 1.0)
    assert talk.events == []


@pytest.mark.parametrize("name", ["publish", "play", "createStream", "deleteStream", "whatever"])
def test_commands_before_connect_are_refused(name: str) -> None:
    with pytest.raises(PeerError):
        Talk().say(name, 1, None, "key")


def test_connect_twice_is_refused() -> None:
    talk = Talk()
    talk.say("connect", 1, {"app": "live"})
    with pytest.raises(PeerError):
        talk.say("connect", 2, {"app": "live"})


def test_odd_commands_are_no_commands() -> None:
    talk = Talk()
    talk.say("connect", 1, None)
    assert talk.wire.connect == Connect()
    assert talk.say(5.0, 2) == [["_result", 2.0, None, None]]
    assert talk.say("publish") == []
    assert isinstance(talk.events[0], Publish)
    assert talk.events[0].name == ""


def test_shared_objects_and_unknown_types_are_ignored() -> None:
    wire = shaken()
    data = b"".join(build_chunks(3, Message(type, 0, 0, b"x" * 9)) for type in (0, 3, 4, 7, 16, 19, 23, 255))
    assert wire.receive(data) == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"app": 5.0, "tcUrl": None}, Connect()),
        ({"fourCcList": ["hvc1", 5.0]}, Connect(four_ccs=frozenset({"hvc1"}))),
        ({"videoFourCcInfoMap": {"*": 7.0, "vp09": 2.0}}, Connect(four_ccs=frozenset({"*"}))),
        ({"capsEx": float("nan"), "objectEncoding": float("inf")}, Connect()),
        ({"capsEx": 3.0, "flashver": "obs"}, Connect(caps_ex=3, flash_ver="obs")),
        ({"app": "a" * 9000}, Connect(app="a" * 2048)),
    ],
)
def test_connect_reads_what_is_there(properties: dict[str, amf.Value], expected: Connect) -> None:
    assert parse_connect(properties) == expected


def test_what_a_player_reads() -> None:
    assert Connect().handles(Codec.H264) and not Connect().handles(Codec.H265)
    assert Connect(four_ccs=frozenset({"hvc1"})).handles(Codec.H265)
    assert Connect(four_ccs=frozenset({"*"})).handles(Codec.OPUS)


@given(
    st.lists(st.tuples(st.integers(0, 25), st.integers(0, 3), st.binary(max_size=60)), max_size=6),
    st.booleans(),
)
def test_any_messages_raise_peer_error_or_nothing(
    items: list[tuple[int, int, bytes]], connected: bool
) -> None:
    talk = Talk()
    try:
        if connected:
            talk.say("connect", 1, {"app": "live"})
            talk.say("publish", 0, None, "key", stream_id=1)
            talk.wire.accept_publish()
        for type, stream_id, body in items:
            talk.wire.receive(talk.writer.write(4, Message(type, 0, stream_id, body)))
    except PeerError:
        pass
    assert len(talk.wire.take()) < 4000


@given(st.binary(max_size=4000), st.integers(1, 2000))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes, step: int) -> None:
    wire = ServerConnection(ENTROPY)
    try:
        for i in range(0, len(data), step):
            wire.receive(data[i : i + step])
    except PeerError:
        pass


def test_requests_do_not_show_the_key() -> None:
    connect = Connect(app="live?key=KEY", tc_url="rtmp://h/live?key=KEY", flash_ver="obs")
    assert "KEY" not in repr(Publish(1, "KEY", connect)) + repr(Play(1, "n?token=KEY", connect)) + repr(
        connect
    )

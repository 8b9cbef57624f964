"""Protobuf on the wire, against the messages of the official Python client."""

import pytest
from centrifuge.protocol import client_pb2 as official
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.centrifugo import binary
from madang.protocols.centrifugo import messages as m

NUMBERS = st.integers(0, 2**32 - 1)


def only(message: bytes) -> m.Command:
    (command,) = binary.parse_commands(message)
    return command


def test_the_example_of_the_protocol() -> None:
    command = only(bytes.fromhex("070802320 30a0161".replace(" ", "")))
    assert command == m.Command(2, unsubscribe=m.ChannelRequest("a"))
    assert binary.encode_command(command) == bytes.fromhex("07080232030a0161")


def test_an_empty_command_is_a_pong() -> None:
    assert only(b"\x00") == m.Command()


def test_every_command_of_the_official_client() -> None:
    theirs = official.Command(
        id=2**32 - 1,
        connect=official.ConnectRequest(
            token="t",
            data=b"\x00\xff",
            name="n",
            version="v",
            subs={"c": official.SubscribeRequest(recover=True, epoch="e", offset=2**63)},
        ),
    )
    ours = only(binary.delimited(theirs.SerializeToString()))
    assert ours.id == 2**32 - 1 and ours.connect is not None and bytes(ours.connect.data) == b"\x00\xff"
    assert ours.connect.subs["c"] == m.SubscribeRequest(recover=True, epoch="e", offset=2**63)
    subscribe = official.SubscribeRequest(
        channel="c", positioned=True, recoverable=True, join_leave=True, delta="fossil"
    )
    ours = only(binary.delimited(official.Command(id=1, subscribe=subscribe).SerializeToString()))
    assert ours.subscribe == m.SubscribeRequest(
        "c", positioned=True, recoverable=True, join_leave=True, delta="fossil"
    )
    history = official.HistoryRequest(
        channel="c", limit=-1, since=official.StreamPosition(offset=5, epoch="e"), reverse=True
    )
    ours = only(binary.delimited(official.Command(id=1, history=history).SerializeToString()))
    assert ours.history == m.HistoryRequest("c", -1, m.StreamPosition(5, "e"), True)
    ours = only(binary.delimited(official.Command(id=1, ping=official.PingRequest()).SerializeToString()))
    assert ours.ping == m.Empty()


def test_every_reply_is_read_by_the_official_client() -> None:
    info = m.ClientInfo("u", "c", m.raw(b"i"), m.raw(b"j"))
    publication = binary.encode_publication(
        b"d", binary.encode_info("u", "c", b"i", b""), 300, {"k": "v"}, delta=True
    )
    subscribed = m.SubscribeResult(True, 60, True, "e", offset=2**40, data=m.raw(b"x"))
    replies = {
        "error": m.Reply(1, error=m.Error(100, "internal", True)),
        "connect": m.Reply(
            1, connect=m.ConnectResult("c", "v", True, 9, m.raw(b"d"), {"s": subscribed}, 25, True, "S", "N")
        ),
        "subscribe": m.Reply(
            1,
            subscribe=m.SubscribeResult(
                publications=binary.list_publications([publication], 7), recovered=True, delta=True
            ),
        ),
        "unsubscribe": m.Reply(1, unsubscribe=m.Empty()),
        "publish": m.Reply(1, publish=m.Empty()),
        "presence": m.Reply(1, presence=m.PresenceResult({"c": info})),
        "presence_stats": m.Reply(1, presence_stats=m.PresenceStatsResult(3, 2)),
        "history": m.Reply(
            1, history=m.HistoryResult(binary.list_publications([publication] * 2, 1), "e", 300)
        ),
        "rpc": m.Reply(1, rpc=m.RpcResult(m.raw(b"r"))),
        "refresh": m.Reply(1, refresh=m.RefreshResult("c", "v", True, 5)),
        "sub_refresh": m.Reply(1, sub_refresh=m.SubRefreshResult(True, 5)),
    }
    read = {}
    for name, reply in replies.items():
        read[name] = official.Reply.FromString(binary.encode_reply(reply))
        assert read[name].id == 1 and read[name].HasField(name)
    assert read["error"].error.code == 100 and read["error"].error.temporary
    assert read["connect"].connect.subs["s"].offset == 2**40 and read["connect"].connect.node == "N"
    first = read["subscribe"].subscribe.publications[0]
    assert (first.data, first.offset, dict(first.tags), first.delta) == (b"d", 300, {"k": "v"}, True)
    assert first.info.user == "u" and first.info.conn_info == b"i"
    assert read["presence"].presence.presence["c"].chan_info == b"j"
    assert len(read["history"].history.publications) == 2 and read["history"].history.epoch == "e"


def test_every_push_is_read_by_the_official_client() -> None:
    info = m.ClientInfo("u", "c")
    pushes = {
        "join": m.Push("ch", join=m.JoinLeave(info)),
        "leave": m.Push("ch", leave=m.JoinLeave(info)),
        "unsubscribe": m.Push("ch", unsubscribe=m.Unsubscribe(2000, "why")),
        "message": m.Push(message=m.MessagePush(m.raw(b"x"))),
        "subscribe": m.Push("ch", subscribe=m.Subscribe(True, "e", 5, True, m.raw(b"d"))),
        "connect": m.Push(connect=m.ConnectResult("c")),
        "disconnect": m.Push(disconnect=m.DisconnectPush(3001, "shutdown", True)),
        "refresh": m.Push(refresh=m.RefreshPush(True, 5)),
    }
    for name, push in pushes.items():
        read = official.Reply.FromString(binary.encode_push(push)).push
        assert read.HasField(name) and read.channel == push.channel
    pub = binary.encode_publication_push("ch", binary.encode_publication(b"\xff\x00", b"", 0, {}))
    read = official.Reply.FromString(pub).push
    assert read.channel == "ch" and read.pub.data == b"\xff\x00"
    assert official.Reply.FromString(binary.PING[1:]) == official.Reply()


@given(st.lists(st.tuples(NUMBERS, st.text(max_size=20), st.binary(max_size=40)), min_size=1, max_size=5))
def test_commands_survive_the_wire(asked: list[tuple[int, str, bytes]]) -> None:
    commands = [m.Command(i, rpc=m.RpcRequest(m.raw(data), method)) for i, method, data in asked]
    message = b"".join(map(binary.encode_command, commands))
    assert [(c.id, c.rpc.method, bytes(c.rpc.data)) for c in binary.parse_commands(message) if c.rpc] == asked


def test_filters_survive_the_wire() -> None:
    leaf = m.FilterNode(key="k", cmp="in", vals=("a", "b"))
    node = m.FilterNode(op="and", nodes=(leaf, m.FilterNode(op="not", nodes=(leaf,))))
    command = m.Command(1, subscribe=m.SubscribeRequest("c", tf=node))
    assert only(binary.encode_command(command)) == command


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x05\x08",  # length beyond the end
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",  # eleven bytes of varint
        b"\x02\x2a\x05",  # a field beyond the end
        b"\x02\x0b\x0c",  # groups
        b"\x02\x0a\x00",  # id as bytes
        b"\x02\x20\x00",  # connect as a number
        b"\x03\x32\x01\x0a",  # cut inside
        b"\x05\x32\x03\x0a\x01\xff",  # not UTF-8
    ],
)
def test_what_is_no_command_is_a_bad_request(message: bytes) -> None:
    with pytest.raises(PeerError) as caught:
        list(binary.parse_commands(message))
    assert caught.value.code == "3501"


def test_nesting_is_bounded() -> None:
    node = m.FilterNode(key="k", cmp="ex")
    for _ in range(60):
        node = m.FilterNode(op="not", nodes=(node,))
    with pytest.raises(PeerError):
        only(binary.encode_command(m.Command(1, subscribe=m.SubscribeRequest("c", tf=node))))


def test_unknown_fields_of_every_kind_are_passed_over() -> None:
    body = b"\x08\x05" + b"\xf8\x06\x01" + b"\xf9\x06" + bytes(8) + b"\xfa\x06\x02ab" + b"\xfd\x06" + bytes(4)
    assert only(binary.delimited(body)) == m.Command(5)


def test_emulation() -> None:
    body = official.EmulationRequest(node="N", session="S", data=b"\x00\xff").SerializeToString()
    assert binary.parse_emulation(body) == ("N", "S", b"\x00\xff")
    with pytest.raises(PeerError) as caught:
        binary.parse_emulation(b"\x0a\x05N")
    assert caught.value.code == "400"

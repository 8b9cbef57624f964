"""The server API in Protobuf, and the unidirectional stream's link, without a network."""

import asyncio
import json
from typing import Any, cast

import pytest
from google.protobuf.message import Message
from tests.harness.schemas import messages
from tests.unit.realtime.conftest import Yard

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_API_KEY_BYTES, REALTIME_WRITE_BYTES
from madang.net.deadlines import Sweeper
from madang.protocols.centrifugo import binary, codes
from madang.protocols.centrifugo import messages as m
from madang.realtime import api_binary, wires
from madang.realtime import api_requests as asked
from madang.realtime.api_commands import Commands
from madang.realtime.api_methods import Methods
from madang.realtime.commands import answer
from madang.realtime.connecting import Hello
from madang.realtime.gate import Caller
from madang.realtime.grpc_doors import GrpcLink, _address
from madang.realtime.ports import BAD_REQUEST, METHOD_NOT_FOUND, Target
from madang.realtime.session import Session

API = messages(
    "api",
    """
    BoolValue: value 1 bool
    Override: presence 1 BoolValue, force_positioning 4 BoolValue
    StreamPosition: offset 1 uint64, epoch 2 string
    PublishRequest: channel 1 string, data 2 bytes, b64data 3 string, skip_history 4 bool, \
tags 5 map string, idempotency_key 6 string, delta 7 bool, version 8 uint64, version_epoch 9 string
    BroadcastRequest: channels 1 repeated string, data 2 bytes
    SubscribeRequest: channel 1 string, user 2 string, expire_at 3 int64, info 4 bytes, client 6 string, \
recover_since 9 StreamPosition, override 10 Override, session 11 string
    Disconnect: code 1 uint32, reason 2 string
    DisconnectRequest: user 1 string, disconnect 2 Disconnect, whitelist 4 repeated string
    HistoryRequest: channel 1 string, limit 2 int32, since 3 StreamPosition, reverse 4 bool
    BlockUserRequest: expire_at 1 int64, user 2 string
    RevokeTokenRequest: expire_at 1 int64, uid 2 string
    Command: publish 4 PublishRequest, block_user 21 BlockUserRequest, device_list 28 BoolValue
    BatchRequest: commands 1 repeated Command, parallel 2 bool
    Error: code 1 uint32, message 2 string
    PublishResult: offset 1 uint64, epoch 2 string
    PublishResponse: error 1 Error, result 2 PublishResult
    Reply: error 2 Error, publish 4 PublishResult, block_user 21 BoolValue
    BatchResponse: replies 1 repeated Reply
    """.replace("\\\n", ""),
)


def made(name: str, **fields: Any) -> bytes:
    return cast(Message, API[name](**fields)).SerializeToString()


def read(name: str, body: bytes) -> Any:
    return API[name].FromString(body)


def test_requests_with_every_field() -> None:
    body = made(
        "PublishRequest", channel="c", data=b"\x00", b64data="AA==", skip_history=True, tags={"a": "b"},
        idempotency_key="k", delta=True, version=2**63, version_epoch="e",
    )  # fmt: skip
    assert api_binary.parse("publish", body).request == asked.Publish(
        channel="c", data=m.raw(b"\x00"), b64data="AA==", skip_history=True, tags={"a": "b"},
        idempotency_key="k", delta=True, version=2**63, version_epoch="e",
    )  # fmt: skip
    body = made(
        "SubscribeRequest", channel="c", user="u", expire_at=-1, info=b"1", client="x", session="s",
        recover_since={"offset": 5, "epoch": "e"}, override={"presence": {"value": True}},
    )  # fmt: skip
    found = cast(asked.Subscribe, api_binary.parse("subscribe", body).request)
    assert (found.channel, found.user, found.client, found.session) == ("c", "u", "x", "s")
    assert found.expire_at == -1 and found.recover_since == m.StreamPosition(5, "e")
    assert found.override == asked.Override(presence=asked.Boxed(True))
    body = made("DisconnectRequest", user="u", disconnect={"code": 4000, "reason": "r"}, whitelist=["a", "b"])
    ending = cast(asked.Disconnect, api_binary.parse("disconnect", body).request)
    assert ending.disconnect == asked.Reason(4000, "r") and list(ending.whitelist) == ["a", "b"]
    past = cast(asked.History, api_binary.parse("history", made("HistoryRequest", limit=-1)).request)
    assert (past.limit, past.channel, past.since) == (-1, "", None)


def test_fields_that_are_absent() -> None:
    for method in api_binary.NAMES.values():
        found = api_binary.parse(method, b"").request
        if method == "revoke_token":
            assert found is BAD_REQUEST
        else:
            assert isinstance(found, asked.KINDS[method])


def test_texts_that_are_too_long() -> None:
    long = "k" * (REALTIME_API_KEY_BYTES + 1)
    body = made("PublishRequest", channel="c", data=b"1", idempotency_key=long)
    assert api_binary.parse("publish", body).request is BAD_REQUEST
    assert api_binary.parse("revoke_token", made("RevokeTokenRequest", uid=long)).request is BAD_REQUEST


@pytest.mark.parametrize("body", [b"\x0a\x05a", b"\x0f", b"\x0a\x01\xff", b"\x80" * 11])
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(PeerError):
        api_binary.parse("publish", body)


def test_requests_in_pieces() -> None:
    """Cut anywhere, a request is another one or none."""
    body = made("PublishRequest", channel="channel", data=b"data", tags={"a": "b"}, version=300)
    for end in range(len(body)):
        try:
            api_binary.parse("publish", body[:end])
            api_binary.parse_batch(body[:end])
        except PeerError:
            pass


async def test_a_batch_and_its_replies(yard: Yard) -> None:
    commands = Commands(yard.engine, Methods(yard.engine, api_binary.BinaryForm()))
    body = made(
        "BatchRequest",
        commands=[
            {"publish": {"channel": "open:1", "data": b"1"}},
            {"publish": {"channel": "nowhere:1", "data": b"1"}},
            {"block_user": {"user": "bob"}},
            {"device_list": {"value": True}},
        ],
        parallel=True,
    )
    found, parallel = api_binary.parse_batch(body)
    assert parallel and [each.method for each in found] == ["publish", "publish", "block_user", ""]
    assert found[3].request is METHOD_NOT_FOUND
    outcomes = await commands.perform(found, parallel)
    replies = read("BatchResponse", api_binary.encode_batch(found, outcomes)).replies
    assert replies[0].publish.offset == 1 and replies[0].publish.epoch
    assert replies[1].error.code == 102 and replies[2].HasField("block_user")
    assert replies[3].error.code == 104
    assert yard.engine.core.is_blocked("bob")
    one = await commands.outcome(api_binary.parse("publish", made("PublishRequest", channel="open:1")))
    assert read("PublishResponse", api_binary.encode("publish", one)).error.code == 107
    plain = api_binary.parse("publish", made("PublishRequest", channel="plain:1", data=b"1"))
    response = api_binary.encode("publish", await commands.outcome(plain))
    assert read("PublishResponse", response).HasField("result")


def test_addresses() -> None:
    assert _address("ipv4:192.0.2.1:5000") == "192.0.2.1"
    assert _address("ipv6:%5B2001:db8::1%5D:5000") == _address("ipv6:[2001:db8::1]:5000") == "2001:db8::1"


# --- the stream ------------------------------------------------------------------------------------------


class Consumer:
    """A link with a session, and what its stream got."""

    def __init__(self, yard: Yard) -> None:
        self.link = GrpcLink(cast(Sweeper, yard.sweeper))
        caller = Caller(client="c1", user="", transport="uni_grpc", encoding="protobuf")
        core = yard.engine.core

        async def handle(session: Session, command: m.Command) -> None:
            await answer(core, Hello(), session, command)

        self.session = self.link.session = Session(core, self.link, wires.UNI_GRPC, caller, handle)
        self.got: list[bytes] = []

    async def drain(self) -> None:
        """Everything until the connection is over."""
        async for some in self.link.messages():
            self.got += some


async def test_a_stream_from_its_connect_to_its_end(yard: Yard) -> None:
    consumer = Consumer(yard)
    request = m.ConnectRequest(token=yard.token("ann", channels=["open:1"]))
    consumer.session.begin_with(request)
    await yard.settle()
    await yard.publish("open:1", {"n": 1})
    await yard.settle()
    reading = asyncio.get_running_loop().create_task(consumer.drain())
    await yard.settle()
    yard.pass_time(26)  # a ping, which nobody has to answer
    yard.pass_time(30)
    await yard.engine.disconnect(Target(user="ann"))
    await reading
    pushes = consumer.got
    assert b"" in pushes
    assert b'{"n": 1}' in b"".join(pushes) and pushes[-1] == binary.encode_bare_push(
        m.Push(disconnect=m.DisconnectPush(3503, "force disconnect", False))
    )
    assert "open:1" not in yard.engine.core.rooms
    consumer.link.leave()


async def test_a_stream_that_is_not_read_is_held_and_then_goes_on(yard: Yard) -> None:
    consumer = Consumer(yard)
    consumer.session.begin_with(m.ConnectRequest(token=yard.token("ann", channels=["open:1"])))
    await yard.settle()
    text = "x" * 30_000
    for number in range(2 + REALTIME_WRITE_BYTES // 30_000):
        await yard.publish("open:1", [number, text])
        await yard.settle()
    assert consumer.session.held is not None
    consumer.link.end(codes.SHUTDOWN)
    await consumer.drain()
    assert sum(json.dumps(text).encode() in each for each in consumer.got) >= 1


async def test_what_comes_while_a_message_is_being_written_follows_it(yard: Yard) -> None:
    consumer = Consumer(yard)
    consumer.session.begin_with(m.ConnectRequest(token=yard.token("ann", channels=["open:1"])))
    await yard.settle()
    reading = consumer.link.messages()
    await anext(reading)
    for number in range(3):
        await yard.publish("open:1", {"n": number})
        await yard.settle()
    consumer.link.end(codes.SHUTDOWN)
    texts = b"".join([message async for some in reading for message in some])
    assert all(b'{"n": %d}' % number in texts for number in range(3))


async def test_a_stream_that_goes_leaves_its_channels(yard: Yard) -> None:
    consumer = Consumer(yard)
    consumer.session.begin_with(m.ConnectRequest(token=yard.token("ann", channels=["open:1"])))
    await yard.settle()
    assert "open:1" in yard.engine.core.rooms
    consumer.link.leave()
    consumer.link.leave()
    assert "open:1" not in yard.engine.core.rooms and not yard.engine.core.guests
    consumer.link.on_deadline()


async def test_errors_end_a_stream(yard: Yard) -> None:
    consumer = Consumer(yard)
    consumer.session.begin_with(m.ConnectRequest(token=yard.token("ann", exp=int(yard.clock.wall()) - 1)))
    await yard.settle()
    await consumer.drain()
    push = m.Push(disconnect=m.DisconnectPush(3005, "connection expired", True))
    assert consumer.got == [binary.encode_bare_push(push)]

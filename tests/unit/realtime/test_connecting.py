"""Connecting: who comes as whom, what the server subscribes them to, refreshing, expiring, pinging."""

import asyncio
import dataclasses
import json

import msgspec
import pytest
from tests.unit.realtime.conftest import Make, Yard

from madang.base.errors import PeerError
from madang.protocols.centrifugo import messages as m
from madang.realtime import wires
from madang.realtime.driving import settle
from madang.realtime.gate import Caller, ConnectReply, ConnectRequest, ServerSubscription
from madang.realtime.memory import MemoryBroker
from madang.realtime.ports import Disconnect, ReplyError, Target
from madang.realtime.publication import PublishOptions, Retention
from madang.realtime.settings import RealtimeSettings

KEPT = PublishOptions(retention=Retention(400, 300.0))


async def test_the_reply_tells_client_version_and_pings(yard: Yard) -> None:
    reply = (await yard.visitor().connect())["connect"]
    assert reply["client"] == "client-1" and reply["ping"] == 25 and reply["pong"] is True
    assert "expires" not in reply and "session" not in reply


async def test_a_token_says_who_it_is(yard: Yard) -> None:
    guest = await yard.guest("ann", info={"name": "Ann"}, meta={"secret": 1})
    caller = guest.session.caller
    assert (caller.user, caller.info, caller.meta) == ("ann", b'{"name":"Ann"}', b'{"secret":1}')


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ('{"id":1,"subscribe":{"channel":"open:1"}}', 3501),
        ("{}", 3501),
        ("", 3501),
        ("nonsense", 3501),
        ('{"id":1,"connect":{"token":"x.y.z"}}', 3500),
        ('{"id":1,"connect":{}}\n{"id":2,"connect":{}}', 3501),
    ],
)
async def test_what_ends_a_connection_at_its_beginning(yard: Yard, message: str, number: int) -> None:
    visitor = yard.visitor()
    visitor.session.on_message(message)
    await yard.settle()
    assert visitor.ended == number


async def test_without_a_token_where_none_is_anonymous(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, allow_anonymous=False))
    visitor = yard.visitor()
    await visitor.connect()
    assert visitor.ended == 3501


async def test_an_expired_token_is_an_error_and_the_connection_is_of_no_use(yard: Yard) -> None:
    visitor = yard.visitor()
    reply = await visitor.connect(token=yard.token("ann", exp=int(yard.clock.wall()) - 1))
    assert reply["error"] == {"code": 109, "message": "token expired"} and not visitor.ended
    await visitor.connect()
    assert visitor.ended == 3501


async def test_who_does_not_connect_is_stale(yard: Yard) -> None:
    visitor = yard.visitor()
    yard.pass_time(11)
    assert visitor.ended == 3502


async def test_anonymous_tokens_can_be_refused(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, disallow_anonymous_tokens=True))
    visitor = yard.visitor()
    await visitor.connect(token=yard.token(""))
    assert visitor.ended == 3507


async def test_connections_of_one_user_are_bounded(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, connections_per_user=1))
    await yard.guest("ann")
    await yard.guest("bob")
    second = yard.visitor()
    await second.connect(token=yard.token("ann"))
    assert second.ended == 3504


async def test_server_side_subscriptions_of_a_token(yard: Yard) -> None:
    visitor = yard.visitor()
    claims = {"channels": ["plain:news"], "subs": {"closed:1": {"info": {"vip": True}, "data": {"hi": 1}}}}
    reply = await visitor.connect(token=yard.token("ann", **claims))
    subs = reply["connect"]["subs"]
    assert subs["plain:news"] == {} and subs["closed:1"]["data"] == {"hi": 1}
    await yard.publish("plain:news", 1)
    assert await visitor.publications() == [1]
    present = await yard.engine.presence("closed:1")
    assert [info.chan_info for info in present.values()] == [b'{"vip":true}']


async def test_a_server_side_subscription_recovers(yard: Yard) -> None:
    await yard.publish("open:1", 1, 2, 3)
    epoch = (await yard.broker.publish("open:1", b"4", KEPT)).epoch
    visitor = yard.visitor()
    token = yard.token("ann", channels=["open:1"])
    asked = {"open:1": {"recover": True, "offset": 2, "epoch": epoch}}
    subs = (await visitor.connect(token=token, subs=asked))["connect"]["subs"]
    assert [each["data"] for each in subs["open:1"]["publications"]] == [3, 4]
    assert subs["open:1"]["recovered"] and subs["open:1"]["offset"] == 2


async def test_a_server_side_subscription_to_nothing_known_ends_the_connection(yard: Yard) -> None:
    visitor = yard.visitor()
    await visitor.connect(token=yard.token("ann", channels=["nowhere:1"]))
    assert visitor.ended == 3501


async def test_more_server_side_subscriptions_than_channels_allowed(
    make: Make, settings: RealtimeSettings
) -> None:
    yard = make(dataclasses.replace(settings, channels_per_connection=1))
    visitor = yard.visitor()
    await visitor.connect(token=yard.token("ann", channels=["plain:1", "plain:2"]))
    assert visitor.ended == 3505


async def test_a_server_side_subscription_that_is_not_refreshed_ends_the_connection(
    make: Make, settings: RealtimeSettings
) -> None:
    yard = make(dataclasses.replace(settings, pong_s=0.0, expired_subscription_s=20.0))
    visitor = await yard.guest("ann")
    until = ServerSubscription(expires_at=yard.clock.wall() + 5)
    await yard.engine.subscribe(Target(user="ann"), "plain:1", until)
    yard.pass_time(24)
    assert not visitor.ended
    yard.pass_time(3)
    assert visitor.ended == 3006


class Lingering(MemoryBroker):
    """A broker elsewhere, which takes its time to let a server hear a channel."""

    in_process = False

    def __init__(self, yard: Yard) -> None:
        super().__init__(yard.clock, lambda size: bytes(size))
        self.ready = asyncio.Event()

    async def subscribe(self, channel: str) -> None:
        await settle()
        if channel == "open:late":
            await self.ready.wait()


async def test_the_reply_comes_before_what_its_channels_bring(make: Make, settings: RealtimeSettings) -> None:
    yard = make(settings)
    broker = Lingering(yard)
    yard.engine.use(broker, yard.outbound)
    await yard.engine.start()
    visitor = yard.visitor()
    await visitor.connect(token=yard.token("ann", channels=["open:first", "open:late"]))
    await yard.publish("open:first", "meanwhile")
    await yard.settle()
    assert visitor.heard() == []
    broker.ready.set()
    await yard.settle()
    reply, push = visitor.heard()
    assert reply["connect"]["subs"]["open:first"].get("offset", 0) == 0
    assert push["push"]["pub"]["data"] == "meanwhile" and push["push"]["pub"]["offset"] == 1
    await yard.publish("open:late", "later")
    assert await visitor.publications() == ["later"]


async def test_a_user_with_one_connection_at_a_time(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, single_connection=True, connect_time=True))
    first, other, nobody = await yard.guest("ann"), await yard.guest("bob"), await yard.guest()
    second = yard.visitor()
    told = await second.connect(token=yard.token("ann"))
    assert told["connect"]["time"] == int(yard.clock.wall() * 1000)
    await yard.guest()
    assert [each.ended for each in (first, second, other, nobody)] == [3504, 0, 0, 0]


async def test_personal_channels(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, user_personal_channel=True))
    await yard.engine.start()
    visitor = yard.visitor()
    reply = await visitor.connect(token=yard.token("ann"))
    assert list(reply["connect"]["subs"]) == ["#ann"]
    await yard.publish("#ann", "for you")
    assert await visitor.publications() == ["for you"]


async def test_a_refresh_compares_what_tokens_ask_for_alone(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, user_personal_channel=True))
    visitor = await yard.guest("ann", channels=["plain:1"])
    await yard.engine.subscribe(Target(user="ann"), "plain:2", ServerSubscription())
    reply = await visitor.ask(refresh={"token": yard.token("ann", channels=["plain:1"])})
    assert "refresh" in reply and not visitor.ended
    await visitor.ask(refresh={"token": yard.token("ann", channels=["plain:1", "plain:2"])})
    assert visitor.ended == 3010


# --- refreshing and expiring -----------------------------------------------------------------------------


async def test_a_connection_is_refreshed_before_it_expires(yard: Yard) -> None:
    visitor = yard.visitor()
    now = int(yard.clock.wall())
    reply = (await visitor.connect(token=yard.token("ann", exp=now + 60)))["connect"]
    assert reply["expires"] is True and reply["ttl"] == 60
    token = yard.token("ann", exp=now + 300, info={"v": 2})
    refreshed = (await visitor.ask(refresh={"token": token}))["refresh"]
    assert refreshed["expires"] is True and refreshed["ttl"] == 300
    assert visitor.session.caller.info == b'{"v":2}'


async def test_a_connection_that_is_not_refreshed_expires(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, pong_s=0.0))
    visitor = yard.visitor()
    await visitor.connect(token=yard.token("ann", exp=int(yard.clock.wall()) + 60))
    yard.pass_time(80)
    assert not visitor.ended, "a client has 25 s to refresh"
    yard.pass_time(10)
    assert visitor.ended == 3005


@pytest.mark.parametrize(
    ("user", "claims", "ended"),
    [("bob", {}, 3500), ("ann", {"exp": 1}, 3005), ("ann", {"channels": ["plain:2"]}, 3010)],
)
async def test_a_refresh_that_ends_the_connection(
    yard: Yard, user: str, claims: dict[str, object], ended: int
) -> None:
    visitor = await yard.guest("ann", channels=["plain:1"])
    await visitor.ask(refresh={"token": yard.token(user, **claims)})
    assert visitor.ended == ended


async def test_an_expiry_of_its_own_beside_the_tokens(yard: Yard) -> None:
    visitor = yard.visitor()
    token = yard.token("ann", exp=int(yard.clock.wall()) + 60, expire_at=0)
    assert "expires" not in (await visitor.connect(token=token))["connect"]


# --- pings -----------------------------------------------------------------------------------------------


async def test_pings_are_answered_or_the_connection_ends(yard: Yard) -> None:
    quiet, alive = await yard.guest(), await yard.guest()
    for _ in range(80):
        yard.pass_time(1)
        if {} in alive.heard():
            alive.session.on_message("{}")
            await yard.settle()
    assert quiet.ended == 3012 and not alive.ended


async def test_who_has_not_read_the_ping_yet_but_reads_is_not_dead(yard: Yard) -> None:
    visitor = await yard.guest("ann")
    link = visitor.link
    yard.pass_time(11)
    link.acked = 10_000
    yard.pass_time(15)  # the ping
    for taken in (20_000, 30_000):
        link.acked = taken
        yard.pass_time(8)
        assert not visitor.ended, taken
    heard = visitor.heard()
    assert heard.count({}) == 1, "no second ping while one is on its way"
    visitor.session.on_message("{}")
    yard.pass_time(9)
    assert not visitor.ended
    visitor.session.on_message("{}")
    link.acked = 30_100
    yard.pass_time(40)
    assert visitor.ended == 3012, "a hundred bytes in eight seconds are not reading"


async def test_who_holds_unread_frames_lives_by_what_it_takes(yard: Yard) -> None:
    visitor = await yard.member("plain:1", "ann")
    visitor.link.acked = 50_000
    visitor.session.pause()
    await yard.publish("plain:1", "x" * 1000)
    await yard.settle()
    for taken in (60_000, 70_000, 80_000):
        visitor.link.acked = taken
        yard.pass_time(25)
        assert not visitor.ended
    yard.pass_time(30)
    assert visitor.ended == 3012 and visitor.heard()[-1] != {}


async def test_who_answers_no_pings_lives_by_what_it_takes_of_them(yard: Yard) -> None:
    """One-way clients: a peer that vanished, or that never reads, takes not even a ping."""
    reading, gone = (yard.visitor(wires.UNI_EVENTS) for _ in range(2))
    for visitor in (reading, gone):
        visitor.session.begin_with(m.ConnectRequest())
        await yard.settle()
        visitor.link.acked = 500
    for taken in (503, 506, 509, None, 515):
        reading.link.acked = taken
        yard.pass_time(25)
        assert reading.ended == 0
    assert gone.ended == 3012


async def test_other_words_are_no_pong(yard: Yard) -> None:
    visitor = await yard.guest()
    for _ in range(60):
        yard.pass_time(1)
        await visitor.ask(rpc={"method": "x"})
    assert visitor.ended == 3012


async def test_a_pong_that_nobody_waits_for_is_a_bad_request(yard: Yard) -> None:
    visitor = await yard.guest()
    visitor.session.on_message("{}")
    await yard.settle()
    assert visitor.ended == 3501


# --- gates -----------------------------------------------------------------------------------------------


class Gate:
    """Lets in who says the word."""

    def __init__(self) -> None:
        self.blocked: set[str] = set()
        self.asked: list[ConnectRequest] = []

    async def connect(self, request: ConnectRequest) -> ConnectReply:
        self.asked.append(request)
        said = json.loads(request.data or b"{}").get("word")
        if said == "late":
            raise ReplyError(100, "later", temporary=True)
        if said == "fault":
            raise KeyError(said)
        if said != "yard":
            raise Disconnect(4501, "wrong word")
        return ConnectReply(
            user="word",
            data=b'{"hello":1}',
            subscriptions={"plain:1": ServerSubscription(data=b"5")},
        )

    def holds(self, caller: Caller) -> bool:
        return caller.user not in self.blocked


async def test_a_gate_decides_about_who_brings_no_token(yard: Yard) -> None:
    gate = Gate()
    yard.engine.guard(gate)
    visitor = yard.visitor()
    reply = (await visitor.connect(data={"word": "yard"}))["connect"]
    assert reply["data"] == {"hello": 1} and reply["subs"] == {"plain:1": {"data": 5}}
    assert visitor.session.caller.user == "word"
    refused = yard.visitor()
    await refused.connect(data={"word": "no"})
    assert refused.ended == 4501
    late, fault = yard.visitor(), yard.visitor()
    assert (await late.connect(data={"word": "late"}))["error"]["temporary"] is True
    assert (await fault.connect(data={"word": "fault"}))["error"]["code"] == 100


async def test_who_is_blocked_does_not_come_in_and_does_not_stay(yard: Yard) -> None:
    gate = Gate()
    yard.engine.guard(gate)
    ann, bob = await yard.guest("ann"), await yard.guest("bob")
    gate.blocked.add("ann")
    yard.engine.recheck()
    await yard.settle()
    assert ann.ended == 3503 and not bob.ended
    again = yard.visitor()
    await again.connect(token=yard.token("ann"))
    assert again.ended == 3503


def test_errors_are_of_the_family() -> None:
    assert issubclass(ReplyError, PeerError) and issubclass(Disconnect, PeerError)
    assert msgspec.json.encode(ServerSubscription())

"""Subscribing, publishing, presence, history, calls: every row of the decision tables, and what handlers
decide."""

import dataclasses
import json
from typing import Any

import pytest
from tests.unit.realtime.conftest import NAMESPACES, OPEN, Make, Visitor, Yard

from madang.realtime.channel import ChannelOptions
from madang.realtime.gate import Caller
from madang.realtime.ports import (
    Does,
    Joined,
    PublishReply,
    PublishRequest,
    RefreshReply,
    ReplyError,
    RpcRequest,
    SubscribeReply,
    SubscribeRequest,
)
from madang.realtime.settings import RealtimeSettings


def code(reply: dict[str, Any]) -> int:
    """The error's number; 0 for a result."""
    return int(reply["error"]["code"]) if "error" in reply else 0


@pytest.mark.parametrize(
    ("user", "channel", "expected"),
    [
        ("ann", "open:1", 0),
        ("", "open:1", 0),
        ("ann", "closed:1", 103),
        ("ann", "nowhere:1", 102),
        ("ann", "without", 103),
        ("ann", "", 107),
        ("ann", "open:" + "x" * 300, 107),
        ("ann", "open:한", 107),
        ("ann", "open:a\tb", 107),
        ("ann", "$open:1", 103),
        ("ann", "named:abc", 0),
        ("ann", "named:ABC", 107),
        ("ann", "limited:dialog#ann,bob", 0),
        ("eve", "limited:dialog#ann,bob", 103),
        ("", "limited:dialog#", 103),
        ("ann", "limited:lobby", 0),
        ("ann", "users:dialog#eve", 0),
        ("", "users:1", 103),
        ("ann", "users:1", 0),
    ],
)
async def test_who_may_subscribe(
    make: Make, settings: RealtimeSettings, user: str, channel: str, expected: int
) -> None:
    namespaces = {
        **NAMESPACES,
        "named": ChannelOptions(allow_subscribe_for_client=True, channel_regex="^[a-z]+$"),
        "limited": ChannelOptions(allow_user_limited_channels=True, allow_subscribe_for_client=True),
        "users": ChannelOptions(allow_subscribe_for_client=True),
    }
    yard = make(dataclasses.replace(settings, namespaces=namespaces))
    await yard.engine.start()
    guest = await yard.guest(user)
    assert code(await guest.subscribe(channel)) == expected
    assert not guest.ended


async def test_twice_and_too_many_and_of_another_type(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, channels_per_connection=2))
    await yard.engine.start()
    guest = await yard.member("plain:1")
    assert code(await guest.subscribe("plain:1")) == 105
    assert code(await guest.subscribe("plain:2", type=1)) == 103
    assert code(await guest.subscribe("plain:2")) == 0
    assert code(await guest.subscribe("plain:3")) == 106


@pytest.mark.parametrize(
    ("claims", "expected", "ended"),
    [
        ({"channel": "$closed:1"}, 0, 0),
        ({"channel": "$closed:1", "client": "client-1"}, 0, 0),
        ({"channel": "$closed:2"}, -1, 3500),
        ({"channel": "$closed:1", "client": "other"}, -1, 3500),
        ({"channel": "$closed:1", "sub": "bob"}, -1, 3500),
        ({"channel": "$closed:1", "exp": 1}, 109, 0),
        ({}, 103, 0),
    ],
)
async def test_subscription_tokens(yard: Yard, claims: dict[str, Any], expected: int, ended: int) -> None:
    guest = await yard.guest("ann")
    token = yard.token(claims.pop("sub", "ann"), **claims)
    reply = await guest.subscribe("$closed:1", token=token)
    assert guest.ended == ended
    if not ended:
        assert code(reply) == expected


async def test_a_subscription_expires_unless_it_is_refreshed(yard: Yard) -> None:
    guest = await yard.guest("ann")
    now = int(yard.clock.wall())
    reply = await guest.subscribe("closed:1", token=yard.token("ann", channel="closed:1", exp=now + 10))
    assert reply["subscribe"]["expires"] is True and reply["subscribe"]["ttl"] == 10
    good = yard.token("ann", channel="closed:1", exp=now + 20)
    over = yard.token("ann", channel="closed:1", exp=now - 1)
    assert code(await guest.ask(sub_refresh={"channel": "closed:1", "token": ""})) == 107
    assert code(await guest.ask(sub_refresh={"channel": "closed:2", "token": good})) == 103
    assert code(await guest.ask(sub_refresh={"channel": "closed:1", "token": over})) == 109
    refreshed = await guest.ask(sub_refresh={"channel": "closed:1", "token": good})
    assert refreshed["sub_refresh"] == {"expires": True, "ttl": 20}
    for _ in range(60):
        yard.pass_time(1)
        heard = guest.heard()
        if {} in heard:
            guest.session.on_message("{}")
        if unsubscribed := [each for each in heard if "unsubscribe" in each.get("push", {})]:
            assert unsubscribed[0]["push"]["unsubscribe"]["code"] == 2501
            break
    else:
        raise AssertionError("the subscription never ended")
    assert not guest.ended


async def test_unsubscribing_is_done_before_a_later_publication(yard: Yard) -> None:
    guest = await yard.member("plain:1")
    await yard.publish("plain:1", 1)
    assert (await guest.ask(unsubscribe={"channel": "plain:1"}))["unsubscribe"] == {}
    await yard.publish("plain:1", 2)
    assert await guest.publications() == []
    assert "plain:1" not in yard.engine.core.rooms


# --- publishing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "user", "expected"),
    [
        (ChannelOptions(), "ann", 103),
        (ChannelOptions(allow_publish_for_client=True), "ann", 0),
        (ChannelOptions(allow_publish_for_client=True), "", 103),
        (ChannelOptions(allow_publish_for_client=True, allow_publish_for_anonymous=True), "", 0),
        (ChannelOptions(allow_publish_for_subscriber=True), "ann", 103),
        (ChannelOptions(allow_publish_for_client=True, publication_data_format="json_object"), "ann", 107),
    ],
)
async def test_who_may_publish(
    make: Make, settings: RealtimeSettings, options: ChannelOptions, user: str, expected: int
) -> None:
    yard = make(dataclasses.replace(settings, namespaces={"n": options}))
    await yard.engine.start()
    guest = await yard.guest(user)
    assert code(await guest.ask(publish={"channel": "n:1", "data": [1]})) == expected
    assert code(await guest.ask(publish={"channel": "n:1"})) == 107
    assert code(await guest.ask(publish={"channel": "n:1", "removed": True})) == 107, "only maps have keys"


async def test_subscribers_may_publish_where_that_is_allowed(make: Make, settings: RealtimeSettings) -> None:
    options = ChannelOptions(allow_subscribe_for_client=True, allow_publish_for_subscriber=True)
    yard = make(dataclasses.replace(settings, namespaces={"n": options}))
    await yard.engine.start()
    guest = await yard.member("n:1", "ann")
    assert code(await guest.ask(publish={"channel": "n:1", "data": {"a": 1}})) == 0


async def test_a_publication_says_who_it_is_from(yard: Yard) -> None:
    ann = await yard.guest("ann", info={"name": "Ann"})
    bob = await yard.member("open:1", "bob")
    await ann.ask(publish={"channel": "open:1", "data": {"a": 1}})
    (push,) = [each for each in bob.pushes() if "pub" in each]
    assert push["pub"]["info"] == {"user": "ann", "client": "client-1", "conn_info": {"name": "Ann"}}
    assert push["pub"]["offset"] == 1


async def test_rates_of_a_namespace(make: Make, settings: RealtimeSettings) -> None:
    """A57."""
    options = ChannelOptions(allow_publish_for_client=True, publish_rate=1.0, allow_subscribe_for_client=True)
    yard = make(dataclasses.replace(settings, namespaces={"n": options}))
    await yard.engine.start()
    guest = await yard.guest("ann")
    results = [code(await guest.ask(publish={"channel": "n:1", "data": 1})) for _ in range(4)]
    assert results == [0, 0, 111, 111]
    reply = await guest.ask(publish={"channel": "n:1", "data": 1})
    assert reply["error"] == {"code": 111, "message": "too many requests:1", "temporary": True}
    yard.pass_time(1)
    assert code(await guest.ask(publish={"channel": "n:1", "data": 1})) == 0


async def test_the_rate_of_a_channel_is_of_all_its_publishers(make: Make, settings: RealtimeSettings) -> None:
    """A57."""
    options = ChannelOptions(allow_publish_for_client=True, channel_publish_rate=2.0)
    yard = make(dataclasses.replace(settings, namespaces={"n": options}))
    await yard.engine.start()
    several = [await yard.guest(name) for name in ("ann", "bob", "cat")]
    results = [code(await guest.ask(publish={"channel": "n:1", "data": 1})) for guest in several]
    assert results == [0, 0, 111]
    assert code(await several[2].ask(publish={"channel": "n:2", "data": 1})) == 0, "another channel"


async def test_rights_of_subscribers(make: Make, settings: RealtimeSettings) -> None:
    options = ChannelOptions(
        presence=True,
        history_size=5,
        history_ttl_s=60.0,
        allow_subscribe_for_client=True,
        allow_presence_for_subscriber=True,
        allow_history_for_subscriber=True,
    )
    yard = make(dataclasses.replace(settings, namespaces={"n": options}))
    await yard.engine.start()
    guest = await yard.guest("ann")
    asked = [{kind: {"channel": "n:1"}} for kind in ("presence", "presence_stats", "history")]
    assert [code(await guest.ask(**each)) for each in asked] == [103] * 3
    await guest.subscribe("n:1")
    assert [code(await guest.ask(**each)) for each in asked] == [0] * 3
    told = (await (await yard.guest("bob")).subscribe("n:1", recoverable=True, join_leave=True))["subscribe"]
    assert told["recoverable"], "who may read history may recover"


async def test_commands_of_a_connection_are_bounded(make: Make, settings: RealtimeSettings) -> None:
    yard = make(dataclasses.replace(settings, commands_per_connection=2))
    guest = await yard.guest("ann")
    results = [code(await guest.ask(rpc={"method": "x"})) for _ in range(12)]
    assert results == [108] * 9 + [111] * 3
    yard.pass_time(2)
    assert code(await guest.ask(rpc={"method": "x"})) == 108


async def test_commands_of_one_user_are_bounded_over_all_connections(
    make: Make, settings: RealtimeSettings
) -> None:
    """A57."""
    yard = make(dataclasses.replace(settings, commands_per_user=2))
    several = [await yard.guest("ann") for _ in range(5)]
    results = [code(await guest.ask(rpc={"method": "x"})) for guest in several for _ in range(3)]
    assert results == [108] * 10 + [111] * 5
    assert yard.engine.core.per_user.wait_s("ann", yard.sweeper.now) == pytest.approx(0.5)
    assert code(await (await yard.guest("bob")).ask(rpc={"method": "x"})) == 108


@pytest.mark.parametrize("exempt", [False, True])
async def test_commands_of_one_address_are_bounded_over_all_users(
    make: Make, settings: RealtimeSettings, exempt: bool
) -> None:
    """A57; loopback and listed proxies are many people."""
    yard = make(dataclasses.replace(settings, commands_per_ip=2))
    yard.engine.core.is_exempt = lambda address: exempt
    # Each comes with a command, and ten are a burst.
    several = [await yard.guest(f"user{number}") for number in range(5)]
    results = [code(await guest.ask(rpc={"method": "x"})) for guest in several for _ in range(2)]
    assert results == [108] * 10 if exempt else [108] * 5 + [111] * 5
    assert yard.engine.core.counters.rate_limited == (0 if exempt else 5)


# --- presence, history, the rest --------------------------------------------------------------------------


async def test_presence(yard: Yard) -> None:
    ann = await yard.member("open:1", "ann")
    await yard.member("open:1")
    present = (await ann.ask(presence={"channel": "open:1"}))["presence"]["presence"]
    assert sorted(info["user"] for info in present.values()) == ["", "ann"]
    stats = (await ann.ask(presence_stats={"channel": "open:1"}))["presence_stats"]
    assert stats == {"num_clients": 2, "num_users": 2}
    assert code(await ann.ask(presence={"channel": "plain:1"})) == 108
    assert code(await ann.ask(presence={"channel": "closed:1"})) == 103
    assert code(await ann.ask(presence_stats={"channel": "nowhere:1"})) == 102


async def test_history(yard: Yard) -> None:
    await yard.publish("open:1", *range(1, 6))
    guest = await yard.guest()

    async def part(**query: Any) -> Any:
        reply = await guest.ask(history={"channel": "open:1", **query})
        return code(reply) or [each["offset"] for each in reply["history"]["publications"]]

    assert await part() == []
    assert await part(limit=-1) == [1, 2, 3, 4, 5]
    assert await part(limit=2, reverse=True) == [5, 4]
    assert await part(limit=2, since={"offset": 2}) == [3, 4]
    assert await part(limit=2, since={"offset": 2, "epoch": "other"}) == 112
    assert await part(limit=2, since={"offset": 0}, reverse=True) == 107
    assert code(await guest.ask(history={"channel": "plain:1"})) == 108
    assert code(await guest.ask(history={"channel": "closed:1"})) == 103
    empty = (await guest.ask(history={"channel": "open:2", "limit": 1}))["history"]
    assert empty["publications"] == [] and empty["offset"] == 0 and empty["epoch"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"rpc": {"method": "x"}}, 108),
        ({"ping": {}}, 108),
        ({}, 104),
        ({"publish": {"channel": "open:1", "data": 1, "type": 1, "key": "k"}}, 108),
        ({"sub_refresh": {"channel": "open:1", "type": 3}}, 108),
    ],
)
async def test_what_nobody_does(yard: Yard, request_: dict[str, Any], expected: int) -> None:
    assert code(await (await yard.guest()).ask(**request_)) == expected


async def test_sending_is_not_available(yard: Yard) -> None:
    guest = await yard.guest()
    guest.session.on_message('{"send":{"data":1}}')
    await yard.settle()
    assert guest.ended == 3508


async def test_joins_and_leaves(yard: Yard) -> None:
    watcher = await yard.member("open:1", "ann", join_leave=True)
    await yard.settle()
    watcher.heard()
    bob = await yard.member("open:1", "bob")
    await yard.settle()
    (join,) = watcher.pushes()
    assert join["join"]["info"] == {"user": "bob", "client": bob.session.caller.client}
    bob.session.close()
    await yard.settle()
    (leave,) = watcher.pushes()
    assert leave["leave"]["info"]["user"] == "bob"
    assert len(await yard.engine.presence("open:1")) == 1


async def test_a_storm_of_joins_is_folded(yard: Yard) -> None:
    """A57."""
    watcher = await yard.member("open:1", "ann", join_leave=True)
    await yard.settle()
    watcher.heard()
    for _ in range(80):
        await yard.member("open:1", "bob")
    await yard.settle()
    assert 40 <= len(watcher.pushes()) <= 50


# --- handlers --------------------------------------------------------------------------------------------


class Chat:
    """A namespace with a mind of its own."""

    does = Does(subscribe=True, publish=True, rpc=True, sub_refresh=True)

    def __init__(self) -> None:
        self.left: list[str] = []
        self.seen: list[object] = []

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply:
        if b"no" in request.data:
            raise ReplyError(1001, "not you")

        def snapshot(joined: Joined) -> bytes:
            return json.dumps({"recovered": joined.recovered, "top": joined.offset}).encode()

        return SubscribeReply(
            snapshot=snapshot,
            info=b'{"role":"vip"}',
            filter='{"key":"to","cmp":"in","vals":["all","vip"]}',
        )

    async def publish(self, request: PublishRequest) -> PublishReply:
        self.seen.append(request)
        if request.data == b'"done"':
            return PublishReply(done=True)
        return PublishReply(data=b'{"said":' + request.data + b"}")

    async def rpc(self, request: RpcRequest) -> bytes:
        if request.method == "chat.fault":
            raise KeyError("x")
        return b'{"you":"' + request.caller.user.encode() + b'"}'

    async def refresh(self, caller: Caller) -> RefreshReply:
        return RefreshReply()

    async def sub_refresh(self, caller: Caller, channel: str) -> RefreshReply:
        return RefreshReply(expired=True)

    def unsubscribed(self, caller: Caller, channel: str) -> None:
        self.left.append(channel)


async def bound(yard: Yard) -> tuple[Chat, Visitor]:
    chat = Chat()
    yard.engine.bind("chat", OPEN, chat)
    yard.engine.bind_rpc("chat.", chat)
    return chat, await yard.guest("ann")


async def test_a_handler_answers_for_its_namespace(yard: Yard) -> None:
    chat, guest = await bound(yard)
    assert code(await guest.subscribe("chat:1", data={"no": 1})) == 1001
    reply = (await guest.subscribe("chat:1", recoverable=True))["subscribe"]
    assert reply["data"] == {"recovered": False, "top": 0}
    assert code(await guest.ask(publish={"channel": "chat:1", "data": "hi"})) == 0
    assert code(await guest.ask(publish={"channel": "chat:1", "data": "done"})) == 0
    assert (await yard.broker.presence("chat:1"))["client-1"].chan_info == b'{"role":"vip"}'
    # The handler's filter keeps out what has no tag.
    assert await guest.publications() == []
    await yard.publish("chat:1", {"for": "vip"}, tags={"to": "vip"})
    await yard.publish("chat:1", {"for": "mods"}, tags={"to": "mods"})
    assert await guest.publications() == [{"for": "vip"}]
    guest.session.close()
    assert chat.left == ["chat:1"]


async def test_a_handler_hears_of_who_was_let_in_and_never_came(yard: Yard) -> None:
    chat, guest = await bound(yard)
    since = {"recover": True, "recoverable": True, "offset": 5, "epoch": "x", "flag": 2}
    assert code(await guest.subscribe("chat:1", **since)) == 112
    assert chat.left == ["chat:1"]
    assert "subscribe" in await guest.subscribe("chat:1")
    assert code(await guest.subscribe("chat:1")) == 105
    assert chat.left == ["chat:1"]


async def test_calls(yard: Yard) -> None:
    _, guest = await bound(yard)
    assert (await guest.ask(rpc={"method": "chat.who"}))["rpc"]["data"] == {"you": "ann"}
    assert code(await guest.ask(rpc={"method": "chat.fault"})) == 100
    assert code(await guest.ask(rpc={"method": "other"})) == 104


async def test_commands_that_wait_keep_their_order(yard: Yard) -> None:
    _, guest = await bound(yard)
    lines = [json.dumps({"id": n, "rpc": {"method": "chat.who"}}) for n in range(10, 20)]
    guest.session.on_message("\n".join(lines))
    for _ in range(5):
        await yard.settle()
    assert [each["id"] for each in guest.heard()] == list(range(10, 20))


async def test_who_asks_faster_than_is_answered_is_read_no_more(yard: Yard) -> None:
    _, guest = await bound(yard)
    lines = "\n".join(json.dumps({"id": n, "rpc": {"method": "chat.who"}}) for n in range(1, 300))
    guest.session.on_message(lines)
    guest.session.on_message(lines)
    assert not guest.link.reads
    for _ in range(400):
        await yard.settle()
    assert guest.link.reads


async def test_who_only_asks_for_what_it_may_not_have_is_sent_away(
    make: Make, settings: RealtimeSettings
) -> None:
    """Disconnect 3509, after which clients do not come back; errors of before do not count for ever."""
    yard = make(dataclasses.replace(settings, ping_s=100_000.0))
    await yard.engine.start()
    guest = await yard.guest()
    command = json.dumps({"id": 9, "presence": {"channel": "plain:1"}})
    for _ in range(3):
        for _ in range(500):
            guest.session.on_message(command)
        await yard.settle()
        yard.pass_time(11)
    assert guest.ended == 0
    for _ in range(14):
        for _ in range(100):
            guest.session.on_message(command)
        yard.pass_time(0.5)
    assert guest.ended == 3509

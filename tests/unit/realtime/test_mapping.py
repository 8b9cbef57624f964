"""Maps: who comes in page by page, catches up and stays live has exactly what there is."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import FakeClock
from tests.unit.realtime.conftest import HMAC, Make, Visitor, Yard
from tests.unit.realtime.mirror import Mirror

from madang.base.limits import REALTIME_MAP_BEHIND, REALTIME_MAP_KEY_BYTES
from madang.base.secret import Secret
from madang.realtime import room
from madang.realtime.channel import ChannelOptions
from madang.realtime.maps import KeyOptions, MapOptions
from madang.realtime.settings import RealtimeSettings, TokenSettings

PAGES = {"default_page_size": 3, "min_page_size": 1}
WRITE = {
    "allow_publish_for_client": True,
    "allow_publish_for_anonymous": True,
    "allow_remove_for_client": True,
}


def maps(mode: str, **told: Any) -> ChannelOptions:
    options: dict[str, Any] = {"mode": mode, **PAGES, **WRITE, **told}
    if mode != "persistent":
        options.setdefault("key_ttl_s", 60.0)
    return ChannelOptions(
        subscription_type="map",
        map=MapOptions(**options),
        allow_subscribe_for_client=True,
        allow_subscribe_for_anonymous=True,
        allowed_delta_types=("fossil",),
        allow_tags_filter=True,
    )


NAMESPACES = {
    "eph": maps("ephemeral"),
    "rec": maps("recoverable", stream_size=8),
    "per": maps("persistent"),
    "delta": ChannelOptions(
        subscription_type="map",
        map=MapOptions(mode="persistent", **PAGES),
        allow_subscribe_for_client=True,
        allowed_delta_types=("fossil",),
        delta_publish=True,
    ),
    "own": maps("ephemeral", client_key="client_id", remove_client_on_unsubscribe=True),
    "mine": maps("ephemeral", client_key="user_id"),
    "read": ChannelOptions(
        subscription_type="map", map=MapOptions(mode="persistent"), allow_subscribe_for_client=True
    ),
    "member": maps(
        "persistent",
        allow_publish_for_client=False,
        allow_remove_for_client=False,
        allow_publish_for_subscriber=True,
        allow_remove_for_subscriber=True,
    ),
    "game": ChannelOptions(
        allow_subscribe_for_client=True,
        allow_subscribe_for_anonymous=True,
        map_clients_presence_channel_prefix="clients:",
        map_users_presence_channel_prefix="users:",
    ),
    "clients": ChannelOptions(
        subscription_type="map_clients",
        map=MapOptions(mode="recoverable", key_ttl_s=60.0),
        allow_subscribe_for_client=True,
    ),
    "users": ChannelOptions(
        subscription_type="map_users",
        map=MapOptions(mode="recoverable", key_ttl_s=60.0),
        allow_subscribe_for_client=True,
    ),
}


@pytest.fixture
async def yard(make: Make) -> Yard:
    made = make(
        RealtimeSettings(
            token=TokenSettings(hmac_secret=Secret(HMAC)),
            namespaces=NAMESPACES,
            allow_anonymous=True,
            ping_s=36000,
        )
    )
    await made.engine.start()
    return made


def code(reply: dict[str, Any]) -> int:
    return int(reply["error"]["code"]) if "error" in reply else 0


async def put(yard: Yard, channel: str, key: str, value: Any, **told: Any) -> None:
    keeps = yard.engine.core.retention(channel)
    assert keeps is not None
    delta = channel.startswith("delta:")
    options = KeyOptions(retention=keeps, **({"delta": delta} | told))
    await yard.broker.maps.publish(channel, key, json.dumps(value).encode(), options)


async def take(yard: Yard, channel: str, key: str) -> None:
    keeps = yard.engine.core.retention(channel)
    assert keeps is not None
    await yard.broker.maps.remove(channel, key, KeyOptions(retention=keeps))


async def there(yard: Yard, channel: str) -> dict[str, Any]:
    """What the map is."""
    keeps = yard.engine.core.retention(channel)
    assert keeps is not None
    page = await yard.broker.maps.state(channel, "", 10_000, keeps)
    return {each.key: json.loads(each.data) for each in page.entries}


async def say(visitor: Visitor, channel: str, key: str, data: Any = None, **told: Any) -> dict[str, Any]:
    said = {"channel": channel, "type": 1, "key": key, **told}
    return await visitor.ask(publish=said if told.get("removed") else {**said, "data": data})


# --- on the way in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("namespace", ["eph", "rec", "per"])
async def test_a_map_of_several_pages_and_then_what_comes(yard: Yard, namespace: str) -> None:
    channel = f"{namespace}:1"
    for number in range(7):
        await put(yard, channel, f"k{number}", number)
    ann = Mirror(yard, channel)
    await ann.come()
    assert [page["subscribe"].get("phase", 0) for page in ann.pages] == [2, 2, 0]
    assert [len(page["subscribe"]["state"]) for page in ann.pages] == [3, 3, 1]
    assert ann.known == {f"k{number}": number for number in range(7)}
    await put(yard, channel, "k3", "new")
    await take(yard, channel, "k0")
    pushes = await ann.listen()
    assert [push["pub"]["key"] for push in pushes] == ["k3", "k0"]
    assert pushes[1]["pub"]["removed"] is True and pushes[1]["pub"]["data"] is None
    assert ann.known == await there(yard, channel)


@pytest.mark.parametrize("namespace", ["eph", "rec", "per"])
async def test_what_changes_between_two_pages_is_neither_missed_nor_told_twice(
    yard: Yard, namespace: str
) -> None:
    channel = f"{namespace}:1"
    for number in range(5):
        await put(yard, channel, f"k{number}", number)
    ann = await yard.guest("ann")
    first = (await ann.subscribe(channel, type=1, phase=2))["subscribe"]
    await put(yard, channel, "k0", "changed")
    await put(yard, channel, "k4", "changed")
    await put(yard, channel, "k5", "added")
    await take(yard, channel, "k1")
    asked = {"cursor": first["cursor"], "offset": first["offset"], "epoch": first["epoch"]}
    page = (await ann.subscribe(channel, type=1, phase=2, **asked))["subscribe"]
    entries, changes = page["state"], page.get("publications", [])
    if page.get("phase"):  # four changes are more than a page: the client asks for them
        assert [each["key"] for each in entries] == ["k3"], "what has changed since comes as a change"
        asked = {"offset": first["offset"], "epoch": first["epoch"]}
        page = (await ann.subscribe(channel, type=1, phase=1, **asked))["subscribe"]
        changes = page["publications"]
        while page.get("phase"):
            asked["offset"] = page["offset"]
            page = (await ann.subscribe(channel, type=1, phase=1, **asked))["subscribe"]
            changes += page.get("publications", [])
    told = [(each["key"], each.get("removed", False)) for each in changes]
    assert told == [("k0", False), ("k4", False), ("k5", False), ("k1", True)]
    assert page["offset"] == 9 and bool(page.get("recoverable")) is (namespace != "eph")
    assert yard.engine.core.flows == set() and ann.session.flows == {}


async def test_who_recovers_gets_changes_alone_as_far_as_they_are_kept(yard: Yard) -> None:
    ann = Mirror(yard, "rec:1")
    await put(yard, "rec:1", "a", 1)
    await ann.come()
    ann.drop()
    for number in range(4):
        await put(yard, "rec:1", f"k{number}", number)
    ann.pages.clear()
    await ann.come()
    assert ann.recovered and ann.failures == 0
    assert ann.pages[0]["subscribe"]["phase"] == 1, "more than a page"
    ann.drop()
    for number in range(20):
        await put(yard, "rec:1", f"k{number % 3}", number)
    await ann.come()
    assert ann.failures == 1 and not ann.recovered
    assert ann.known == await there(yard, "rec:1")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"phase": 2, "cursor": "k"}, 103),
        ({"phase": 1}, 103),
        ({}, 103),
        ({"phase": 3}, 103),
        ({"phase": 3, "recover": True}, 107),
        ({"phase": 1, "recover": True, "epoch": "other", "offset": 1}, 112),
        ({"phase": 1, "recover": True, "epoch": "", "offset": 0}, 112),
        ({"recover": True, "epoch": "other"}, 112),
        ({"phase": 2, "type": 0}, 103),
        ({"phase": 2, "type": 2}, 103),
        ({"phase": 2, "tf": {"op": "nonsense"}}, 107),
    ],
)
async def test_what_does_not_begin_a_way_in(yard: Yard, request_: dict[str, Any], expected: int) -> None:
    ann = await yard.guest("ann")
    await put(yard, "per:1", "k", 1)
    assert code(await ann.subscribe("per:1", **{"type": 1, **request_})) == expected
    assert not ann.session.flows and not yard.engine.core.flows and not ann.ended


async def test_a_map_without_changes_has_none_to_be_read(yard: Yard) -> None:
    ann = await yard.guest("ann")
    assert code(await ann.subscribe("eph:1", type=1, phase=1, recover=True, epoch="e")) == 107


async def test_pages_that_overlap_are_refused_and_a_first_one_begins_again(yard: Yard) -> None:
    for number in range(9):
        await put(yard, "eph:1", f"k{number}", number)
    ann = await yard.guest("ann")
    first = (await ann.subscribe("eph:1", type=1, phase=2))["subscribe"]
    second = (await ann.subscribe("eph:1", type=1, phase=2, cursor=first["cursor"]))["subscribe"]
    assert code(await ann.subscribe("eph:1", type=1, phase=2, cursor=first["cursor"])) == 113
    last = (await ann.subscribe("eph:1", type=1, phase=2, cursor=second["cursor"]))["subscribe"]
    assert not last.get("phase") and len(last["state"]) == 3
    bob = await yard.guest("bob")
    for _ in range(3):
        assert (await bob.subscribe("eph:1", type=1, phase=2))["subscribe"]["cursor"] == "k2"
    assert len(yard.engine.core.flows) == 1 and len(yard.engine.core.rooms["eph:1"].taps) == 1
    bob.session.close()
    assert not yard.engine.core.flows and yard.engine.core.rooms["eph:1"].taps == []


async def test_who_takes_too_long_for_the_pages_is_too_slow(yard: Yard) -> None:
    for number in range(9):
        await put(yard, "eph:1", f"k{number}", number)
    ann, bob = await yard.guest("ann"), await yard.guest("bob")
    for visitor in (ann, bob):
        first = (await visitor.subscribe("eph:1", type=1, phase=2))["subscribe"]
    await bob.ask(unsubscribe={"channel": "eph:1"})
    yard.pass_time(6)
    yard.engine.sweep()
    await yard.settle()
    assert "eph:1" not in yard.engine.core.rooms, "nobody keeps anything for them"
    await ann.subscribe("eph:1", type=1, phase=2, cursor=first["cursor"])
    assert ann.ended == 3008
    assert "subscribe" in await bob.subscribe("eph:1", type=1, phase=2)


async def test_more_than_can_wait_during_the_pages_is_too_slow(yard: Yard) -> None:
    for number in range(4):
        await put(yard, "eph:1", f"k{number}", number)
    ann = await yard.guest("ann")
    first = (await ann.subscribe("eph:1", type=1, phase=2))["subscribe"]
    for number in range(REALTIME_MAP_BEHIND + 1):
        await put(yard, "eph:1", "k0", number)
    await ann.subscribe("eph:1", type=1, phase=2, cursor=first["cursor"])
    assert ann.ended == 3008


async def test_a_page_ends_where_it_has_so_many_bytes(yard: Yard) -> None:
    big = "x" * 300_000
    for number in range(3):
        await put(yard, "per:1", f"k{number}", big)
    ann = Mirror(yard, "per:1")
    await ann.come()
    assert [len(page["subscribe"]["state"]) for page in ann.pages] == [2, 1]
    ann.drop()
    for number in range(4):
        await put(yard, "per:1", f"n{number}", big)
    ann.pages.clear()
    await ann.come()
    changes = [len(page["subscribe"].get("publications", [])) for page in ann.pages]
    assert changes == [2, 2] and ann.recovered and len(ann.known) == 7


async def test_the_number_of_channels_holds_for_those_on_their_way(make: Make) -> None:
    made = make(
        RealtimeSettings(
            token=TokenSettings(hmac_secret=Secret(HMAC)), namespaces=NAMESPACES, channels_per_connection=2
        )
    )
    await made.engine.start()
    for number in range(9):
        await put(made, "per:1", f"k{number}", number)
    ann = await made.guest("ann")
    assert "subscribe" in await ann.subscribe("per:1", type=1, phase=2)
    assert "subscribe" in await ann.subscribe("per:2", type=1, phase=2)
    assert code(await ann.subscribe("per:3", type=1, phase=2)) == 106
    assert "subscribe" in await ann.subscribe("per:1", type=1, phase=2, cursor="k2")


async def test_a_filter_holds_for_pages_changes_and_what_comes(yard: Yard) -> None:
    await put(yard, "per:1", "a", 1, tags={"t": "x"})
    await put(yard, "per:1", "b", 2, tags={"t": "y"})
    ann = Mirror(yard, "per:1", tf={"key": "t", "cmp": "eq", "val": "x"})
    await ann.come()
    assert ann.known == {"a": 1}
    await put(yard, "per:1", "c", 3, tags={"t": "y"})
    await put(yard, "per:1", "d", 4, tags={"t": "x"})
    await ann.listen()
    await take(yard, "per:1", "a")
    await ann.listen()
    assert ann.known == {"d": 4}, "a removal has the tags of what it removes"
    ann.drop()
    await put(yard, "per:1", "e", 5, tags={"t": "x"})
    await put(yard, "per:1", "f", 6, tags={"t": "y"})
    await ann.come()
    assert ann.recovered and ann.known == {"d": 4, "e": 5}


async def test_deltas_are_between_values_of_one_key(yard: Yard) -> None:
    long = {"text": "word " * 40}
    await put(yard, "delta:1", "a", {**long, "n": 0})
    await put(yard, "delta:1", "b", {**long, "m": 0})
    ann, bob = Mirror(yard, "delta:1", delta="fossil"), Mirror(yard, "delta:1", user="bob")
    await ann.come()
    await bob.come()
    assert ann.delta and not bob.delta
    for number in range(1, 4):
        await put(yard, "delta:1", "a", {**long, "n": number})
        await put(yard, "delta:1", "b", {**long, "m": number})
    pushes = await ann.listen()
    assert all(push["pub"]["delta"] and len(push["pub"]["data"]) < 60 for push in pushes)
    await bob.listen()
    await take(yard, "delta:1", "a")
    await put(yard, "delta:1", "a", long)
    assert not (await ann.listen())[-1]["pub"].get("delta"), "its base is gone with the key"
    await bob.listen()
    ann.drop()
    for number in range(2):
        await put(yard, "delta:1", "b", {**long, "m": number})
    await ann.come()
    await bob.listen()
    told = ann.pages[-1]["subscribe"]["publications"]
    assert [each.get("delta", False) for each in told] == [False, True]
    assert ann.recovered and ann.known == bob.known == await there(yard, "delta:1")
    await put(yard, "delta:1", "b", {**long, "m": 9}, stream_data=b'{"m":9}')
    await put(yard, "delta:1", "b", {**long, "m": 10})
    pushes = await ann.listen()
    assert [push["pub"].get("delta", False) for push in pushes] == [False, False], "no common base"


async def test_a_map_that_is_emptied_begins_anew(yard: Yard) -> None:
    for namespace in ("eph", "per"):
        ann = Mirror(yard, f"{namespace}:1")
        await put(yard, ann.channel, "a", 1)
        await ann.come()
        await yard.broker.maps.clear(ann.channel)
        await put(yard, ann.channel, "b", 2)
        pushes = await ann.listen()
        assert pushes[0]["unsubscribe"]["code"] == 2502
        assert ann.known == {"b": 2}


@pytest.mark.parametrize("namespace", ["eph", "per"])
async def test_what_the_bus_has_lost_is_made_up(
    yard: Yard, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "REALTIME_BUS_S", 0.001)
    ann = Mirror(yard, f"{namespace}:1")
    await put(yard, ann.channel, "a", 1)
    await ann.come()
    subscriber, yard.broker.maps.subscriber = yard.broker.maps.subscriber, None
    await put(yard, ann.channel, "b", 2)
    yard.broker.maps.subscriber = subscriber
    yard.engine.core.on_gap(None)
    while yard.tasks:
        await asyncio.wait(yard.tasks)
    pushes = await ann.listen()
    assert pushes[-1]["unsubscribe"]["code"] == 2500
    assert ann.known == {"a": 1, "b": 2} and ann.recovered is (namespace == "per")
    yard.broker.maps.subscriber = None
    await put(yard, ann.channel, "c", 3)
    yard.broker.maps.subscriber = subscriber
    await put(yard, ann.channel, "d", 4)
    await ann.listen()
    assert ann.known == await there(yard, ann.channel), "what comes next shows that one is missing"


# --- what clients change ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "channel", "told", "expected"),
    [
        ("ann", "per:1", {"key": "k", "data": 1}, 0),
        ("ann", "per:1", {"key": "k", "removed": True}, 0),
        ("ann", "per:1", {"key": "", "data": 1}, 107),
        ("ann", "per:1", {"key": "x" * (REALTIME_MAP_KEY_BYTES + 1), "data": 1}, 107),
        ("ann", "per:1", {"key": "k"}, 107),
        ("ann", "per:1", {"key": "k", "data": 1, "type": 2}, 108),
        ("ann", "per:1", {"key": "k", "data": 1, "type": 0}, 107),
        ("ann", "game:1", {"key": "k", "data": 1}, 108),
        ("ann", "clients:1", {"key": "k", "data": 1}, 103),
        ("ann", "nowhere:1", {"key": "k", "data": 1}, 102),
        ("ann", "read:1", {"key": "k", "data": 1}, 103),
        ("ann", "read:1", {"key": "k", "removed": True}, 103),
        ("ann", "member:1", {"key": "k", "data": 1}, 103),
        ("", "per:1", {"key": "k", "data": 1}, 0),
        ("", "per:1", {"key": "k", "removed": True}, 103),
        ("", "mine:1", {"key": "k", "data": 1}, 107),
    ],
)
async def test_who_may_change_what(
    yard: Yard, user: str, channel: str, told: dict[str, Any], expected: int
) -> None:
    visitor = await yard.guest(user)
    assert code(await visitor.ask(publish={"channel": channel, "type": 1, **told})) == expected


async def test_subscribers_may_change_what_they_see(yard: Yard) -> None:
    ann = Mirror(yard, "member:1")
    await ann.come()
    assert ann.visitor is not None
    assert code(await say(ann.visitor, "member:1", "k", 1)) == 0
    assert await there(yard, "member:1") == {"k": 1}
    assert code(await say(ann.visitor, "member:1", "k", removed=True)) == 0
    assert await there(yard, "member:1") == {}


async def test_a_clients_own_key_is_its_own_and_goes_with_it(yard: Yard) -> None:
    ann, bob = Mirror(yard, "own:1"), Mirror(yard, "own:1", user="bob")
    await ann.come()
    await bob.come()
    assert ann.visitor is not None and bob.visitor is not None
    own = ann.visitor.session.caller.client
    await say(ann.visitor, "own:1", "what bob has", {"x": 1})
    pushes = await bob.listen()
    assert pushes[0]["pub"]["key"] == own and pushes[0]["pub"]["info"]["user"] == "ann"
    await ann.visitor.ask(unsubscribe={"channel": "own:1"})
    await bob.listen()
    assert bob.known == {}
    await say(bob.visitor, "mine:1", "ignored", 5)
    assert await there(yard, "mine:1") == {"bob": 5}


async def test_who_is_there_is_a_map(yard: Yard) -> None:
    clients, users = Mirror(yard, "clients:game:1"), Mirror(yard, "users:game:1")
    for mirror in (clients, users):
        mirror.asked = {}
        mirror.visitor = await yard.guest("eve")
    kinds = {"clients:game:1": 2, "users:game:1": 3}
    for mirror in (clients, users):
        assert mirror.visitor is not None
        reply = await mirror.visitor.subscribe(mirror.channel, type=kinds[mirror.channel], phase=2)
        assert "state" not in reply["subscribe"]
    ann, twin = await yard.member("game:1", "ann"), await yard.member("game:1", "ann")
    anonymous = await yard.member("game:1")
    joined = await clients.visitor_pushes()
    assert [push["pub"]["key"] for push in joined] == [
        visitor.session.caller.client for visitor in (ann, twin, anonymous)
    ]
    assert joined[0]["pub"]["info"]["user"] == "ann" and joined[0]["pub"]["data"] is None
    assert [push["pub"]["key"] for push in await users.visitor_pushes()] == ["ann"], "once for both"
    for _ in range(100):
        yard.pass_time(1)
        yard.engine.sweep()
    await yard.settle()
    assert await clients.visitor_pushes() == [], "who stays is told again in silence"
    ann.session.close()
    assert (await clients.visitor_pushes())[0]["pub"]["removed"]
    twin.session.close()
    await clients.visitor_pushes()
    assert await users.visitor_pushes() == []
    for _ in range(70):
        yard.pass_time(1)
        yard.engine.sweep()
    await yard.settle()
    gone = await users.visitor_pushes()
    assert [(push["pub"]["key"], push["pub"]["removed"]) for push in gone] == [("ann", True)]
    assert await yard.broker.maps.count("clients:game:1") == 1, "the anonymous one is still there"


async def test_keys_whose_time_is_over_are_removed_for_everybody(yard: Yard) -> None:
    ann = Mirror(yard, "rec:1")
    await put(yard, "rec:1", "a", 1)
    await ann.come()
    yard.pass_time(40)
    await put(yard, "rec:1", "b", 2)
    yard.pass_time(21)
    yard.engine.sweep()
    assert (await ann.listen())[-1]["pub"] == {"data": None, "offset": 3, "key": "a", "removed": True}
    ann.drop()
    yard.pass_time(40)
    yard.engine.sweep()
    await ann.come()
    assert ann.recovered and ann.known == {} == await there(yard, "rec:1")


async def test_a_stream_and_a_map_do_not_mix(yard: Yard) -> None:
    ann = await yard.guest("ann")
    assert code(await ann.subscribe("game:1", type=1, phase=2)) == 103
    assert code(await ann.subscribe("per:1")) == 103


# --- after any mix ------------------------------------------------------------------------------------------

KEYS = st.sampled_from("abcdef")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 9)),
        st.tuples(st.just("take"), KEYS, st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.sampled_from([1, 20, 61])),
        st.tuples(st.just("drop"), st.just(""), st.just(0)),
        st.tuples(st.just("come"), st.just(""), st.just(0)),
        st.tuples(st.just("clear"), st.just(""), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["eph", "rec", "per", "delta"]), STEPS)
async def test_who_recovers_equals_who_never_dropped(
    namespace: str, steps: list[tuple[str, str, int]]
) -> None:
    channel = f"{namespace}:1"
    yard = Yard(
        FakeClock(),
        RealtimeSettings(token=TokenSettings(hmac_secret=Secret(HMAC)), namespaces=NAMESPACES, ping_s=36000),
    )
    await yard.engine.start()
    asked = {"delta": "fossil"} if namespace == "delta" else {}
    steady, loose = Mirror(yard, channel, **asked), Mirror(yard, channel, user="bob", **asked)
    await steady.come()
    await loose.come()
    for kind, key, value in steps:
        if kind == "put":
            await put(yard, channel, key, {"text": "same " * 9, "value": value})
        elif kind == "take":
            await take(yard, channel, key)
        elif kind == "clear":
            await yard.broker.maps.clear(channel)
        elif kind == "wait":
            yard.pass_time(value)
            yard.engine.sweep()
        elif kind == "drop" and loose.visitor is not None:
            loose.drop()
        elif kind == "come" and loose.visitor is None:
            await loose.come()
        await steady.listen()
        if loose.visitor is not None:
            await loose.listen()
    if loose.visitor is None:
        await loose.come()
    await steady.listen()
    assert loose.known == steady.known == await there(yard, channel)
    assert steady.offsets == sorted(set(steady.offsets)) or any(kind == "clear" for kind, _, _ in steps)
    for mirror in (steady, loose):
        mirror.drop()
    await yard.settle()
    assert not yard.engine.core.rooms and not yard.engine.core.flows
    await yard.engine.close()

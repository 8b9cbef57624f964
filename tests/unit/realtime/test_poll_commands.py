"""Shared polls: who may track what, what they are told, and when the backend is asked."""

import asyncio
import json
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.realtime.conftest import Make, Yard
from tests.unit.realtime.polls import (
    CHANNEL,
    Backend,
    batch,
    bind,
    settings_with,
    sign,
    viewer,
)

from madang.base.limits import REALTIME_POLL_KEY_BYTES
from madang.protocols.centrifugo import fossil
from madang.realtime import poll_commands, poll_items
from madang.realtime.gate import ServerSubscription
from madang.realtime.poll_items import Budget, Change, Items, Listener, Tracking, Value, Wanted
from madang.realtime.ports import ReplyError, Target
from madang.realtime.settings import RealtimeSettings


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
async def polled(make: Make, settings: RealtimeSettings, backend: Backend) -> Yard:
    yard = make(settings_with(settings))
    await yard.engine.start()
    bind(yard, backend)
    return yard


def code(reply: dict[str, Any]) -> int:
    return int(reply.get("error", {}).get("code", 0))


async def test_values_are_asked_for_at_once_and_then_once_an_interval(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"1")
    ann, bob = await viewer(polled), await viewer(polled)
    assert await ann.track(batch("a", "b")) == {}
    assert await ann.told() == [("a", 1, 1)]
    assert backend.asked == [[("a", None), ("b", None)]], "one question, without versions"
    assert await bob.track(batch("a")) == {}
    assert await bob.told() == [("a", 1, 1)], "who comes later is told at once too"
    assert await ann.told() == []
    backend.put("a", b"2")
    backend.put("b", b'"new"')
    asked = len(backend.asked)
    polled.pass_time(9)
    assert await ann.told() == []
    polled.pass_time(2)
    assert await ann.told() == [("a", 2, 2), ("b", "new", 3)]
    assert await bob.told() == [("a", 2, 2)]
    assert len(backend.asked) == asked + 1, "once for all"
    polled.pass_time(11)
    assert await ann.told() == [], "nothing has changed"


async def test_a_subscription_says_its_type_and_epoch(polled: Yard, backend: Backend) -> None:
    visitor = await polled.guest()
    reply = (await visitor.subscribe(CHANNEL, type=4))["subscribe"]
    assert reply["type"] == 4 and len(reply["epoch"]) == 8
    other = await polled.guest()
    assert (await other.subscribe(CHANNEL, type=4))["subscribe"]["epoch"] == reply["epoch"]
    assert code(await other.subscribe("votes:2")) == 103, "the type is the namespace's"
    assert code(await other.subscribe("open:1", type=4)) == 103


async def test_only_signed_keys_are_tracked(polled: Yard) -> None:
    ann = await viewer(polled, "ann")
    now = int(polled.clock.wall())
    assert code(await ann.track(batch("a"))) == 103, "signed for somebody else"
    assert code(await ann.track({"signature": "", "items": [{"key": "a"}]})) == 103
    assert code(await ann.track(batch("a", user="ann", channel="votes:2"))) == 103
    assert code(await ann.track(batch("a", user="ann", secret="another"))) == 103
    good = batch("a", "b", user="ann")
    assert code(await ann.track({**good, "items": good["items"][:1]})) == 103, "of fewer keys"
    assert code(await ann.track({**good, "items": good["items"][::-1]})) == 103, "in another order"
    assert code(await ann.track(batch("a", user="ann", expires=now - 6))) == 109
    assert code(await ann.track(good, batch("c", user="ann", expires=now - 6))) == 109, "all or nothing"
    assert await ann.track(batch("a", user="ann", expires=now - 4)) == {"expires": True}, "the grace"
    assert await ann.track(batch("a", user="ann", expires=now + 60)) == {"expires": True, "ttl": 60}
    both = batch("b", user="ann", expires=now + 90), batch("c", user="ann", expires=now + 30)
    assert await ann.track(*both) == {"expires": True, "ttl": 30}, "the earliest"
    assert await ann.track(good) == {}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"type": 1}, 107),
        ({"type": 1, "track": [{"signature": sign([]), "items": []}]}, 107),
        ({"type": 1, "track": [batch("")]}, 107),
        ({"type": 1, "track": [batch("x" * (REALTIME_POLL_KEY_BYTES + 1))]}, 107),
        ({"type": 2}, 107),
        ({"type": 3}, 108),
        ({"type": 2, "untrack": ["never tracked"]}, 0),
    ],
)
async def test_bad_requests(polled: Yard, request_: dict[str, Any], expected: int) -> None:
    ann = await viewer(polled)
    assert code(await ann.ask(sub_refresh={"channel": CHANNEL, **request_})) == expected
    stranger = await polled.guest()
    asked = {"channel": CHANNEL, "type": 1, "track": [batch("a")]}
    assert code(await stranger.ask(sub_refresh=asked)) == 103, "who is not subscribed"
    streaming = await polled.member("open:1")
    asked = {"channel": "open:1", "type": 1, "track": [batch("a", channel="open:1")]}
    assert code(await streaming.ask(sub_refresh=asked)) == 107, "a channel of another type"


async def test_a_connection_tracks_so_many_keys(polled: Yard, backend: Backend) -> None:
    bind(polled, backend, max_keys_per_connection=3)
    ann = await viewer(polled)
    assert await ann.track(batch("a", "b", "c")) == {}
    assert code(await ann.track(batch("d"))) == 106
    assert await ann.track(batch("a", "b", "c")) == {}, "the same again"
    assert await ann.track(batch("a", "d"), untrack=["b"]) == {}, "one goes, one comes"
    assert await ann.track(batch("e", "f"), untrack=["e", "a"]) == {}


async def test_what_is_untracked_is_not_told(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"1")
    backend.put("b", b"1")
    ann = await viewer(polled)
    await ann.track(batch("a", "b"), untrack=["b"])
    assert await ann.told() == [("a", 1, 1)]
    reply = await ann.ask(sub_refresh={"channel": CHANNEL, "type": 2, "untrack": ["a"]})
    assert reply["sub_refresh"] == {}
    backend.put("a", b"2")
    asked = len(backend.asked)
    polled.pass_time(30)
    assert await ann.told() == [] and len(backend.asked) == asked, "nobody is asked for what nobody wants"
    assert polled.engine.core.polls.budget.keys == 0


async def test_who_has_a_version_is_told_what_is_newer(polled: Yard, backend: Backend) -> None:
    bind(polled, backend, mode="versioned")
    backend.put("a", b"1", 7)
    ann, bob = await viewer(polled), await viewer(polled)
    await ann.track(batch("a", versions={"a": 7}))
    await polled.settle()
    assert backend.asked == [], "who has something waits for the next round"
    polled.pass_time(11)
    assert await ann.told() == [] and backend.asked == [[("a", 0)]]
    await bob.track(batch("a", versions={"a": 6}))
    assert await bob.told() == [("a", 1, 7)] and await ann.told() == []
    assert backend.asked[-1] == [("a", 0)], "asked as if nothing were known, so that data come"
    backend.put("a", b"2", 9)
    polled.pass_time(11)
    assert await ann.told() == await bob.told() == [("a", 2, 9)]
    assert backend.asked[-1] == [("a", 7)]
    backend.put("a", b"3", 8)
    polled.pass_time(11)
    assert await ann.told() == [], "an older version"


async def test_removed_keys_are_gone(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"1")
    ann, bob = await viewer(polled), await viewer(polled)
    await ann.track(batch("a"))
    await bob.track(batch("a"))
    await ann.told(), await bob.told()
    backend.has["a"] = Value("a", removed=True)
    polled.pass_time(11)
    assert await ann.told() == await bob.told() == [("a", "removed")]
    asked = len(backend.asked)
    polled.pass_time(30)
    await polled.settle()
    assert len(backend.asked) == asked and polled.engine.core.polls.budget.keys == 0
    backend.put("a", b"3")
    await ann.track(batch("a"))
    assert await ann.told() == [("a", 3, 2)], "it may come back, above the versions of before"


async def test_expired_keys_are_let_go_silently(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"1")
    backend.put("b", b"1")
    ann = await viewer(polled)
    expires = int(polled.clock.wall()) + 10
    await ann.track(batch("a", expires=expires), batch("b"))
    await ann.told()
    polled.pass_time(34)
    await ann.track(batch("b", versions={"b": 9}))
    backend.put("a", b"2")
    polled.pass_time(3)
    await polled.settle()
    assert polled.engine.core.polls.budget.keys == 1
    polled.pass_time(11)
    assert await ann.told() == [] and backend.asked[-1] == [("b", None)]


async def test_a_renewed_signature_keeps_its_keys(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"1")
    ann = await viewer(polled)
    await ann.track(batch("a", expires=int(polled.clock.wall()) + 10))
    await ann.told()
    polled.pass_time(9)
    await ann.track(batch("a", versions={"a": 1}, expires=int(polled.clock.wall()) + 300))
    polled.pass_time(60)
    backend.put("a", b"2")
    polled.pass_time(11)
    assert await ann.told() == [("a", 2, 2)]


async def test_many_keys_go_in_batches_spread_over_the_interval(polled: Yard, backend: Backend) -> None:
    bind(polled, backend, refresh_batch_size=2, refresh_interval_s=9.0)
    ann = await viewer(polled)
    await ann.track(batch(*"abcde", versions=dict.fromkeys("abcde", 1)))
    assert backend.asked == []
    polled.pass_time(9.5)
    await polled.settle()
    assert [[key for key, _ in asked] for asked in backend.asked] == [["a", "b"]]
    polled.pass_time(3.5)
    await polled.settle()
    assert len(backend.asked) == 2
    polled.pass_time(3.5)
    await polled.settle()
    assert [[key for key, _ in asked] for asked in backend.asked] == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_slow_backend_is_not_asked_again_meanwhile(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"1")
    ann = await viewer(polled)
    await ann.track(batch("a", versions={"a": 1}))
    backend.opens = asyncio.Event()
    polled.pass_time(50)
    await polled.settle()
    polled.pass_time(50)
    await polled.settle()
    assert len(backend.asked) == 1
    backend.opens.set()
    await polled.settle()
    backend.put("a", b"2")
    polled.pass_time(1)
    assert await ann.told() == [("a", 2, 2)], "the next round was due"


async def test_a_failing_backend_is_left_alone_for_longer(polled: Yard, backend: Backend) -> None:
    backend.fails = True
    ann = await viewer(polled)
    await ann.track(batch("a"))
    times: list[int] = []
    for second in range(200):
        polled.pass_time(1)
        await polled.settle()
        times += [second] * (len(backend.asked) - len(times))
    gaps = [late - early for early, late in zip(times[1:], times[2:], strict=False)]
    assert gaps == sorted(gaps) and gaps[-1] >= 60 > gaps[0] >= 20
    assert polled.engine.core.counters.poll_errors == len(backend.asked)
    await ann.track(batch("b"))
    await polled.settle()
    assert polled.engine.core.counters.poll_errors == len(backend.asked), "a new key does not press it"
    backend.fails = False
    backend.put("b", b"1")
    polled.pass_time(61)
    assert await ann.told() == [("b", 1, 1)]
    asked = len(backend.asked)
    polled.pass_time(11)
    await polled.settle()
    assert len(backend.asked) == asked + 1, "and then as often as ever"


async def test_a_fault_of_ours_is_logged_and_polls_go_on(
    polled: Yard, backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backend.put("a", b"1")
    ann = await viewer(polled)
    with monkeypatch.context() as patched:
        patched.setattr(poll_items.Items, "take", None)
        await ann.track(batch("a"))
    assert await ann.told() == [] and polled.engine.core.counters.handler_errors == 1
    assert "a poll of votes:1 failed" in caplog.text
    polled.pass_time(21)
    assert await ann.told() == [("a", 1, 1)]


async def test_an_old_answer_does_not_undo_a_newer_one(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"1")
    ann, bob = await viewer(polled), await viewer(polled)
    await ann.track(batch("a", versions={"a": 1}))
    backend.opens = asyncio.Event()
    polled.pass_time(11)
    await polled.settle()
    late, backend.opens = backend.opens, None
    backend.put("a", b"2")
    await bob.track(batch("a"))
    assert await bob.told() == [("a", 2, 1)]
    late.set()
    assert await bob.told() == [] and await ann.told() == []


async def test_published_values_go_at_once(polled: Yard, backend: Backend) -> None:
    bind(polled, backend, mode="versioned", publish_enabled=True)
    backend.put("a", b"1", 1)
    ann = await viewer(polled)
    await ann.track(batch("a", "b"))
    await ann.told()
    await polled.engine.publish_poll(CHANNEL, Value("a", b"5", 5), "")
    await polled.engine.publish_poll(CHANNEL, Value("a", b"4", 4), "")
    await polled.engine.publish_poll(CHANNEL, Value("unknown", b"4", 4), "")
    await polled.engine.publish_poll("votes:nobody", Value("a", b"4", 4), "")
    assert await ann.told() == [("a", 5, 5)]
    polled.pass_time(11)
    await polled.settle()
    assert backend.asked[-1] == [("b", 0)], "the next round leaves out what is fresh"
    polled.pass_time(11)
    await polled.settle()
    assert backend.asked[-1] == [("a", 5), ("b", 0)]
    assert await ann.told() == [], "an older answer changes nothing"


async def test_another_epoch_begins_anew(polled: Yard, backend: Backend) -> None:
    bind(polled, backend, mode="versioned", publish_enabled=True)
    backend.put("a", b"1", 100)
    backend.epoch = "first"
    ann = await viewer(polled)
    await ann.track(batch("a"))
    await polled.settle()
    (push,) = await ann.pushes()
    assert push["unsubscribe"]["code"] == 2500, "it was told no such epoch"
    assert (await ann.subscribe())["epoch"] == "first"
    await ann.track(batch("a"))
    assert await ann.told() == [("a", 1, 100)]
    await polled.engine.publish_poll(CHANNEL, Value("a", b"2", 1), "second")
    await polled.settle()
    (push,) = await ann.pushes()
    assert push["unsubscribe"]["code"] == 2500
    backend.epoch = "second"
    backend.put("a", b"2", 1)
    assert (await ann.subscribe())["epoch"] == "second"
    await ann.track(batch("a"))
    assert await ann.told() == [("a", 2, 1)]


async def test_what_is_kept_is_told_with_the_reply_and_makes_deltas(polled: Yard, backend: Backend) -> None:
    bind(polled, backend, keep_latest_data=True, allowed_delta_types=("fossil",))
    before = json.dumps({"story": "once upon a time there was a yard " * 4, "votes": 1}).encode()
    after = before.replace(b"1", b"2")
    backend.put("a", before)
    ann, bob = await viewer(polled, delta="fossil"), await viewer(polled)
    await ann.track(batch("a"))
    assert await ann.told() == [("a", before.decode(), 1)], "text, for deltas to come"
    asked = len(backend.asked)
    reply = await bob.track(batch("a"))
    assert reply["items"] == [{"data": json.loads(before), "key": "a", "version": 1}]
    assert len(backend.asked) == asked, "nobody was asked"
    backend.put("a", after)
    polled.pass_time(11)
    await polled.settle()
    (push,) = await ann.pushes()
    assert push["pub"]["delta"] and len(push["pub"]["data"]) < 40
    assert fossil.apply(before, push["pub"]["data"].encode()) == after
    assert await bob.told() == [("a", json.loads(after), 2)]
    kept = polled.engine.core.polls.budget.bytes
    assert kept == len(after)
    for visitor in (ann, bob):
        visitor.visitor.session.close()
    assert polled.engine.core.polls.budget.bytes == 0


async def test_a_channel_outlasts_its_last_subscription_for_a_while(polled: Yard, backend: Backend) -> None:
    ann = await polled.guest()
    epochs = []
    for wait_s in (0.5, 3.0, 0.0):
        epochs.append((await ann.subscribe(CHANNEL, type=4))["subscribe"]["epoch"])
        await ann.ask(unsubscribe={"channel": CHANNEL})
        polled.pass_time(wait_s)
    assert epochs[0] == epochs[1] != epochs[2]


async def test_data_that_are_no_json_end_a_json_connection(polled: Yard, backend: Backend) -> None:
    backend.put("a", b"\xff")
    ann = await viewer(polled)
    await ann.track(batch("a"))
    await polled.settle()
    assert ann.visitor.ended == 3506


async def test_presence_is_of_who_is_subscribed(polled: Yard, backend: Backend) -> None:
    ann = await viewer(polled, "ann")
    assert polled.engine.subscribers(CHANNEL) == 1
    await ann.ask(unsubscribe={"channel": CHANNEL})
    assert polled.engine.subscribers(CHANNEL) == 0


async def test_the_server_makes_no_such_subscriptions(polled: Yard) -> None:
    await polled.guest("ann")
    with pytest.raises(ReplyError) as caught:
        await polled.engine.subscribe(Target(user="ann"), CHANNEL, ServerSubscription())
    assert caught.value.number == 107
    claimed = polled.visitor()
    await claimed.connect(token=polled.token("bob", channels=[CHANNEL]))
    assert claimed.ended == 3501


async def test_a_server_follows_so_many_keys(polled: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll_commands, "REALTIME_POLL_KEYS", 3)
    ann, bob = await viewer(polled), await viewer(polled)
    assert await ann.track(batch("a", "b")) == {}
    assert code(await bob.track(batch("c", "d"))) == 106
    assert await bob.track(batch("c")) == {}


async def test_what_is_too_much_to_keep_is_told_all_the_same(
    polled: Yard, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll_items, "REALTIME_POLL_KEPT_BYTES", 4)
    bind(polled, backend, keep_latest_data=True)
    backend.put("a", b"1111")
    backend.put("b", b"2222")
    ann, bob = await viewer(polled), await viewer(polled)
    await ann.track(batch("a", "b"))
    assert sorted(await ann.told()) == [("a", 1111, 1), ("b", 2222, 2)]
    assert polled.engine.core.polls.budget.bytes == 4
    assert len((await bob.track(batch("a", "b")))["items"]) == 1, "what is kept"
    assert await bob.told() == [("b", 2222, 2)], "and what the backend is asked for"
    polled.pass_time(11)
    assert await ann.told() == await bob.told() == []
    backend.put("b", b"2")
    polled.pass_time(11)
    assert await ann.told() == await bob.told() == [("b", 2, 3)]


STEPS = st.sampled_from(["track", "untrack", "put", "drop", "poll", "publish"])


@given(st.lists(st.tuples(STEPS, st.integers(0, 1))))
def test_whatever_happens_nobody_is_left_with_an_old_value(steps: list[tuple[str, int]]) -> None:
    """Two connections, one key of versions that rise: who tracks it knows the newest that was told to any."""
    items, versions = Items(Budget()), count(1)
    trackings = [Tracking(cast(Listener, None), "", delta=False) for _ in range(2)]
    newest, known, number = 0, [0, 0], 0

    def tell(change: Change | None) -> None:
        item = items.get("a")
        if change is None or item is None:
            return
        for tracking, tracked in item.followers.items():
            if tracked.version < change.version:
                tracked.version = known[trackings.index(tracking)] = change.version

    for step, which in steps:
        tracking = trackings[which]
        if step == "track":
            item = items.follow(tracking, Wanted("a", known[which], 0.0))
            item.unsure = item.unsure or not known[which] or item.version > known[which]
        elif step == "untrack":
            items.unfollow(tracking, ["a"])
        elif step == "drop":
            items.unfollow(tracking, ["a"])
            known[which] = 0
        elif step == "put":
            newest = next(versions)
        elif step == "publish":
            newest = next(versions)
            tell(items.put(Value("a", b"1", newest), keeps=False))
        elif newest:
            number += 1
            for change in items.take([Value("a", b"1", newest)], number, counts=True, keeps=False):
                tell(change)
            for each in trackings:
                assert "a" not in each.keys or known[trackings.index(each)] == newest
    for each in trackings:
        items.unfollow(each, ["a"])
    assert len(items) == 0

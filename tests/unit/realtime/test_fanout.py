"""What subscribers get: once, in order, in ticks, with deltas and filters; the slow lose what may be lost."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import FakeClock
from tests.unit.realtime.conftest import HMAC, NAMESPACES, Visitor, Yard

from madang.base.limits import REALTIME_KEPT_BYTES, REALTIME_PLAIN_BYTES, REALTIME_RECOVERY
from madang.base.secret import Secret
from madang.protocols.centrifugo import fossil
from madang.realtime import wires
from madang.realtime.publication import Position, Publication, Weight
from madang.realtime.settings import RealtimeSettings, TokenSettings


async def test_publications_of_one_tick_are_one_write(yard: Yard) -> None:
    guests = [await yard.member("plain:1") for _ in range(3)]
    await yard.publish("plain:1", 1, 2, 3)
    before = [len(guest.link.pipe.written) for guest in guests]
    for guest in guests:
        assert await guest.publications() == [1, 2, 3]
    assert [len(guest.link.pipe.written) - count for guest, count in zip(guests, before, strict=True)] == [
        1
    ] * 3
    assert len({guest.link.pipe.written[-1] for guest in guests}) == 1


async def test_bytes_are_the_same_object_for_all(yard: Yard) -> None:
    guests = [await yard.member("plain:1") for _ in range(3)]
    await yard.publish("plain:1", 1)
    await yard.settle()
    assert len({id(guest.link.pipe.written[-1]) for guest in guests}) == 1


async def test_who_joins_inside_a_tick_gets_only_what_comes_after(yard: Yard) -> None:
    first = await yard.member("open:1")
    late = await yard.guest()
    await yard.publish("open:1", 1)
    late.session.on_message('{"id":9,"subscribe":{"channel":"open:1","recoverable":true}}')
    await yard.publish("open:1", 2)
    assert await first.publications() == [1, 2]
    heard = late.heard()
    assert heard[0]["subscribe"]["offset"] == 1
    assert [each["push"]["pub"]["data"] for each in heard[1:]] == [2]


async def test_large_rooms_are_written_to_in_slices(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("madang.realtime.room.REALTIME_SLICE", 20)
    guests = [await yard.member("plain:1") for _ in range(70)]
    leaver = guests[60]
    await yard.publish("plain:1", 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaver.session.leave("plain:1")
    await yard.publish("plain:1", 2)
    joiner = await yard.member("plain:1")
    async with asyncio.timeout(60):
        while len(await guests[-1].publications()) < 1:
            pass
        while yard.engine.core.rooms["plain:1"].groups and any(
            group.pending for group in yard.engine.core.rooms["plain:1"].groups.values()
        ):
            await asyncio.sleep(0.01)
    await yard.settle()
    told = [json.loads(b"[" + b",".join(_data(guest)) + b"]") for guest in guests if guest is not leaver]
    assert all(each == [1, 2] for each in told)
    assert 2 not in [json.loads(each) for each in _data(leaver)]
    assert len(_data(joiner)) <= 1


def _data(guest: Visitor) -> list[bytes]:
    """Data of all publications that were ever written."""
    written = b"".join(guest.link.pipe.written)
    return [part.split(b"}", 1)[0] for part in written.split(b'"pub":{"data":')[1:]]


async def test_protobuf_and_json_in_one_room(yard: Yard) -> None:
    text, binary = await yard.member("plain:1"), yard.visitor(wires.SOCKET_BINARY)
    binary.session.on_message(b"\x04\x08\x01\x22\x00" + b"\x0d\x08\x02\x2a\x09\x0a\x07plain:1")
    await yard.settle()
    binary.heard()
    await yard.publish("plain:1", {"a": 1})
    assert await text.publications() == [{"a": 1}]
    (told,) = binary.heard()
    assert told["binary"] == b'\x22\x15\x12\x07plain:1\x22\x0a\x22\x08{"a": 1}'


async def test_what_is_no_json_ends_json_connections(yard: Yard) -> None:
    text = await yard.member("plain:1")
    await yard.engine.publish("plain:1", b"\xff\x00")
    await yard.settle()
    assert text.ended == 3506


async def test_line_breaks_do_not_break_lines(yard: Yard) -> None:
    guest = await yard.member("plain:1")
    await yard.engine.publish("plain:1", b'{\n  "a": 1\r\n}')
    assert await guest.publications() == [{"a": 1}]


async def test_deltas(yard: Yard) -> None:
    first = await yard.member("open:1", delta="fossil", recoverable=True)
    items = [{"n": n, "story": "long and always the same " * 20} for n in range(4)]
    await yard.publish("open:1", *items[:2])
    second = await yard.member("open:1", delta="fossil", recoverable=True)
    await yard.publish("open:1", *items[2:])
    await yard.settle()
    told = [push["pub"] for push in first.pushes() if "pub" in push]
    assert [pub.get("delta", False) for pub in told] == [False, True, True, True]
    assert _rebuilt(told) == items
    later = [push["pub"] for push in second.pushes() if "pub" in push]
    assert [pub.get("delta", False) for pub in later] == [False, True]
    assert _rebuilt(later) == items[2:]


def _rebuilt(publications: list[dict[str, Any]]) -> list[Any]:
    base, found = b"", []
    for pub in publications:
        text = pub["data"].encode()
        base = fossil.apply(base, text) if pub.get("delta") else text
        found.append(json.loads(base))
    return found


async def test_deltas_after_a_recovery_build_on_it(yard: Yard) -> None:
    epoch = (await yard.member("open:1", recoverable=True)).yard.engine.core.rooms["open:1"].top
    assert epoch is not None
    items = [{"n": n, "story": "long and always the same " * 20} for n in range(5)]
    keeper = await yard.member("open:1", delta="fossil", recoverable=True)
    await yard.publish("open:1", *items[:4])
    await yard.settle()
    back = await yard.guest()
    reply = await back.subscribe(
        "open:1", delta="fossil", recoverable=True, recover=True, offset=1, epoch=epoch.epoch
    )
    told = reply["subscribe"]["publications"]
    assert [pub.get("delta", False) for pub in told] == [False, True, True]
    await yard.publish("open:1", items[4])
    await yard.settle()
    live = [push["pub"] for push in back.pushes() if "pub" in push]
    assert live[0]["delta"] and _rebuilt([*told, *live]) == items[1:]
    assert len(await keeper.publications()) == 5


async def test_a_filter_is_evaluated_for_all_who_share_it(yard: Yard) -> None:
    goals = {"key": "kind", "cmp": "eq", "val": "goal"}
    some = [await yard.member("open:1", tf=goals) for _ in range(2)]
    everyone = await yard.member("open:1")
    await yard.publish("open:1", 1, tags={"kind": "goal"})
    await yard.publish("open:1", 2, tags={"kind": "card"})
    assert [await guest.publications() for guest in (*some, everyone)] == [[1], [1], [1, 2]]
    assert len(yard.engine.core.rooms["open:1"].groups) == 2
    plain = await yard.guest()
    assert (await plain.subscribe("plain:1", tf=goals))["error"]["code"] == 107
    assert (await plain.subscribe("open:2", tf={"key": "x"}))["error"]["code"] == 107


async def returned(yard: Yard, offset: int, epoch: str, **more: Any) -> dict[str, Any]:
    """The reply to somebody who comes back to open:1 from this position."""
    guest = await yard.guest()
    more = {"recoverable": True, "recover": True, **more}
    return await guest.subscribe("open:1", offset=offset, epoch=epoch, **more)


# --- recovery --------------------------------------------------------------------------------------------


async def test_recovery_beyond_its_bound_is_a_gap(yard: Yard) -> None:
    keeper = await yard.member("open:1", recoverable=True)
    top = yard.engine.core.rooms["open:1"].top
    assert top is not None
    for number in range(REALTIME_RECOVERY + 1):
        await yard.publish("open:1", number)
    await yard.settle()
    epoch, results = top.epoch, []
    for offset in (0, 1, REALTIME_RECOVERY + 1, REALTIME_RECOVERY + 2):
        told = (await returned(yard, offset, epoch))["subscribe"]
        results.append((told.get("recovered", False), len(told.get("publications", [])), told["offset"]))
    last = REALTIME_RECOVERY + 1
    assert results == [(False, 0, last), (True, REALTIME_RECOVERY, 1), (True, 0, last), (False, 0, last)]
    assert "recovered" not in (await returned(yard, 1, "other"))["subscribe"]
    reply = await returned(yard, 1, "other", flag=2)
    assert reply["error"]["code"] == 112
    assert len(await keeper.publications()) == REALTIME_RECOVERY + 1


async def test_cache_recovery_brings_the_latest_alone(clock: FakeClock) -> None:
    cache = msgspec.structs.replace(NAMESPACES["open"], force_recovery=True, force_recovery_mode="cache")
    yard = Yard(clock, RealtimeSettings(namespaces={"cache": cache}, allow_anonymous=True))
    await yard.engine.start()
    await yard.publish("cache:1", 1, 2)
    guest = await yard.guest()
    told = (await guest.subscribe("cache:1", recover=True))["subscribe"]
    assert told["recovered"] and [each["data"] for each in told["publications"]] == [2]
    again = await yard.guest()
    told = (await again.subscribe("cache:1", recover=True, offset=2, epoch=told["epoch"]))["subscribe"]
    assert told["recovered"] and "publications" not in told


async def test_a_cache_is_recovered_without_being_asked(clock: FakeClock) -> None:
    cache = msgspec.structs.replace(
        NAMESPACES["open"], force_recovery=True, force_recovery_mode="cache", auto_cache_recover=True
    )
    yard = Yard(clock, RealtimeSettings(namespaces={"cache": cache}, allow_anonymous=True))
    await yard.engine.start()
    told = (await (await yard.guest()).subscribe("cache:1"))["subscribe"]
    assert not told.get("publications") and told["was_recovering"]
    await yard.publish("cache:1", 1, 2)
    told = (await (await yard.guest()).subscribe("cache:1"))["subscribe"]
    assert told["recovered"] and [each["data"] for each in told["publications"]] == [2]


async def test_deltas_without_history(clock: FakeClock) -> None:
    latest = msgspec.structs.replace(
        NAMESPACES["plain"],
        keep_latest_publication=True,
        allowed_delta_types=("fossil",),
        delta_publish=True,
    )
    yard = Yard(clock, RealtimeSettings(namespaces={"latest": latest}, allow_anonymous=True))
    await yard.engine.start()
    guest = await yard.guest()
    told = (await guest.subscribe("latest:1", delta="fossil"))["subscribe"]
    assert told["delta"] and not told.get("recoverable")
    items = [{"n": n, "story": "long and always the same " * 20} for n in range(3)]
    await yard.publish("latest:1", *items)
    await yard.settle()
    heard = [push["pub"] for push in guest.pushes()]
    assert [pub.get("delta", False) for pub in heard] == [False, True, True] and _rebuilt(heard) == items


async def test_redacted_text_is_nowhere_any_more(yard: Yard) -> None:
    guest = await yard.member("open:1", recoverable=True)
    await yard.publish("open:1", "bad", "good")
    assert await yard.engine.redact("open:1", 1, b'"gone"')
    assert await guest.publications() == ["gone", "good"]
    top = yard.engine.core.rooms["open:1"].top
    assert top is not None
    told = (await returned(yard, 0, top.epoch))["subscribe"]
    assert [each["data"] for each in told["publications"]] == ["gone", "good"]
    assert await yard.engine.redact("open:1", 2, b'"gone too"')
    told = (await returned(yard, 0, top.epoch))["subscribe"]
    assert [each["data"] for each in told["publications"]] == ["gone", "gone too"]


STEPS = st.lists(st.sampled_from(["publish", "drop", "return", "burst", "settle"]), max_size=25)


@given(STEPS)
@settings(max_examples=max(40, settings().max_examples))
async def test_a_client_that_drops_and_returns_has_what_one_has_that_never_dropped(steps: list[str]) -> None:
    kept = RealtimeSettings(
        token=TokenSettings(hmac_secret=Secret(HMAC)), namespaces=NAMESPACES, allow_anonymous=True
    )
    yard = Yard(FakeClock(), kept)
    await yard.engine.start()
    steady = await yard.member("open:1", recoverable=True)
    dropping: Visitor | None = await yard.member("open:1", recoverable=True)
    seen: list[Any] = []
    offset, epoch, count = 0, "", 0
    top = yard.engine.core.rooms["open:1"].top
    assert top is not None
    epoch = top.epoch

    def take(visitor: Visitor) -> None:
        nonlocal offset
        for push in visitor.pushes():
            if "pub" in push:
                seen.append(push["pub"]["data"])
                offset = push["pub"]["offset"]

    async def come_back() -> Visitor:
        visitor = await yard.guest()
        visitor.session.on_message(
            json.dumps({"id": 7, "subscribe": {"channel": "open:1", "recoverable": True, "recover": True,
                                                "offset": offset, "epoch": epoch}})
        )  # fmt: skip
        for each in visitor.heard():
            if "subscribe" in each:
                assert each["subscribe"]["recovered"]
                seen.extend(pub["data"] for pub in each["subscribe"].get("publications", []))
            elif "pub" in each.get("push", {}):
                seen.append(each["push"]["pub"]["data"])
        return visitor

    for step in [*steps, "return", "settle"]:
        if step == "publish" or step == "burst":
            for _ in range(1 if step == "publish" else 5):
                count += 1
                await yard.publish("open:1", count)
        elif step == "drop" and dropping is not None:
            take(dropping)
            dropping.session.close()
            dropping = None
        elif step == "return" and dropping is None:
            dropping = await come_back()
            offset = count
        elif step == "settle":
            await yard.settle()
            if dropping is not None:
                take(dropping)
    await yard.settle()
    assert dropping is not None
    take(dropping)
    assert seen == list(range(1, count + 1))
    assert await steady.publications() == list(range(1, count + 1))
    for room in yard.engine.core.rooms.values():
        room.close()


async def test_a_missing_publication_sends_the_positioned_away(yard: Yard) -> None:
    guest, plain = await yard.member("open:1", recoverable=True), await yard.member("open:1")
    server_side = await yard.guest("ann", subs={"open:1": {"override": {"force_recovery": {"value": True}}}})
    await yard.publish("open:1", 1)
    await yard.settle()
    guest.heard()
    top = yard.engine.core.rooms["open:1"].top
    assert top is not None
    yard.engine.core.on_publication("open:1", Publication(data=b"3", offset=3), Position(3, top.epoch))
    await yard.settle()
    assert guest.pushes()[0]["unsubscribe"] == {"code": 2500, "reason": "insufficient state"}
    assert server_side.ended == 3010 and not plain.ended and not guest.ended
    yard.engine.core.on_publication("open:1", Publication(data=b"3", offset=3), Position(3, top.epoch))
    assert (await plain.publications()) == [1, 3], "what is told twice is passed on once"


# --- slow readers ----------------------------------------------------------------------------------------


def full() -> bool:
    return False


async def test_a_slow_viewer_loses_plain_publications_and_nothing_else(yard: Yard) -> None:
    slow, quick = await yard.member("shed:1", "ann"), await yard.member("shed:1", "bob")
    slow.session.pause()
    size = 500
    count = REALTIME_PLAIN_BYTES * 4 // size
    for number in range(count):
        weight = Weight.KEPT if number % 20 == 0 else Weight.PLAIN
        mine = frozenset({"ann"}) if number % 30 == 1 else frozenset()
        await yard.publish("shed:1", {"n": number, "pad": "x" * size}, weight=weight, kept_for=mine)
        await yard.settle()
    assert not slow.ended and slow.heard() == []
    slow.session.resume(full)
    got = [each["n"] for each in await slow.publications()]
    assert {n for n in range(count) if n % 20 == 0 or n % 30 == 1} <= set(got)
    assert got == sorted(got) and len(got) < count and got[-1] == count - 1
    assert yard.engine.counters.shed == count - len(got)
    assert [each["n"] for each in await quick.publications()] == list(range(count))
    await yard.publish("shed:1", {"n": -1})
    assert [each["n"] for each in await slow.publications()] == [-1]


async def test_no_tick_sheds_more_than_it_brought(yard: Yard) -> None:
    slow = await yard.member("shed:1")
    slow.session.pause()
    counters, shed = yard.engine.counters, []
    for number in range(REALTIME_PLAIN_BYTES * 3 // 500):
        before = counters.shed
        await yard.publish("shed:1", {"n": number, "pad": "x" * 500})
        await yard.settle()
        shed.append(counters.shed - before)
    assert max(shed) == 1 and sum(shed) > len(shed) / 2
    slow.session.resume(full)
    got = [each["n"] for each in await slow.publications()]
    assert got == list(range(sum(shed), len(shed)))


async def test_what_must_not_be_lost_is_bounded_too(yard: Yard) -> None:
    slow = await yard.member("shed:1")
    slow.session.pause()
    for _ in range(REALTIME_KEPT_BYTES // 8000 + 2):
        await yard.publish("shed:1", "x" * 8000, weight=Weight.KEPT)
        await yard.settle()
    assert slow.ended == 3008 and yard.engine.counters.slow == 1


async def test_elsewhere_a_full_queue_ends_the_connection(yard: Yard) -> None:
    slow, quick = await yard.member("plain:1"), await yard.member("plain:1")
    slow.session.pause()
    for _ in range(140):
        await yard.publish("plain:1", "x" * 8000)
        await yard.settle()
    assert slow.ended == 3008 and not quick.ended
    assert len(await quick.publications()) == 140


async def test_what_is_held_goes_out_in_order_as_far_as_there_is_room(yard: Yard) -> None:
    slow = await yard.member("plain:1")
    slow.session.pause()
    await yard.publish("plain:1", *range(3))
    await yard.settle()
    await slow.ask(rpc={"method": "x"})
    slow.session.resume(lambda: True)
    assert slow.heard() == []
    slow.session.resume(full)
    heard = slow.heard()
    assert [each["push"]["pub"]["data"] for each in heard[:3]] == [0, 1, 2] and heard[3]["error"][
        "code"
    ] == 108
    assert slow.session.held is None


async def test_an_urgent_publication_does_not_wait_for_the_tick(clock: FakeClock) -> None:
    late = msgspec.structs.replace(NAMESPACES["plain"], batch_max_delay_s=3600.0, batch_max_size=4)
    yard = Yard(clock, RealtimeSettings(namespaces={"late": late}, allow_anonymous=True))
    await yard.engine.start()
    guest = await yard.member("late:1")
    await yard.publish("late:1", 1, 2)
    assert await guest.publications() == []
    await yard.publish("late:1", 3, weight=Weight.URGENT)
    assert await guest.publications() == [1, 2, 3]
    await yard.publish("late:1", 4, 5, 6)
    assert await guest.publications() == []
    await yard.publish("late:1", 7)
    assert await guest.publications() == [4, 5, 6, 7]

"""Live streams: what the hub tells becomes facts, rows, log lines and messages."""

import json
from typing import Any

from tests.harness.household import VIDEO, Household, household

from madang.control.abandoned import NOTE_S
from madang.control.rights import Actor
from madang.hub.audience import Audience
from madang.hub.registry import Registry
from madang.media.frame import Frame


async def _key(house: Household, owner: Actor, slug: str = "yard") -> str:
    channel = await house.channel(slug, owner, title="Dusk")
    return (await house.control.keys.create(owner, channel, "OBS")).value


async def _kinds(house: Household) -> list[str]:
    await house.control.book.flush()
    async with house.store.read() as work:
        found = await work.happenings.find(channel=house.control.house.channel("yard").id)
    return [h.kind for h in sorted(found, key=lambda h: h.id) if h.kind.startswith("stream.")]


def _brief(house: Household) -> str:
    return house.control.live.brief(house.control.house.channel("yard").id).state


async def test_a_stream_is_live_with_its_first_frame_and_not_before(house: Household, admin: Actor) -> None:
    from madang.base.secret import Secret
    from madang.hub.gate import PublishRequest

    value = await _key(house, admin)
    request = PublishRequest(door="rtmp", name="", key=Secret(value), peer="192.0.2.7")
    lease = await house.control.publish_gate.admit(request)
    publication = await house.registry.publish(lease, lambda code, told: None)
    assert _brief(house) == "offline"
    publication.tracks((VIDEO,))
    publication.frame(Frame(1, 0, 0, True, b"x"))
    assert _brief(house) == "live"
    publication.end("goodbye")
    assert _brief(house) == "offline"


async def test_a_reconnect_is_one_broadcast(house: Household, admin: Actor) -> None:
    value = await _key(house, admin)
    publication, _ = await house.publish(value)
    publication.lost("cable")
    assert _brief(house) == "reconnecting"
    facts = house.control.live.get(house.control.house.channel("yard"))
    assert facts.reconnect_by == house.clock.wall() + 20 and facts.bitrate_bps == 0
    house.clock.advance(4)
    again, _ = await house.publish(value)
    assert _brief(house) == "live"
    again.end("goodbye")
    assert await _kinds(house) == ["stream.began", "stream.lost", "stream.resumed", "stream.ended"]
    async with house.store.read() as work:
        (row,) = await work.broadcasts.find()
        resumed = (await work.happenings.find(kind="stream.resumed"))[0]
    assert row.ended_at == house.clock.wall() and row.end_reason == "goodbye" and row.title == "Dusk"
    assert resumed.data["gap_s"] == 4.0


async def test_a_second_encoder_is_told_in_the_studio(house: Household, admin: Actor) -> None:
    value = await _key(house, admin)
    publication, _ = await house.publish(value)
    house.control.observer.contested(publication.stream, publication.stream.lease)
    assert (await _kinds(house))[-1] == "stream.second_publisher"


async def test_what_a_crash_left_open_has_ended(house: Household, admin: Actor) -> None:
    value = await _key(house, admin)
    await house.publish(value)
    began = house.clock.wall()
    house.clock.advance(NOTE_S)
    house.control.live.tick()
    house.clock.advance(NOTE_S / 2)
    house.control.live.tick()
    await house.control.book.flush()
    async with household(house.folder, house.clock) as after:
        await after.control.live.settle()
        async with after.store.read() as work:
            (row,) = await work.broadcasts.find()
    assert (row.end_reason, row.ended_at) == ("interrupted", began + NOTE_S), "when it was last seen alive"


async def test_a_broadcast_goes_on_after_a_restart(house: Household, admin: Actor) -> None:
    value = await _key(house, admin)
    publication, _ = await house.publish(value)
    broadcast = publication.stream.broadcast
    kept = house.registry.close()
    await house.control.book.flush()
    async with household(house.folder, house.clock) as after:
        after.registry.restore(kept)
        await after.control.live.settle()
        assert _brief(after) == "reconnecting"
        after.control.live.tick()
        again, _ = await after.publish(value)
        assert again.stream.broadcast == broadcast and _brief(after) == "live"
        again.end("goodbye")
        await after.control.book.flush()
        async with after.store.read() as work:
            (row,) = await work.broadcasts.find()
        assert (row.broadcast, row.end_reason) == (broadcast, "goodbye")


async def test_a_restored_broadcast_whose_window_closes_has_ended(house: Household, admin: Actor) -> None:
    value = await _key(house, admin)
    publication, _ = await house.publish(value)
    kept = house.registry.close()
    await house.control.book.flush()
    async with household(house.folder, house.clock) as after:
        after.registry.restore(kept)
        after.registry.end(after.registry.streams[publication.stream.lease.channel], "restarted")
        await after.control.book.flush()
        async with after.store.read() as work:
            (row,) = await work.broadcasts.find()
    assert row.end_reason == "restarted"


async def test_a_key_revoked_elsewhere_ends_the_broadcast(house: Household, admin: Actor) -> None:
    value = await _key(house, admin)
    publication, told = await house.publish(value)
    async with household(house.folder, house.clock) as other:
        await other.control.house.revoke_key("yard", value[:4])
    await house.control.follow()
    assert not publication.current and told[0][0] == "kicked"


async def test_a_rotated_key_that_runs_out_keeps_its_broadcast(house: Household, admin: Actor) -> None:
    value = await _key(house, admin)
    channel = house.control.house.channel("yard")
    publication, _ = await house.publish(value)
    key = house.control.directory.keys_of(channel.id)[0]
    await house.control.keys.rotate(admin, channel, key.id, 10)
    house.clock.advance(11)
    await house.channel("other")
    assert publication.current


async def test_samples_are_bounded_and_counts_are_told_when_they_change(
    house: Household, admin: Actor
) -> None:
    value = await _key(house, admin)
    publication, _ = await house.publish(value)
    channel = publication.stream.lease.channel
    messages: list[dict[str, Any]] = []
    detach = house.control.feed.attach(lambda m: messages.append(json.loads(m)), None, "yard")
    for second in range(400):
        house.clock.advance(1)
        if second == 100:
            house.audience.enter(channel, "s", house.clock.monotonic(), "flv")  # type: ignore[arg-type]
        house.control.live.tick()
    detach()
    facts = house.control.live.get(house.control.house.channel("yard"))
    assert len(facts.samples) == 300
    assert [m["viewers"] for m in messages if m["type"] == "viewers"] == [1]


async def test_a_hub_that_comes_later_is_the_one_that_counts(house: Household) -> None:
    registry = Registry(house.clock, lambda n: b"x" * n, house.control.observer)
    house.control.attach_hub(registry, Audience())
    assert house.control.live.count() == (0, 0)

"""Who publishes what: began, lost, resumed, ended; takeover, kick, silence, drain and return."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from madang.base.errors import Overloaded, Refused
from madang.base.ids import ChannelId
from madang.base.limits import PUBLISHER_SILENT_S, RECONNECT_WINDOW_S
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.registry import Kept, Publication, Registry
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Track


class Observer:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.log: list[tuple[str, ...]] = []

    def began(self, stream: Stream) -> None:
        self.log.append(("began", stream.broadcast))

    def lost(self, stream: Stream) -> None:
        self.log.append(("lost", stream.broadcast))

    def resumed(self, stream: Stream) -> None:
        self.log.append(("resumed", stream.broadcast))

    def ended(self, stream: Stream, reason: str) -> None:
        self.log.append(("ended", stream.broadcast, reason))

    def contested(self, stream: Stream, lease: Lease) -> None:
        self.log.append(("contested", stream.broadcast, lease.key))

    @property
    def words(self) -> list[str]:
        return [entry[0] for entry in self.log]


class Timers:
    """`later` by the fake clock: `advance` moves it and runs what is due, in order."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.due: list[tuple[float, Callable[[], None], list[bool]]] = []

    def later(self, seconds: float, call: Callable[[], None]):
        cancelled: list[bool] = []
        entry = (self.clock.monotonic() + max(0.0, seconds), call, cancelled)
        self.due.append(entry)

        class Handle:
            def cancel(self) -> None:
                cancelled.append(True)

        return Handle()

    @property
    def pending(self) -> int:
        return sum(not cancelled for _, _, cancelled in self.due)

    async def advance(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        while ready := [entry for entry in self.due if entry[0] <= end]:
            entry = min(ready, key=lambda one: one[0])
            self.due.remove(entry)
            self.clock.advance(max(0.0, entry[0] - self.clock.monotonic()))
            if not entry[2]:
                entry[1]()
            await settle()
        self.clock.advance(end - self.clock.monotonic())
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class House:
    """A registry with everything around it, and publishers that do as they are told."""

    def __init__(self, clock, lease: Lease, tracks: tuple[Track, ...], seed: int = 0) -> None:
        self.clock = clock
        self.lease = lease
        self.tracks = tracks
        self.timers = Timers(clock)
        self.observer = Observer()
        self.numbers = iter(range(seed, seed + 1000))
        self.registry = Registry(
            clock, lambda size: next(self.numbers).to_bytes(size, "big"), self.observer, self.timers.later
        )
        self.revoked: list[tuple[str, str]] = []
        self.registry.on_began.append(lambda stream: self.begun.append(stream.broadcast))
        self.begun: list[str] = []

    def revoke(self, who: str) -> Callable[[str, str], None]:
        return lambda code, told: self.revoked.append((who, code))

    async def publish(self, who: str = "a", lease: Lease | None = None) -> Publication:
        return await self.registry.publish(lease or self.lease, self.revoke(who))

    async def live(self, who: str = "a") -> Publication:
        publication = await self.publish(who)
        publication.tracks(self.tracks)
        self.frame(publication)
        return publication

    def frame(self, publication: Publication) -> None:
        ticks = round(self.clock.monotonic() * 90_000)
        publication.frame(Frame(1, ticks, ticks, True, b"k"))

    async def play(self, publication: Publication, seconds: float) -> None:
        """Frames each 100 ms."""
        for _ in range(round(seconds * 10)):
            await self.timers.advance(0.1)
            self.frame(publication)

    def contend(self, who: str = "b") -> "asyncio.Task[Publication]":
        return asyncio.get_running_loop().create_task(self.publish(who))

    @property
    def stream(self) -> Stream:
        stream = self.registry.get(self.lease.channel)
        assert stream is not None
        return stream


@pytest.fixture
def house(clock, lease, video) -> House:
    return House(clock, lease, (video,))


async def test_live_means_that_frames_arrive(house: House) -> None:
    publication = await house.publish()
    assert house.begun == [house.stream.broadcast]
    publication.tracks(house.tracks)
    assert house.stream.state is StreamState.RECONNECTING
    assert house.observer.log == []
    house.frame(publication)
    assert house.stream.state is StreamState.LIVE
    assert house.observer.words == ["began"]
    assert house.registry.counters.began == 1


async def test_frames_before_tracks_are_stale(house: House) -> None:
    publication = await house.publish()
    house.frame(publication)
    assert house.registry.counters.stale_frames == 1


async def test_goodbye_ends_at_once(house: House, follower) -> None:
    publication = await house.live()
    listener = follower()
    stream = house.stream
    stream.attach(listener)
    publication.end("unpublished")
    publication.end("unpublished")
    publication.lost("closed")
    assert listener.states == [StreamState.ENDED]
    assert house.observer.words == ["began", "ended"]
    assert house.registry.get(house.lease.channel) is None
    assert house.timers.pending == 0
    assert not publication.current


async def test_a_returning_publisher_continues_the_same_broadcast(house: House, follower) -> None:
    publication = await house.live()
    listener = follower()
    house.stream.attach(listener)
    await house.play(publication, 2)
    publication.lost("reset")
    assert house.stream.state is StreamState.RECONNECTING
    await house.timers.advance(7)
    again = await house.live("a again")
    assert house.observer.words == ["began", "lost", "resumed"]
    assert listener.tracks == [(house.tracks, False), (house.tracks, True)]
    assert listener.states == [StreamState.RECONNECTING, StreamState.LIVE]
    assert again.epoch == house.stream.epoch == 2
    assert house.stream.media_s == pytest.approx(9, abs=0.11)
    assert house.timers.pending == 0
    house.frame(publication)
    assert house.registry.counters.stale_frames == 1


async def test_a_window_that_closes_ends_once(house: House) -> None:
    publication = await house.live()
    publication.lost("reset")
    await house.timers.advance(RECONNECT_WINDOW_S - 0.1)
    assert house.observer.words == ["began", "lost"]
    await house.timers.advance(40)
    assert house.observer.log[2:] == [("ended", house.begun[0], "reset")]
    await house.live()
    assert len(set(house.begun)) == 2


async def test_a_channel_without_a_window_ends_with_its_publisher(house: House) -> None:
    house.lease = msgspec.structs.replace(house.lease, profile=Profile(reconnect_window_s=0))
    publication = await house.live()
    publication.lost("reset")
    assert house.observer.words == ["began", "lost", "ended"]


async def test_a_publisher_that_returns_without_media_does_not_prolong_the_window(house: House) -> None:
    publication = await house.live()
    publication.lost("reset")
    await house.timers.advance(15)
    mute = await house.publish("mute")
    await house.timers.advance(3)
    mute.lost("reset")
    await house.timers.advance(2.1)
    assert house.observer.words == ["began", "lost", "ended"]


async def test_a_stream_without_a_frame_was_never_there(house: House) -> None:
    publication = await house.publish()
    publication.tracks(house.tracks)
    publication.lost("reset")
    assert house.observer.log == []
    assert house.registry.get(house.lease.channel) is None
    assert house.timers.pending == 0


async def test_the_profile_of_a_broadcast_never_changes(house: House) -> None:
    publication = await house.live()
    publication.lost("reset")
    other = msgspec.structs.replace(house.lease, profile=Profile(part_s=0.2), peer="10.0.0.9")
    await house.publish("a", other)
    assert house.stream.lease.profile == house.lease.profile
    assert house.stream.lease.peer == "10.0.0.9"


async def test_a_second_publisher_of_a_living_one_is_refused_and_both_are_told(house: House) -> None:
    first = await house.live()
    second = house.contend()
    await house.play(first, 1.2)
    assert second.done()
    with pytest.raises(Refused, match="busy"):
        await second
    assert house.observer.words == ["began", "contested"]
    assert first.current
    assert house.revoked == []
    assert house.timers.pending == 0


async def test_the_answer_is_held_until_the_holder_was_silent_for_three_seconds(house: House) -> None:
    first = await house.live()
    await house.timers.advance(1)
    second = house.contend()
    await house.timers.advance(1.9)
    assert not second.done()
    await house.timers.advance(0.2)
    publication = await second
    assert house.revoked == [("a", "taken_over")]
    assert not first.current
    assert house.observer.words == ["began", "lost"]
    publication.tracks(house.tracks)
    house.frame(publication)
    assert house.observer.words == ["began", "lost", "resumed"]
    assert house.registry.counters.takeovers == 1
    assert house.timers.pending == 0


async def test_a_half_open_publisher_is_taken_over_at_once(house: House) -> None:
    await house.live()
    await house.timers.advance(5)
    second = house.contend()
    await house.timers.advance(0)
    assert (await second).current


async def test_a_holder_that_leaves_makes_room_for_the_contender(house: House) -> None:
    first = await house.live()
    second = house.contend()
    await house.timers.advance(0.2)
    first.lost("reset")
    assert (await second).epoch == 2
    assert house.timers.pending == 0


@pytest.mark.parametrize("gives_up", [False, True])
async def test_a_window_that_closes_before_the_contender_wakes_waits_for_it(
    house: House, gives_up: bool
) -> None:
    """uvloop runs what is due at once before whoever was woken earlier."""
    house.lease = msgspec.structs.replace(house.lease, profile=Profile(reconnect_window_s=0))
    first = await house.live()
    second = house.contend()
    await house.timers.advance(0.2)
    stream = house.stream
    first.lost("reset")
    _, close, _ = house.timers.due.pop()
    close()
    assert stream.state is StreamState.RECONNECTING
    if gives_up:
        second.cancel()
    else:
        assert (await second).epoch == 2 and len(house.begun) == 1
    await house.timers.advance(1)
    assert (stream.state is StreamState.ENDED) is gives_up and house.timers.pending == 0


async def test_a_holder_that_says_goodbye_leaves_the_channel_to_a_new_broadcast(house: House) -> None:
    first = await house.live()
    second = house.contend()
    await house.timers.advance(0.2)
    first.end("unpublished")
    assert (await second).epoch == 1
    assert len(house.begun) == 2


async def test_only_one_may_wait(house: House) -> None:
    first = await house.live()
    second = house.contend()
    await settle()
    with pytest.raises(Refused):
        await house.publish("c")
    first.lost("reset")
    third = house.contend("c")
    assert (await second).current
    assert not third.done()
    third.cancel()
    await settle()
    assert house.timers.pending == 0


async def test_a_contender_that_gives_up_leaves_nothing(house: House) -> None:
    first = await house.live()
    second = house.contend()
    await settle()
    second.cancel()
    await settle()
    assert house.timers.pending == 0
    third = house.contend("c")
    await settle()
    assert not third.done()
    first.lost("reset")
    assert (await third).current


async def test_two_encoders_that_fight_are_kept_apart(house: House) -> None:
    await house.live()
    await house.timers.advance(4)
    second = await house.live("b")
    assert house.registry.counters.takeovers == 1
    await house.timers.advance(4)
    third = house.contend("c")
    with pytest.raises(Refused):
        await third
    assert second.current
    with pytest.raises(Refused):
        await house.publish("d")
    await house.play(second, 61)
    await house.timers.advance(3.1)
    assert (await house.publish("c")).current


async def test_a_kick_sends_both_away_and_ends(house: House) -> None:
    await house.live()
    second = house.contend()
    await settle()
    assert house.registry.kick(house.lease.channel, "kicked", "Sent away by the owner.")
    with pytest.raises(Refused) as caught:
        await second
    assert (caught.value.code, caught.value.told) == ("kicked", "Sent away by the owner.")
    assert house.revoked == [("a", "kicked")]
    assert house.observer.log[-1] == ("ended", house.begun[0], "kicked")
    assert house.timers.pending == 0
    assert not house.registry.kick(house.lease.channel, "kicked", "")


async def test_a_waiting_broadcast_can_be_ended(house: House) -> None:
    publication = await house.live()
    publication.lost("reset")
    assert house.registry.kick(house.lease.channel, "ended", "The broadcast was ended.")
    assert house.observer.words == ["began", "lost", "ended"]
    assert house.timers.pending == 0


async def test_ten_silent_seconds_are_a_loss(house: House) -> None:
    publication = await house.live()
    for _ in range(11):
        house.registry.sweep(house.clock.monotonic())
        await house.timers.advance(1)
    assert publication.current
    house.registry.sweep(house.clock.monotonic())
    assert not publication.current
    assert house.revoked == [("a", "silent")]
    assert house.observer.words == ["began", "lost"]
    assert PUBLISHER_SILENT_S == 10


async def test_our_own_stall_is_nobodys_silence(house: House) -> None:
    publication = await house.live()
    house.registry.sweep(house.clock.monotonic())
    await house.timers.advance(15)
    house.registry.sweep(house.clock.monotonic())
    assert publication.current
    house.frame(publication)
    await house.timers.advance(1)
    house.registry.sweep(house.clock.monotonic())
    assert publication.current


async def test_a_publisher_may_end_while_it_is_revoked(house: House) -> None:
    publications: list[Publication] = []
    publication = await house.registry.publish(
        house.lease, lambda code, told: publications[0].lost("closed by us")
    )
    publications.append(publication)
    publication.tracks(house.tracks)
    house.frame(publication)
    assert house.registry.kick(house.lease.channel, "kicked", "")
    assert house.observer.words == ["began", "ended"]


async def test_a_drain_ends_no_broadcast(house: House, follower) -> None:
    publication = await house.live()
    listener = follower()
    house.stream.attach(listener)
    await house.play(publication, 3)
    second = house.contend()
    await settle()
    kept = house.registry.close()
    with pytest.raises(Overloaded):
        await second
    assert [one.broadcast for one in kept] == house.begun
    assert kept[0].media_s == pytest.approx(3.0, abs=0.01)
    assert listener.states == [StreamState.RECONNECTING]
    assert house.observer.words == ["began", "lost"]
    assert house.revoked == [("a", "restarting")]
    assert house.timers.pending == 0
    with pytest.raises(Overloaded):
        await house.publish("c")
    await house.timers.advance(100)
    assert house.observer.words == ["began", "lost"]


async def test_a_drain_keeps_what_waits_and_forgets_what_never_was(house: House) -> None:
    await house.publish()
    other = msgspec.structs.replace(house.lease, channel=ChannelId("c2"))
    publication = await house.publish("b", other)
    publication.tracks(house.tracks)
    house.frame(publication)
    publication.lost("reset")
    assert [one.lease.channel for one in house.registry.close()] == ["c2"]
    assert house.observer.words == ["began", "lost"]


async def test_a_returning_publisher_continues_across_a_restart(house: House, follower) -> None:
    publication = await house.live()
    await house.play(publication, 3)
    kept = house.registry.close()
    kept = msgspec.json.decode(msgspec.json.encode(kept), type=tuple[Kept, ...])
    house.clock.advance(6)
    after = House(house.clock, house.lease, house.tracks, seed=500)
    listener = follower()
    after.registry.on_began.append(lambda stream: stream.attach(listener))
    after.registry.restore(kept)
    assert after.begun == house.begun
    assert after.stream.restored
    assert after.stream.state is StreamState.RECONNECTING
    await after.timers.advance(2)
    await after.live()
    assert after.observer.log == [("resumed", house.begun[0])]
    assert listener.tracks == [(house.tracks, True)]
    assert after.stream.epoch == 2
    assert after.stream.media_s == pytest.approx(3 + 6 + 2, abs=0.1)
    assert after.stream.started_wall == kept[0].started_wall
    assert after.stream.wall_of(after.stream.media_s) == pytest.approx(after.clock.wall(), abs=0.1)


async def test_a_publisher_that_does_not_return_after_a_restart_ends(house: House) -> None:
    await house.live()
    kept = house.registry.close()
    house.clock.advance(5)
    after = House(house.clock, house.lease, house.tracks, seed=500)
    after.registry.restore(kept)
    await after.timers.advance(RECONNECT_WINDOW_S - 5.1)
    assert after.observer.log == []
    await after.timers.advance(0.2)
    assert after.observer.log == [("ended", house.begun[0], "restarted")]


async def test_a_window_that_closed_during_the_restart_ends_at_the_start(house: House) -> None:
    await house.live()
    kept = house.registry.close()
    house.clock.advance(300)
    after = House(house.clock, house.lease, house.tracks, seed=500)
    after.registry.restore(kept)
    assert after.observer.log == [("ended", house.begun[0], "restarted")]
    await after.live()
    assert after.stream.broadcast not in house.begun


async def test_timers_are_the_loops_by_default(clock, lease, video) -> None:
    observer = Observer()
    registry = Registry(clock, lambda size: bytes(size), observer)
    quick = msgspec.structs.replace(lease, profile=Profile(reconnect_window_s=0.01))
    publication = await registry.publish(quick, lambda code, told: None)
    publication.tracks((video,))
    publication.frame(Frame(1, 0, 0, True, b""))
    publication.lost("reset")
    await asyncio.sleep(0.05)
    assert observer.words == ["began", "lost", "ended"]

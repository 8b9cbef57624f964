"""The lease of a channel under any order of events: two channels, many publishers, a clock that jumps."""

import asyncio
import re
from collections.abc import Callable
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from madang.base.errors import PeerError
from madang.base.ids import ChannelId, KeyId
from madang.base.limits import TAKEOVER_GUARD_S, TAKEOVER_SILENCE_S
from madang.hub.contention import GRACE_S, STALL_S
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.registry import Publication, Registry
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track

VIDEO = Track(id=1, codec=Codec.H264, timescale=90_000)
CHANNELS = st.sampled_from([ChannelId("c1"), ChannelId("c2")])
LIFE = re.compile(
    r"(began( lost resumed)*( lost)?( ended)?)?|( ?resumed( lost resumed)*( lost)?( ended)?)|ended"
)


class World:
    """Clock, timers and observer in one."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None], list[bool]]] = []
        self.life: dict[str, list[str]] = {}

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_790_000_000.0 + self.now

    def later(self, seconds: float, call: Callable[[], None]) -> "Handle":
        cancelled: list[bool] = []
        self.timers.append((self.now + max(0.0, seconds), call, cancelled))
        return Handle(cancelled)

    def began(self, stream: Stream) -> None:
        self.life.setdefault(stream.broadcast, []).append("began")

    def lost(self, stream: Stream) -> None:
        self.life.setdefault(stream.broadcast, []).append("lost")

    def resumed(self, stream: Stream) -> None:
        self.life.setdefault(stream.broadcast, []).append("resumed")

    def ended(self, stream: Stream, reason: str) -> None:
        self.life.setdefault(stream.broadcast, []).append("ended")

    def contested(self, stream: Stream, lease: Lease) -> None:
        assert stream.lease.channel == lease.channel


class Handle:
    def __init__(self, cancelled: list[bool]) -> None:
        self._cancelled = cancelled

    def cancel(self) -> None:
        self._cancelled.append(True)


class Watcher:
    """Follows a stream: times rise, and every frame is of the publisher that holds the stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.last = -1

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        assert self.stream.epoch == 1 or tracks == (VIDEO,)

    def on_frame(self, frame: Frame) -> None:
        assert frame.dts > self.last
        assert frame.payload == str(self.stream.epoch).encode()
        self.last = frame.dts

    def on_state(self, state: StreamState) -> None:
        pass


class LeaseMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.broadcasts = 0
        self.publications: list[Publication] = []
        self.waiting: list[tuple[float, asyncio.Task[Publication]]] = []
        self.takeovers: list[tuple[str, float]] = []
        self.start()

    def start(self) -> None:
        self.registry = Registry(self.world, self.entropy, self.world, self.world.later)
        self.registry.on_began.append(lambda stream: stream.attach(Watcher(stream)))

    def entropy(self, size: int) -> bytes:
        self.broadcasts += 1
        return self.broadcasts.to_bytes(size, "big")

    def teardown(self) -> None:
        for _, task in self.waiting:
            task.cancel()
        self.settle()
        self.loop.close()

    def settle(self) -> None:
        """Let coroutines run, and take in what they gave."""
        for _ in range(4):
            self.loop.run_until_complete(asyncio.sleep(0))
        for arrived, task in list(self.waiting):
            if task.done():
                self.waiting.remove((arrived, task))
                if not task.cancelled() and task.exception() is None:
                    self.publications.append(task.result())
                elif not task.cancelled():
                    assert isinstance(task.exception(), PeerError)

    def revoke(self, channel: ChannelId) -> Callable[[str, str], None]:
        def revoked(code: str, told: str) -> None:
            stream = self.registry.get(channel)
            if code == "taken_over" and stream is not None:
                self.takeovers.append((stream.broadcast, self.world.now))

        return revoked

    @property
    def holders(self) -> list[Publication]:
        return [publication for publication in self.publications if publication.current]

    @rule(channel=CHANNELS)
    def publish(self, channel: ChannelId) -> None:
        lease = Lease(channel=channel, name=channel, key=KeyId("k"), profile=Profile())
        task = self.loop.create_task(self.registry.publish(lease, self.revoke(channel)))
        self.waiting.append((self.world.now, task))
        self.settle()

    @precondition(lambda self: self.publications)
    @rule(data=st.data(), count=st.integers(1, 5))
    def play(self, data: st.DataObject, count: int) -> None:
        """Anybody may send, those who no longer hold the stream too."""
        publication = data.draw(st.sampled_from(self.publications))
        publication.tracks((VIDEO,))
        for _ in range(count):
            ticks = round(self.world.now * 90_000)
            publication.frame(Frame(1, ticks, ticks, True, str(publication.epoch).encode()))
            self.world.now += 0.04
        self.settle()

    @precondition(lambda self: self.publications)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.publications)).lost("reset")
        self.settle()

    @precondition(lambda self: self.publications)
    @rule(data=st.data())
    def goodbye(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.publications)).end("unpublished")
        self.settle()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.waiting))[1].cancel()
        self.settle()

    @rule(channel=CHANNELS)
    def kick(self, channel: ChannelId) -> None:
        self.registry.kick(channel, "kicked", "Go.")
        assert self.registry.get(channel) is None
        self.settle()

    @rule(seconds=st.one_of(st.floats(0.01, 1.5), st.floats(1.5, 30)))
    def wait(self, seconds: float) -> None:
        end = self.world.now + seconds
        while ready := [timer for timer in self.world.timers if timer[0] <= end]:
            timer = min(ready, key=lambda one: one[0])
            self.world.timers.remove(timer)
            self.world.now = max(self.world.now, timer[0])
            if not timer[2]:
                timer[1]()
            self.settle()
        self.world.now = end

    @rule()
    def sweep(self) -> None:
        self.registry.sweep(self.world.now)
        self.settle()

    @rule(down_s=st.floats(0, 40))
    def restart(self, down_s: float) -> None:
        kept = self.registry.close()
        self.settle()
        assert not self.waiting
        assert not any(not cancelled for _, _, cancelled in self.world.timers)
        self.world.timers.clear()
        self.publications.clear()
        self.world.now += down_s
        self.start()
        self.registry.restore(kept)

    @invariant()
    def one_live_epoch(self) -> None:
        channels = [publication.stream.lease.channel for publication in self.holders]
        assert len(channels) == len(set(channels))
        for publication in self.holders:
            assert publication.epoch == publication.stream.epoch
            assert self.registry.get(publication.stream.lease.channel) is publication.stream

    @invariant()
    def live_means_held(self) -> None:
        held = {publication.stream.broadcast for publication in self.holders}
        for stream in self.registry.streams.values():
            assert stream.state is not StreamState.ENDED
            if stream.state is StreamState.LIVE:
                assert stream.broadcast in held

    @invariant()
    def what_waits_will_end(self) -> None:
        held = {publication.stream.broadcast for publication in self.holders}
        waiting = [stream for stream in self.registry.streams.values() if stream.broadcast not in held]
        pending = sum(not cancelled for _, _, cancelled in self.world.timers)
        assert len(waiting) <= pending <= 2 * len(self.registry.streams)

    @invariant()
    def broadcasts_live_once(self) -> None:
        for words in self.world.life.values():
            assert LIFE.fullmatch(" ".join(words)), words

    @invariant()
    def answers_come_in_time(self) -> None:
        for arrived, _ in self.waiting:
            assert self.world.now - arrived <= TAKEOVER_SILENCE_S + STALL_S + GRACE_S + 0.5

    @invariant()
    def no_oscillation(self) -> None:
        for broadcast in {one for one, _ in self.takeovers}:
            moments = [at for one, at in self.takeovers if one == broadcast]
            for before, after in pairwise(moments):
                assert after - before >= TAKEOVER_GUARD_S


TestLease = LeaseMachine.TestCase
TestLease.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)

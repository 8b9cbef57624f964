"""A rendition tells what its stream tells, in the same order, with the sound in another codec."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest
from tests.conftest import FakeClock
from tests.harness.broadcast import AUDIO, VIDEO
from tests.harness.mp3 import tone, track

from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.base.limits import TRANSCODING_FRAMES, TRANSCODING_PATIENCE_S
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track
from madang.transcoding.transcoder import MediaTranscoder
from madang.transcoding.workshop import Work, convert

MP3 = tone(2.2)
SOUND = track(MP3)
STEP = SOUND.frame_samples
PLAYABLE = frozenset({Codec.AAC, Codec.OPUS})


class Follower:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.log: list[tuple[tuple[Track, ...], bool] | Frame | StreamState] = []

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self.log.append((tracks, discontinuity))

    def on_frame(self, frame: Frame) -> None:
        self.log.append(frame)

    def on_state(self, state: StreamState) -> None:
        self.log.append(state)

    def of(self, number: int) -> list[Frame]:
        return [item for item in self.log if isinstance(item, Frame) and item.track == number]


class Broken(Follower):
    """Fails with the first frame."""

    def on_frame(self, frame: Frame) -> None:
        raise RuntimeError("no room")


class Studio:
    """A stream, its transcoder, and a thread that may be held up."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.open = threading.Event()
        self.open.set()
        self.batches: list[int] = []
        self.broken = False
        self.transcoder = MediaTranscoder(clock, self.work)
        lease = Lease(channel=ChannelId("c1"), name="yard", key=KeyId("k1"), profile=Profile())
        self.stream = Stream(BroadcastId("b1"), lease, clock)
        self.stream.transcoder = self.transcoder
        self.source = self.stream.want(Codec.AAC, PLAYABLE)

    def work(self, batch: Sequence[Work]) -> list[list[Frame]]:
        self.batches.append(len(batch))
        if self.broken:
            raise OSError("out of memory")
        assert self.open.wait(10)
        return convert(batch)

    def publish(self, *tracks: Track, discontinuity: bool = False) -> None:
        self.stream.offer_tracks(tracks or (VIDEO, SOUND), discontinuity)
        self.stream.enter(StreamState.LIVE)

    def feed(self, begin: float, end: float, sound: Track = SOUND) -> None:
        """Media between two moments: 25 pictures a second, a keyframe each second, and sound."""
        events = [
            (index / 25, Frame(1, index * 3600, index * 3600, index % 25 == 0, b"picture"))
            for index in range(round(begin * 25), round(end * 25))
        ]
        each = sound.frame_samples / sound.timescale
        for index in range(-int(-begin // each), -int(-end // each)):
            payload = MP3[index % len(MP3)] if sound.codec is Codec.MP3 else b"sound"
            at = index * sound.frame_samples
            events.append((index * each, Frame(2, at, at, True, payload)))
        last = begin
        for at, frame in sorted(events, key=lambda pair: pair[0]):
            self.clock.advance(at - last)
            last = at
            self.stream.offer(frame)

    async def settle(self) -> None:
        await self.transcoder.settle()
        await asyncio.sleep(0)


@pytest.fixture
async def studio(clock: FakeClock) -> AsyncIterator[Studio]:
    studio = Studio(clock)
    yield studio
    studio.open.set()
    await studio.transcoder.close()


def assert_in_order(follower: Follower) -> None:
    """Times rise, and the sound is never far from the picture that it came with."""
    for number in (1, 2):
        times = [frame.dts for frame in follower.of(number)]
        assert times == sorted(set(times))
    seen = 0.0
    for item in follower.log:
        if isinstance(item, Frame) and item.track == 1:
            seen = item.dts / 90_000
        elif isinstance(item, Frame):
            assert seen - 0.2 < item.dts / SOUND.timescale < seen + 0.1


async def test_without_a_transcoder_a_stream_is_its_own_rendition(clock: FakeClock) -> None:
    stream = Studio(clock).stream
    stream.transcoder = None
    assert stream.want(Codec.AAC) is stream


async def test_what_is_wanted_twice_is_made_once(studio: Studio) -> None:
    assert studio.stream.want(Codec.AAC, PLAYABLE) is studio.source
    assert studio.stream.want(Codec.AAC) is not studio.source


@pytest.mark.parametrize("tracks", [(VIDEO, AUDIO), (VIDEO,), (AUDIO,)])
async def test_playable_sound_passes_at_once(studio: Studio, tracks: tuple[Track, ...]) -> None:
    plain, follower = Follower(), Follower()
    studio.stream.attach(plain)
    studio.source.attach(follower)
    studio.publish(*tracks)
    studio.feed(0, 2, AUDIO)
    assert follower.log == plain.log
    assert len(follower.log) > 50
    assert studio.batches == []
    assert studio.transcoder.counters.heard == 0


async def test_mp3_becomes_aac_beside_its_picture(studio: Studio) -> None:
    plain, follower = Follower(), Follower()
    studio.stream.attach(plain)
    studio.source.attach(follower)
    studio.publish()
    for second in range(4):
        studio.feed(second, second + 1)
        await studio.settle()
    (told,) = (item for item in follower.log if isinstance(item, tuple))
    assert ([each.codec for each in told[0]], told[1]) == ([Codec.H264, Codec.AAC], False)
    assert follower.of(1) == plain.of(1)
    out = follower.of(2)
    assert out[0].dts == plain.of(2)[0].dts
    assert {after.dts - before.dts for before, after in zip(out, out[1:], strict=False)} == {1024}
    assert 4 * SOUND.timescale - out[-1].dts < 0.13 * SOUND.timescale
    assert_in_order(follower)
    counters = studio.transcoder.counters
    assert (counters.begun, counters.dropped, counters.failed) == (1, 0, 0)
    assert counters.heard == len(plain.of(2))
    assert counters.made == len(out)


async def test_pictures_wait_for_the_sound_before_them(studio: Studio) -> None:
    follower = Follower()
    studio.source.attach(follower)
    studio.publish()
    studio.open.clear()
    studio.feed(0, 1)
    assert len(follower.of(1)) <= 1
    studio.open.set()
    await studio.settle()
    assert len(follower.of(1)) == 25
    assert_in_order(follower)
    assert studio.batches == [1, len(range(-int(-SOUND.timescale // STEP))) - 1]


async def test_who_comes_late_gets_the_cached_pictures_with_their_sound(studio: Studio) -> None:
    studio.publish()
    studio.feed(0, 1.8)
    follower = Follower()
    studio.source.attach(follower)
    await studio.settle()
    assert follower.of(1)[0].keyframe
    assert len(follower.of(1)) == 20
    assert len(follower.of(2)) > 25
    assert_in_order(follower)


async def test_a_second_follower_shares_the_work_from_the_next_keyframe_on(studio: Studio) -> None:
    first, second = Follower(), Follower()
    studio.source.attach(first)
    studio.publish()
    studio.feed(0, 1.5)
    await studio.settle()
    studio.source.attach(second)
    assert second.log == [first.log[1]]
    studio.feed(1.5, 3)
    await studio.settle()
    assert second.of(1)[0].keyframe
    assert second.of(1) == first.of(1)[-len(second.of(1)) :]
    assert second.of(2) == first.of(2)[-len(second.of(2)) :]
    studio.source.detach(first)
    studio.feed(3, 4)
    await studio.settle()
    assert_in_order(second)
    assert studio.transcoder.counters.begun == 1


async def test_nobody_follows_nothing_is_made(studio: Studio) -> None:
    studio.publish()
    studio.feed(0, 1)
    assert studio.batches == []
    follower = Follower()
    studio.source.attach(follower)
    await studio.settle()
    studio.source.detach(follower)
    told, batches = len(follower.log), len(studio.batches)
    studio.feed(1, 3)
    await studio.settle()
    assert (len(follower.log), len(studio.batches)) == (told, batches)
    again = Follower()
    studio.source.attach(again)
    await studio.settle()
    assert again.of(1)[0].dts == 2 * 90_000
    assert len(again.of(2)) > 30


async def test_the_end_comes_behind_all_sound(studio: Studio) -> None:
    follower = Follower()
    studio.source.attach(follower)
    studio.publish()
    studio.feed(0, 1)
    studio.stream.enter(StreamState.ENDED)
    await studio.settle()
    assert follower.log[-1] is StreamState.ENDED
    heard = len(range(-int(-SOUND.timescale // STEP))) * STEP
    assert 0 <= len(follower.of(2)) * 1024 - heard < 1024
    assert_in_order(follower)


async def test_a_publisher_who_returns_continues(studio: Studio) -> None:
    follower = Follower()
    studio.source.attach(follower)
    studio.publish()
    studio.feed(0, 1)
    studio.stream.enter(StreamState.RECONNECTING)
    studio.clock.advance(3)
    studio.publish(discontinuity=True)
    studio.feed(0, 1)
    await studio.settle()
    shape = [item if isinstance(item, StreamState) else item[1] for item in follower.log
             if not isinstance(item, Frame)]  # fmt: skip
    assert shape == [StreamState.RECONNECTING, False, StreamState.LIVE, StreamState.RECONNECTING, True,
                     StreamState.LIVE]  # fmt: skip
    lost = follower.log.index(StreamState.RECONNECTING, 2)
    assert not [item for item in follower.log[lost : lost + 2] if isinstance(item, Frame)]
    assert studio.transcoder.counters.begun == 2
    assert_in_order(follower)


@pytest.mark.parametrize("tracks", [(VIDEO, AUDIO), (VIDEO,)])
async def test_other_tracks_come_behind_the_old_sound(studio: Studio, tracks: tuple[Track, ...]) -> None:
    follower = Follower()
    studio.source.attach(follower)
    studio.publish()
    studio.feed(0, 1)
    studio.stream.offer_tracks(tracks, False)
    studio.feed(1, 2, AUDIO)
    await studio.settle()
    at = follower.log.index((tracks, False))
    old = [item for item in follower.log[:at] if isinstance(item, Frame) and item.track == 2]
    new = [item for item in follower.log[at:] if isinstance(item, Frame) and item.track == 2]
    assert len(old) * 1024 > 0.98 * SOUND.timescale
    assert all(item.payload == b"sound" for item in new)
    studio.feed(2, 3, AUDIO)
    assert len(follower.of(1)) == 75


async def test_a_worker_that_does_not_come_back_loses_the_sound_alone(studio: Studio) -> None:
    follower = Follower()
    studio.source.attach(follower)
    studio.publish()
    studio.open.clear()
    studio.feed(0, TRANSCODING_PATIENCE_S + 0.6)
    await asyncio.sleep(0)
    assert len(follower.of(1)) > 25 * TRANSCODING_PATIENCE_S
    assert studio.transcoder.counters.dropped > 50
    studio.open.set()
    await studio.settle()
    for fifth in range(round(5 * TRANSCODING_PATIENCE_S) + 3, 25):
        studio.feed(fifth / 5, fifth / 5 + 0.2)
        await studio.settle()
    assert len(follower.of(1)) == 125
    assert len(follower.of(2)) > 80
    assert_in_order(follower)


async def test_a_burst_is_bounded(studio: Studio) -> None:
    studio.source.attach(Follower())
    studio.publish(SOUND)
    studio.open.clear()
    for index in range(TRANSCODING_FRAMES + 100):
        studio.stream.offer(Frame(2, index * STEP, index * STEP, True, MP3[0]))
    assert studio.transcoder.counters.dropped == 100
    studio.broken = True  # what waits need not be made
    studio.open.set()


async def test_a_worker_that_fails_loses_the_sound_alone(studio: Studio) -> None:
    follower = Follower()
    studio.source.attach(follower)
    studio.publish()
    studio.broken = True
    studio.feed(0, 1)
    await studio.settle()
    assert len(follower.of(1)) == 25
    assert studio.transcoder.counters.dropped > 30
    studio.broken = False
    studio.feed(1, 2)
    await studio.settle()
    assert len(follower.of(2)) > 30
    assert_in_order(follower)


@pytest.mark.parametrize("tracks", [(VIDEO, AUDIO), (VIDEO, SOUND)])
async def test_a_follower_that_raises_is_let_go(studio: Studio, tracks: tuple[Track, ...]) -> None:
    good, bad = Follower(), Broken()
    studio.source.attach(bad)
    studio.source.attach(good)
    studio.publish(*tracks)
    studio.feed(0, 1, tracks[1])
    await studio.settle()
    assert len(good.of(1)) == 25
    assert studio.transcoder.counters.listener_failures == 1


@pytest.mark.parametrize("tracks", [(VIDEO, AUDIO), (VIDEO, SOUND)])
async def test_a_follower_that_raises_at_the_cached_pictures_leaves_nothing_behind(
    studio: Studio, tracks: tuple[Track, ...]
) -> None:
    studio.publish(*tracks)
    studio.feed(0, 0.5, tracks[1])
    studio.source.attach(Broken())
    await studio.settle()
    assert not studio.stream.followed
    good = Follower()
    studio.source.attach(good)
    studio.feed(0.5, 1, tracks[1])
    await studio.settle()
    assert len(good.of(1)) == 25


@pytest.mark.parametrize("codec", [Codec.AAC, Codec.H264])
async def test_who_comes_while_nobody_publishes_hears_of_that_behind_what_is_cached(
    studio: Studio, codec: Codec
) -> None:
    studio.publish(VIDEO)
    studio.feed(0, 0.5)
    studio.stream.enter(StreamState.RECONNECTING)
    follower = Follower()
    studio.stream.want(codec, PLAYABLE | {Codec.H264}, in_order=True).attach(follower)
    assert follower.log[0] == ((VIDEO,), False) and len(follower.of(1)) > 10
    assert [item for item in follower.log if isinstance(item, StreamState)] == follower.log[-1:]


async def test_detaching_a_stranger_changes_nothing(studio: Studio) -> None:
    studio.source.attach(Follower())
    studio.source.detach(Follower())
    studio.publish()
    studio.feed(0, 0.5)
    await studio.settle()
    assert studio.transcoder.counters.made > 0

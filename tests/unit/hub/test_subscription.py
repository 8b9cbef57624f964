"""A reader that waits: bounded in bytes and seconds, loses its own frames up to a keyframe, counted."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.hub.listener import StreamState
from madang.hub.subscription import Subscription, Tracks
from madang.media.frame import Frame
from madang.media.track import Codec, Track

VIDEO = Track(id=1, codec=Codec.H264, timescale=90_000)
AUDIO = Track(id=2, codec=Codec.AAC, timescale=48_000, sample_rate=48_000, frame_samples=1024)


def picture(second: float, keyframe: bool = False, size: int = 10) -> Frame:
    ticks = round(second * 90_000)
    return Frame(1, ticks, ticks, keyframe, bytes(size))


async def drain(subscription: Subscription) -> list[object]:
    items: list[object] = []
    while subscription.queued:
        items.append(await subscription.get())
    return items


async def test_items_come_in_order_and_the_end_ends() -> None:
    subscription = Subscription()
    subscription.on_tracks((VIDEO,), False)
    subscription.on_frame(picture(0, True))
    subscription.on_state(StreamState.RECONNECTING)
    subscription.on_state(StreamState.ENDED)
    assert [item async for item in subscription] == [
        Tracks((VIDEO,), False),
        picture(0, True),
        StreamState.RECONNECTING,
    ]
    assert await subscription.get() is None


async def test_a_waiting_reader_is_woken_by_a_frame_and_by_the_end() -> None:
    subscription = Subscription()
    subscription.on_tracks((VIDEO,), False)
    await subscription.get()
    loop = asyncio.get_running_loop()
    loop.call_soon(subscription.on_frame, picture(0, True))
    assert await subscription.get() == picture(0, True)
    loop.call_soon(subscription.on_state, StreamState.ENDED)
    assert await subscription.get() is None


async def test_a_reader_that_was_cancelled_loses_nothing() -> None:
    subscription = Subscription()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await subscription.get()
    subscription.on_tracks((VIDEO,), False)
    assert await subscription.get() == Tracks((VIDEO,), False)


async def test_too_many_bytes_drop_up_to_the_queued_keyframe() -> None:
    subscription = Subscription(bytes_max=100)
    subscription.on_tracks((VIDEO,), False)
    for index in range(11):
        subscription.on_frame(picture(index / 10, keyframe=index % 6 == 0))
    items = await drain(subscription)
    assert items[0] == Tracks((VIDEO,), False)
    assert items[1] == picture(0.6, True)
    assert len(items) == 6
    assert (subscription.dropped, subscription.dropped_bytes, subscription.overflows) == (6, 60, 1)


async def test_too_many_seconds_without_a_keyframe_skip_to_the_next_one() -> None:
    subscription = Subscription(seconds_max=2)
    subscription.on_tracks((VIDEO, AUDIO), False)
    subscription.on_frame(picture(0, True))
    for index in range(1, 30):
        subscription.on_frame(picture(index / 10))
        subscription.on_frame(Frame(2, index * 4800, index * 4800, True, b""))
    assert subscription.queued == 0
    subscription.on_frame(picture(3, True))
    subscription.on_frame(Frame(2, 3 * 48_000, 3 * 48_000, True, b""))
    items = await drain(subscription)
    assert [item.track for item in items if isinstance(item, Frame)] == [1, 2]
    assert subscription.offered == 61
    assert subscription.offered == subscription.delivered + subscription.dropped


async def test_sound_alone_loses_the_oldest() -> None:
    subscription = Subscription(seconds_max=1)
    subscription.on_tracks((AUDIO,), False)
    for index in range(100):
        subscription.on_frame(Frame(2, index * 1024, index * 1024, True, b"a"))
    items = await drain(subscription)
    assert 46 <= len(items) <= 48
    assert items[-1] == Frame(2, 99 * 1024, 99 * 1024, True, b"a")


async def test_what_was_lost_of_tracks_is_told_once() -> None:
    subscription = Subscription()
    for index in range(200):
        subscription.on_tracks((VIDEO,), discontinuity=index == 20)
        subscription.on_state(StreamState.LIVE)
    first = [await subscription.get() for _ in range(2)]
    assert Tracks((VIDEO,), True) in [*first, await subscription.get()] or subscription.overflows == 0
    assert subscription.overflows >= 1


events = st.lists(
    st.one_of(
        st.tuples(st.just("video"), st.booleans(), st.integers(0, 40)),
        st.tuples(st.just("audio"), st.just(True), st.integers(0, 10)),
        st.tuples(st.just("read"), st.just(True), st.integers(0, 6)),
        st.tuples(st.just("tracks"), st.booleans(), st.just(0)),
        st.tuples(st.just("gap"), st.just(True), st.integers(0, 30)),
    ),
    max_size=120,
)


@given(events)
def test_no_frame_is_unaccounted_for_and_no_bound_is_passed(script: list[tuple[str, bool, int]]) -> None:
    async def run() -> None:
        subscription = Subscription(bytes_max=200, seconds_max=3)
        subscription.on_tracks((VIDEO, AUDIO), False)
        at, fresh, read_fresh = 0.0, True, True
        for kind, flag, size in script:
            at += 0.1
            if kind == "video":
                flag = flag or fresh
                fresh = False
                subscription.on_frame(picture(at, flag, size))
            elif kind == "audio" and not fresh:
                ticks = round(at * 48_000)
                subscription.on_frame(Frame(2, ticks, ticks, True, bytes(size)))
            elif kind == "tracks":
                subscription.on_tracks((VIDEO, AUDIO), flag)
                fresh = True
            elif kind == "gap":
                at += size / 10
            elif kind == "read":
                for _ in range(min(size, len(subscription._queue))):
                    item = await subscription.get()
                    if isinstance(item, Tracks):
                        read_fresh = True
                    elif isinstance(item, Frame) and read_fresh:
                        assert item.track == 1 and item.keyframe
                        read_fresh = False
            assert subscription.queued_bytes <= 200
            assert subscription.queued == sum(isinstance(item, Frame) for item in subscription._queue)
            assert subscription.offered == (
                subscription.delivered + subscription.dropped + subscription.queued
            )
            queued = [mark[0] for mark in subscription._marks]
            assert not queued or queued[-1] - queued[0] <= 3

    asyncio.run(run())

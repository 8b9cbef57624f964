"""A smaller picture beside the stream's: from a keyframe on, on the stream's axis, while somebody follows."""

import pytest
from tests.harness.broadcast import VIDEO
from tests.harness.follower import Follower

from madang.hub.layer import Layer
from madang.hub.listener import StreamState
from madang.media.frame import Frame


class Broken(Follower):
    def on_frame(self, frame: Frame) -> None:
        raise RuntimeError("no room")


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def layer(asked: list[str]) -> Layer:
    layer = Layer("q", lambda at_s: 10.0, lambda: asked.append("q"))
    layer.track = VIDEO
    return layer


def picture(at: int, keyframe: bool = False) -> Frame:
    return Frame(1, at, at, keyframe, b"picture")


def test_it_begins_with_a_keyframe_where_the_stream_is(layer: Layer, asked: list[str]) -> None:
    layer.offer(picture(0, keyframe=True))
    follower = Follower()
    layer.attach(follower)
    assert asked == ["q"] and layer.followed
    layer.offer(picture(3000))
    assert not follower.frames
    layer.offer(picture(6000, keyframe=True))
    layer.offer(picture(9000))
    assert follower.tracks == [(VIDEO,)]
    assert [frame.pts for frame in follower.frames] == [900_000, 903_000]
    layer.detach(follower)
    assert not layer.followed


def test_what_misses_a_frame_waits_for_a_keyframe(layer: Layer, asked: list[str]) -> None:
    follower = Follower()
    layer.attach(follower)
    layer.offer(picture(0, keyframe=True))
    layer.freeze()
    layer.offer(picture(3000))
    assert len(follower.frames) == 1 and asked == ["q", "q"]
    layer.offer(picture(6000, keyframe=True))
    assert follower.frames[-1].pts > follower.frames[0].pts


def test_who_comes_later_holds_nobody_up(layer: Layer, asked: list[str]) -> None:
    first, second = Follower(), Follower()
    layer.attach(first)
    layer.offer(picture(0, keyframe=True))
    layer.attach(second)
    assert asked == ["q", "q"]
    layer.offer(picture(3000))
    assert len(first.frames) == 2 and not second.frames
    layer.offer(picture(6000, keyframe=True))
    assert first.tracks == second.tracks == [(VIDEO,)]
    assert (len(first.frames), len(second.frames)) == (3, 1)
    layer.detach(second)
    layer.offer(picture(9000))
    assert (len(first.frames), len(second.frames)) == (4, 1)


def test_before_its_first_keyframe_there_is_nothing(layer: Layer) -> None:
    follower = Follower()
    layer.track = None
    layer.attach(follower)
    layer.offer(picture(0, keyframe=True))
    assert not follower.tracks and not follower.frames


def test_a_follower_that_fails_hurts_nobody(layer: Layer) -> None:
    broken, good = Broken(), Follower()
    layer.attach(broken)
    layer.attach(good)
    layer.offer(picture(0, keyframe=True))
    layer.offer(picture(3000))
    assert len(good.frames) == 2
    layer.detach(good)
    assert not layer.followed


def test_its_end_is_told(layer: Layer) -> None:
    follower, late = Follower(), Follower()
    layer.attach(follower)
    layer.end()
    assert follower.states == [StreamState.ENDED] and not layer.followed
    layer.attach(late)
    assert late.states == [StreamState.ENDED]

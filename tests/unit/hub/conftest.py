"""Streams to test with: tracks, frames by the second, a lease, a follower that remembers."""

from collections.abc import Callable, Iterator

import pytest

from madang.base.ids import BroadcastId, ChannelId, KeyId
from madang.hub.gate import Lease, Profile
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Track


class Follower:
    """A listener that writes down what it is told: `tracks`, `frames`, `states`, and all of it in `log`."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.tracks: list[tuple[tuple[Track, ...], bool]] = []
        self.frames: list[Frame] = []
        self.states: list[StreamState] = []

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self.tracks.append((tracks, discontinuity))
        self.log.append((tracks, discontinuity))

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.log.append(frame)

    def on_state(self, state: StreamState) -> None:
        self.states.append(state)
        self.log.append(state)


@pytest.fixture
def follower() -> Callable[[], Follower]:
    return Follower


@pytest.fixture
def video() -> Track:
    return Track(id=1, codec=Codec.H264, timescale=90_000, config=b"avcC", width=1280, height=720)


@pytest.fixture
def audio() -> Track:
    return Track(id=2, codec=Codec.AAC, timescale=48_000, sample_rate=48_000, channels=2, frame_samples=1024)


@pytest.fixture
def lease() -> Lease:
    return Lease(channel=ChannelId("c1"), name="yard", key=KeyId("k1"), profile=Profile())


@pytest.fixture
def stream(lease: Lease, clock: object) -> Stream:
    return Stream(BroadcastId("b1"), lease, clock)  # type: ignore[arg-type]


@pytest.fixture
def broadcast() -> Callable[..., Iterator[tuple[float, Frame]]]:
    """Frames in the order of their times, each with its second: 30 fps, a keyframe each `gop_s`."""

    def frames(
        seconds: float, gop_s: float = 2.0, video_bytes: int = 4000, audio_bytes: int = 300
    ) -> Iterator[tuple[float, Frame]]:
        events = [(index / 30, 1, index) for index in range(round(seconds * 30))] if video_bytes else []
        if audio_bytes:
            events += [(index * 1024 / 48_000, 2, index) for index in range(int(seconds * 48_000 / 1024))]
        for at, track, index in sorted(events):
            if track == 1:
                ticks = round(at * 1000) * 90
                yield at, Frame(1, ticks, ticks, index % round(gop_s * 30) == 0, bytes(video_bytes))
            else:
                ticks = int(at * 1000) * 48
                yield at, Frame(2, ticks, ticks, True, bytes(audio_bytes))

    return frames

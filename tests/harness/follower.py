"""A listener that keeps what a stream tells."""

from madang.hub.listener import StreamState
from madang.media.frame import Frame
from madang.media.track import Track


class Follower:
    """Keeps what a stream tells."""

    def __init__(self) -> None:
        self.tracks: list[tuple[Track, ...]] = []
        self.frames: list[Frame] = []
        self.states: list[StreamState] = []

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self.tracks.append(tracks)

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def on_state(self, state: StreamState) -> None:
        self.states.append(state)

    def of(self, track: int) -> list[Frame]:
        return [frame for frame in self.frames if frame.track == track]

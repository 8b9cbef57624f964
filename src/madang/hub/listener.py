"""What a stream tells those who follow it."""

from enum import StrEnum
from typing import Protocol

from madang.media.frame import Frame
from madang.media.track import Track


class StreamState(StrEnum):
    """`live` means that frames are arriving; `reconnecting`, that the publisher may still come back."""

    LIVE = "live"
    RECONNECTING = "reconnecting"
    ENDED = "ended"


class StreamListener(Protocol):
    """Follows a stream, called synchronously: each call is O(1), never awaits, never raises.

    `on_tracks` comes first, and again whenever a codec configuration changes or the publisher came back
    (`discontinuity` true); frames after it belong to the new tracks and start with a keyframe.
    Packagers are listeners; whoever needs to wait uses a `Subscription`, which is one too.
    """

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None: ...

    def on_frame(self, frame: Frame) -> None: ...

    def on_state(self, state: StreamState) -> None: ...

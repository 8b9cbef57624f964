"""A stream in another codec: how a way out asks for it, and the port of who makes it."""

from typing import Protocol

from madang.hub.listener import StreamListener, StreamState
from madang.media.track import Codec, Track


class Source(Protocol):
    """What a listener can follow: a stream, or a rendition of one. Its tracks and what is cached of it come
    at once; everything comes in order, as `StreamListener` says."""

    @property
    def tracks(self) -> tuple[Track, ...]: ...

    @property
    def state(self) -> StreamState: ...

    def attach(self, listener: StreamListener) -> None: ...

    def detach(self, listener: StreamListener) -> None: ...


class Transcoder(Protocol):
    """Makes renditions; implemented in `transcoding`."""

    def rendition(self, stream: Source, codec: Codec, playable: frozenset[Codec]) -> Source:
        """`stream` with its sound in `codec`, wherever it is in none of `playable`. Costs nothing before
        somebody follows it, and hardly anything while the sound needs no change."""
        ...

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

    def remade(self, picture: Track) -> None:
        """Its picture is being made anew for somebody: the broadcaster is to hear of it."""
        ...


class Transcoder(Protocol):
    """Makes renditions; implemented in `transcoding`."""

    def rendition(
        self, stream: Source, codec: Codec, playable: frozenset[Codec], in_order: bool = False
    ) -> Source:
        """`stream` with its sound, or its picture, in `codec`, wherever it is in none of `playable`;
        `in_order` also where pictures are not shown in the order in which they come (B-frames). Costs
        nothing before somebody follows it, and hardly anything while nothing needs a change."""
        ...

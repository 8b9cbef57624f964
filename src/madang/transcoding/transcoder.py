"""Streams with their sound or picture in another codec, where viewers cannot play the publisher's."""

from madang.base.clock import Clock
from madang.base.limits import PICTURE_THREADS
from madang.hub.rendition import Source
from madang.media.track import Codec, Kind
from madang.transcoding.rendition import Rendition
from madang.transcoding.reshown import PictureRendition
from madang.transcoding.workshop import Worker, Workshop, convert


class MediaTranscoder:
    """Implements `hub.rendition.Transcoder`. Threads and media libraries come with the first sound or picture
    that needs them; pictures have threads of their own, so that no sound waits for them."""

    def __init__(self, clock: Clock, worker: Worker = convert) -> None:
        self._shop = Workshop(clock, worker)
        self._picture_shop = Workshop(clock, worker, PICTURE_THREADS)
        self.counters = self._shop.counters
        """Of sound."""
        self.pictures = self._picture_shop.counters

    def rendition(
        self, stream: Source, codec: Codec, playable: frozenset[Codec], in_order: bool = False
    ) -> Source:
        """`stream` with its sound, or its picture, in `codec`, unless it is in one of `playable`, or in one
        that cannot be decoded here. `in_order`: a picture in `playable` is made anew where it has B-frames.
        """
        if codec.kind is Kind.VIDEO:
            return PictureRendition(stream, codec, playable, self._picture_shop, in_order)
        return Rendition(stream, codec, playable, self._shop)

    async def settle(self) -> None:
        """Wait, but not for long, until followers have been told everything: in a drain, behind the
        registry's close. Sound may come behind a picture."""
        await self._picture_shop.settle()
        await self._shop.settle()

    async def close(self) -> None:
        """Stop the threads."""
        await self._shop.close()
        await self._picture_shop.close()

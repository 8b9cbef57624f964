"""Streams with their sound in another codec, for those whose viewers cannot play the publisher's."""

from madang.base.clock import Clock
from madang.hub.rendition import Source
from madang.media.track import Codec
from madang.transcoding.counters import AudioCounters
from madang.transcoding.rendition import Rendition
from madang.transcoding.workshop import Worker, Workshop, convert


class AudioTranscoder:
    """Implements `hub.rendition.Transcoder`. Threads and media libraries come with the first sound that
    needs them."""

    def __init__(self, clock: Clock, worker: Worker = convert) -> None:
        self._shop = Workshop(clock, worker)

    @property
    def counters(self) -> AudioCounters:
        return self._shop.counters

    def rendition(self, stream: Source, codec: Codec, playable: frozenset[Codec]) -> Source:
        """`stream` with its sound in `codec`, unless it is in one of `playable`, or in one that cannot be
        decoded here."""
        return Rendition(stream, codec, playable, self._shop)

    async def settle(self) -> None:
        """Wait, but not for long, until followers have been told everything: in a drain, behind the
        registry's close."""
        await self._shop.settle()

    async def close(self) -> None:
        """Stop the threads."""
        await self._shop.close()

"""All streams of this process: who publishes what, takeover, reconnect window, end."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from madang.base.clock import Clock
from madang.base.errors import Refused
from madang.base.ids import BroadcastId, ChannelId, encode_id
from madang.hub.gate import Lease
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Track


class StreamObserver(Protocol):
    """Is told what becomes of streams; synchronous, must not raise."""

    def began(self, stream: Stream) -> None: ...

    def lost(self, stream: Stream) -> None: ...

    def resumed(self, stream: Stream) -> None: ...

    def ended(self, stream: Stream, reason: str) -> None: ...


class Publication:
    """A publisher's hold on a stream; after `lost`, `end` or a revocation it does nothing."""

    def __init__(self, registry: "Registry", stream: Stream, revoked: Callable[[str, str], None]) -> None:
        self.stream = stream
        self.epoch = stream.epoch
        self.revoked = revoked
        """Called with (code, sentence) when the publisher must go: `kicked`, `taken_over`, `ended`."""
        self._registry = registry
        self._fresh = True

    @property
    def current(self) -> bool:
        """Whether this publisher still holds the stream."""
        return self.stream.epoch == self.epoch and self.stream.state is not StreamState.ENDED

    def tracks(self, tracks: tuple[Track, ...]) -> None:
        """The tracks of the frames that follow; again when a codec configuration changes."""
        if self.current:
            first = not self.stream.tracks
            self.stream.offer_tracks(tracks, discontinuity=self._fresh and not first)
            self._fresh = False
            self._registry.resume(self.stream)

    def frame(self, frame: Frame) -> None:
        """One frame, in decoding order per track, with the publisher's own times."""
        if self.current:
            self.stream.offer(frame)

    def lost(self, reason: str) -> None:
        """The socket is gone without goodbye: the reconnect window opens."""
        if self.current:
            self._registry.lose(self.stream, reason)

    def end(self, reason: str) -> None:
        """The publisher said goodbye (FCUnpublish, deleteStream, DELETE): the broadcast ends at once."""
        if self.current:
            self._registry.end(self.stream, reason)


class Registry:
    """Streams by channel. One live publication per channel; `now` comes from the clock port."""

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes], observer: StreamObserver) -> None:
        self.streams: dict[ChannelId, Stream] = {}
        self.on_began: list[Callable[[Stream], None]] = []
        """Called for each new stream before its first frame; the wiring attaches packagers here."""
        self._clock = clock
        self._entropy = entropy
        self._observer = observer
        self._holders: dict[ChannelId, Publication] = {}

    def get(self, channel: ChannelId) -> Stream | None:
        """The stream of a channel while it is live or reconnecting."""
        return self.streams.get(channel)

    async def publish(self, lease: Lease, revoked: Callable[[str, str], None]) -> Publication:
        """Take the channel's stream, continuing a reconnecting one. Held for up to TAKEOVER_SILENCE_S
        while another publisher may have died; raises Refused `busy` when it lives."""
        stream = self.streams.get(lease.channel)
        if stream is not None and stream.state is StreamState.LIVE:
            raise Refused(
                "busy", "the channel has a live publisher", "Another encoder is live on this channel."
            )
        if stream is None:
            stream = Stream(BroadcastId(encode_id(self._entropy(10))), lease, self._clock)
            self.streams[lease.channel] = stream
            for began in self.on_began:
                began(stream)
        stream.lease = lease
        stream.epoch += 1
        publication = Publication(self, stream, revoked)
        self._holders[lease.channel] = publication
        return publication

    def resume(self, stream: Stream) -> None:
        """Frames follow: the stream is live."""
        if stream.state is StreamState.LIVE:
            return
        first = stream.epoch == 1
        stream.enter(StreamState.LIVE)
        (self._observer.began if first else self._observer.resumed)(stream)

    def lose(self, stream: Stream, reason: str) -> None:
        """Open the reconnect window; when it closes, the broadcast ends."""
        stream.enter(StreamState.RECONNECTING)
        self._observer.lost(stream)
        epoch = stream.epoch
        asyncio.get_running_loop().call_later(
            stream.lease.profile.reconnect_window_s, lambda: self._expire(stream, epoch, reason)
        )

    def _expire(self, stream: Stream, epoch: int, reason: str) -> None:
        if stream.epoch == epoch and stream.state is StreamState.RECONNECTING:
            self.end(stream, reason)

    def end(self, stream: Stream, reason: str) -> None:
        """End the broadcast: listeners are told, the channel is free."""
        if self.streams.get(stream.lease.channel) is stream:
            del self.streams[stream.lease.channel]
            self._holders.pop(stream.lease.channel, None)
        stream.enter(StreamState.ENDED)
        self._observer.ended(stream, reason)

    def kick(self, channel: ChannelId, code: str, told: str) -> bool:
        """Send the publisher away and end the broadcast; False when nobody publishes."""
        stream, holder = self.streams.get(channel), self._holders.get(channel)
        if stream is None or holder is None:
            return False
        self.end(stream, code)
        holder.revoked(code, told)
        return True

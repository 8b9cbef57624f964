"""All streams of this process: who publishes what, takeover, reconnect window, drain, end.

A channel is in one of four situations. Nobody: no stream. Admitted: a publisher holds the stream, no
frame yet. Live: frames arrive. Waiting: the publisher was lost, the window is open. A second publisher
with a valid key contends for TAKEOVER_SILENCE_S: it gets the stream when the holder is silent for so
long or goes, else it is refused (fault F10).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from madang.base.clock import Clock
from madang.base.errors import Overloaded, PeerError, Refused
from madang.base.ids import BroadcastId, ChannelId, KeyId, encode_id
from madang.base.limits import PUBLISHER_SILENT_S
from madang.hub.contention import Contender, Guard, Timer
from madang.hub.counters import HubCounters
from madang.hub.gate import Lease
from madang.hub.listener import StreamState
from madang.hub.publication import Publication as Publication
from madang.hub.rendition import Transcoder
from madang.hub.stream import Stream

SWEEP_STALL_S = 2.5
"""F23: sweeps come each second; after a longer pause nobody is called silent."""


class StreamObserver(Protocol):
    """Is told what becomes of streams; synchronous, must not raise."""

    def began(self, stream: Stream) -> None: ...

    def lost(self, stream: Stream) -> None: ...

    def resumed(self, stream: Stream) -> None: ...

    def ended(self, stream: Stream, reason: str) -> None: ...

    def contested(self, stream: Stream, lease: Lease) -> None:
        """A second publisher, admitted with `lease`, was refused because the first one lives."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]


def _loop_later(seconds: float, call: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, call)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives the process of a stream, so that a publisher who returns continues it."""

    lease: Lease
    broadcast: BroadcastId
    epoch: int
    started_wall: float
    media_s: float
    """Media time reached, and when that was."""
    media_wall: float
    until_wall: float
    """The reconnect window closes."""


class _Hold:
    """One channel's stream, and who holds it."""

    __slots__ = ("began", "contender", "guard", "holder", "stream", "until", "window")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.holder: Publication | None = None
        self.contender: Contender | None = None
        self.guard = Guard()
        self.began = False
        """Frames arrived once; observers know the stream."""
        self.window: Timer | None = None
        self.until = 0.0
        """When the reconnect window closes."""

    def release(self) -> Publication | None:
        """The holder goes, whoever it is."""
        holder, self.holder = self.holder, None
        if holder is not None:
            holder.over = True
        return holder

    def stop_window(self) -> None:
        if self.window is not None:
            self.window.cancel()
            self.window = None


class Registry:
    """Streams by channel. One live publication per channel; `now` comes from the clock port, timers from
    `later` (the running loop's `call_later`). `sweep` is to be called each second."""

    def __init__(
        self,
        clock: Clock,
        entropy: Callable[[int], bytes],
        observer: StreamObserver,
        later: Later = _loop_later,
    ) -> None:
        self.streams: dict[ChannelId, Stream] = {}
        self.on_began: list[Callable[[Stream], None]] = []
        """Called for each new stream before its first frame; the wiring attaches packagers here."""
        self.transcoder: Transcoder | None = None
        """Who answers `Stream.want`; set by the wiring."""
        self.counters = HubCounters()
        self.now = clock.monotonic
        self._clock = clock
        self._entropy = entropy
        self._observer = observer
        self._later = later
        self._holds: dict[ChannelId, _Hold] = {}
        self._closing = False
        self._swept_at: float | None = None

    def get(self, channel: ChannelId) -> Stream | None:
        """The stream of a channel while it is live or reconnecting."""
        return self.streams.get(channel)

    # --- beginning ---------------------------------------------------------------------------------

    async def publish(self, lease: Lease, revoked: Callable[[str, str], None]) -> Publication:
        """Take the channel's stream, continuing a reconnecting one. Held for up to TAKEOVER_SILENCE_S
        while another publisher may have died; raises Refused `busy` when it lives, Overloaded in a drain."""
        while True:
            if self._closing:
                raise Overloaded("draining", "The server restarts: try again in a moment.", 2)
            hold = self._holds.get(lease.channel)
            if hold is None or (hold.holder is None and hold.contender is None):
                return self._admit(hold, lease, revoked)
            await self._contend(hold, lease)

    def _admit(self, hold: _Hold | None, lease: Lease, revoked: Callable[[str, str], None]) -> Publication:
        """Give the stream to a publisher."""
        if hold is None:
            broadcast = BroadcastId(encode_id(self._entropy(10)))
            hold = self._open(Stream(broadcast, lease, self._clock, self.counters))
        stream = hold.stream
        hold.stop_window()
        # What packaging promised with the first playlist holds for the whole broadcast.
        stream.lease = msgspec.structs.replace(lease, profile=stream.lease.profile)
        stream.epoch += 1
        stream.health.admit()
        hold.holder = Publication(self, stream, revoked, self.now())
        return hold.holder

    def _open(self, stream: Stream) -> _Hold:
        hold = _Hold(stream)
        stream.transcoder = self.transcoder
        channel = stream.lease.channel
        self._holds[channel] = hold
        self.streams[channel] = stream
        for began in self.on_began:
            began(stream)
        return hold

    def resume(self, stream: Stream) -> None:
        """Frames follow: the stream is live."""
        hold = self._holds.get(stream.lease.channel)
        if hold is None or hold.stream is not stream or stream.state is not StreamState.RECONNECTING:
            return
        stream.enter(StreamState.LIVE)
        if hold.began:
            self.counters.resumed += 1
            self._observer.resumed(stream)
        else:
            hold.began = True
            self.counters.began += 1
            self._observer.began(stream)

    # --- contention --------------------------------------------------------------------------------

    async def _contend(self, hold: _Hold, lease: Lease) -> None:
        """Wait for the stream to be free; raises Refused `busy` when its holder lives."""
        now = self.now()
        if hold.contender is not None or hold.guard.closed(now):
            raise self._refusal(hold, lease)
        contender = hold.contender = Contender(now, lease.key)
        try:
            self._judge(hold, contender)
            answer = await contender.answer
        finally:
            hold.contender = None
            contender.close()
        if contender.dismissed is not None:
            raise contender.dismissed
        if isinstance(answer, PeerError):
            raise answer
        if not answer:
            raise self._refusal(hold, lease)

    def _refusal(self, hold: _Hold, lease: Lease) -> Refused:
        self.counters.refused += 1
        self._observer.contested(hold.stream, lease)
        return Refused("busy", "the channel has a live publisher", "Another encoder is live on this channel.")

    def _judge(self, hold: _Hold, contender: Contender) -> None:
        """Look at the holder: silent for long enough, alive, or to be looked at again."""
        if hold.holder is None:
            contender.decide(True)
            return
        now = self.now()
        silent = contender.judge(hold.holder.alive_at, now)
        if silent is None:
            contender.timer = self._later(contender.look_at - now, lambda: self._judge(hold, contender))
        else:
            contender.decide(silent and self._take_over(hold, hold.holder, now))

    def _take_over(self, hold: _Hold, holder: Publication, now: float) -> bool:
        """The silent holder goes, unless two encoders fight for the channel."""
        if not hold.guard.take(now):
            return False
        self.counters.takeovers += 1
        self.lose(hold.stream, "taken_over")
        holder.revoked("taken_over", "Another encoder took over this channel.")
        return True

    # --- losing and ending -------------------------------------------------------------------------

    def lose(self, stream: Stream, reason: str) -> None:
        """Open the reconnect window; when it closes, the broadcast ends. A stream that never had a frame
        ends at once."""
        hold = self._hold_of(stream)
        if hold is None:
            return
        hold.release()
        if not hold.began:
            self.end(stream, reason)
            return
        now = self.now()
        if stream.state is StreamState.LIVE:
            hold.until = now + stream.lease.profile.reconnect_window_s
            stream.enter(StreamState.RECONNECTING)
            self.counters.lost += 1
            self._observer.lost(stream)
        hold.stop_window()
        self._wait(hold, reason, hold.until - now)
        if hold.contender is not None:
            hold.contender.decide(True)

    def _wait(self, hold: _Hold, reason: str, seconds: float) -> None:
        """End the broadcast when nobody returned in so many seconds."""
        if seconds <= 0 and hold.contender is None:
            self.end(hold.stream, reason)
        else:
            hold.window = self._later(max(0.0, seconds), lambda: self._expire(hold, reason))

    def _expire(self, hold: _Hold, reason: str) -> None:
        if hold.contender is not None:  # it was told that the stream is free, and is on its way to it
            hold.window = self._later(0.0, lambda: self._expire(hold, reason))
            return
        if hold.holder is None and hold.stream.state is StreamState.RECONNECTING:
            self.end(hold.stream, reason)

    def end(self, stream: Stream, reason: str) -> None:
        """End the broadcast: listeners are told, the channel is free."""
        hold = self._hold_of(stream)
        if hold is None:
            return
        hold.release()
        hold.stop_window()
        del self._holds[stream.lease.channel], self.streams[stream.lease.channel]
        stream.enter(StreamState.ENDED)
        if hold.began:
            self.counters.ended += 1
            self._observer.ended(stream, reason)
        if hold.contender is not None:
            hold.contender.decide(True)

    def kick(self, channel: ChannelId, code: str, told: str) -> bool:
        """Send the publisher and a contender away and end the broadcast; False when there is none."""
        hold = self._holds.get(channel)
        if hold is None:
            return False
        holder = hold.release()
        if hold.contender is not None:
            hold.contender.decide(Refused(code, "the channel's publisher was sent away", told))
        self.end(hold.stream, code)
        if holder is not None:
            holder.revoked(code, told)
        return True

    def keys(self, channel: ChannelId) -> tuple[KeyId, ...]:
        """What the channel's last publisher came with, and a contender."""
        hold = self._holds.get(channel)
        if hold is None:
            return ()
        contender = (hold.contender.key,) if hold.contender is not None else ()
        return (hold.stream.lease.key, *contender)

    def revoke(self, channel: ChannelId, key: KeyId, code: str, told: str) -> None:
        """A key no longer opens the channel: a broadcast that runs on it ends, a contender is refused."""
        hold = self._holds.get(channel)
        if hold is not None and hold.contender is not None and hold.contender.key == key:
            hold.contender.dismissed = Refused(code, "the contender's key was revoked", told)
            hold.contender.decide(hold.contender.dismissed)
        if hold is not None and hold.stream.lease.key == key:
            self.kick(channel, code, told)

    def sweep(self, now: float) -> None:
        """Lose publishers that were silent for PUBLISHER_SILENT_S (F9). To be called each second."""
        last, self._swept_at = self._swept_at, now
        if last is None or now - last > SWEEP_STALL_S:
            return
        for hold in list(self._holds.values()):
            holder = hold.holder
            if holder is not None and now - holder.alive_at > PUBLISHER_SILENT_S:
                self.lose(hold.stream, "silent")
                holder.revoked("silent", f"No media arrived for {PUBLISHER_SILENT_S:.0f} seconds.")

    def _hold_of(self, stream: Stream) -> _Hold | None:
        hold = self._holds.get(stream.lease.channel)
        return hold if hold is not None and hold.stream is stream else None

    # --- drain -------------------------------------------------------------------------------------

    def close(self) -> tuple[Kept, ...]:
        """Drain (F25): publishers and contenders go, no broadcast ends; what is to be kept of each."""
        self._closing = True
        return tuple(kept for hold in list(self._holds.values()) if (kept := self._close(hold)) is not None)

    def _close(self, hold: _Hold) -> Kept | None:
        stream = hold.stream
        holder = hold.release()
        hold.stop_window()
        if hold.contender is not None:
            hold.contender.decide(Overloaded("draining", "The server restarts: try again in a moment.", 2))
        if stream.state is StreamState.LIVE:
            stream.enter(StreamState.RECONNECTING)
            self._observer.lost(stream)
        if holder is not None:
            holder.revoked("restarting", "The server restarts: connect again in a moment.")
        if not hold.began:
            return None
        return Kept(
            lease=stream.lease,
            broadcast=stream.broadcast,
            epoch=stream.epoch,
            started_wall=stream.started_wall,
            media_s=stream.media_s,
            media_wall=stream.wall_of(stream.media_s),
            until_wall=self._clock.wall() + stream.lease.profile.reconnect_window_s,
        )

    def restore(self, kept: Iterable[Kept]) -> None:
        """At the start: streams of the run before wait for their publishers; those whose window has
        closed have ended."""
        wall = self._clock.wall()
        for one in kept:
            stream = Stream(one.broadcast, one.lease, self._clock, self.counters)
            stream.epoch, stream.started_wall = one.epoch, one.started_wall
            stream.restore(one.media_s, one.media_wall)
            hold = self._open(stream)
            hold.began = True
            hold.until = self.now() + one.until_wall - wall
            self._wait(hold, "restarted", one.until_wall - wall)

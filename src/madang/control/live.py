"""Live streams: their state and health as the studio sees them, their rows, and their end."""

from collections import deque
from functools import partial
from typing import Any

import msgspec

from madang.base.events import Event
from madang.base.ids import ChannelId, KeyId
from madang.control.abandoned import NOTE_S, Abandoned
from madang.control.admission import KeyGate
from madang.control.book import Book
from madang.control.clerk import Clerk
from madang.control.errors import NotFound
from madang.control.facts import (
    SAMPLES,
    Brief,
    PublisherFacts,
    Sample,
    StreamFacts,
    layer_facts,
    sample_line,
    track_facts,
)
from madang.control.ports import Work
from madang.control.records import Broadcast, Channel, Page
from madang.control.rights import Actor, Right, permits
from madang.hub.audience import Audience
from madang.hub.gate import Lease
from madang.hub.listener import StreamState
from madang.hub.registry import Registry
from madang.hub.stream import Stream


class _Desk:
    """What is kept of one live stream between two looks."""

    def __init__(self, row: Broadcast, now: float) -> None:
        self.row = row
        self.noted_at = now
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)
        self.lost_at: float | None = None
        self.viewers = 0


class Live:
    """Implements `hub.registry.StreamObserver`; commands through the registry."""

    def __init__(self, clerk: Clerk, book: Book, gate: KeyGate, node: str) -> None:
        self._clerk = clerk
        self._node = node
        """Which server this is, of several on one database."""
        self.abandoned = Abandoned(clerk.store, node)
        self._book = book
        self._gate = gate
        self._registry: Registry | None = None
        self._audience = Audience()
        self._desks: dict[ChannelId, _Desk] = {}
        clerk.feed.snapshot = lambda channel: msgspec.structs.asdict(self.brief(channel))

    def attach_hub(self, registry: Registry, audience: Audience) -> None:
        """The hub that is looked at and commanded; made after its observer."""
        self._registry = registry
        self._audience = audience

    # --- what the hub tells

    def began(self, stream: Stream) -> None:
        """The first frames of a broadcast."""
        self._desk(stream)
        self._tell("began", stream)

    def _desk(self, stream: Stream) -> _Desk:
        """What is kept of a stream, from its first frame on, or from the restart of the server."""
        lease, now = stream.lease, self._clerk.clock.wall()
        desk = self._desks.get(lease.channel)
        if desk is not None and desk.row.broadcast == stream.broadcast:
            return desk
        channel = self._clerk.directory.channel(lease.channel)
        row = Broadcast(
            id=self._clerk.new_id(),
            broadcast=stream.broadcast,
            channel=lease.channel,
            title=channel.title if channel else "",
            began_at=stream.started_wall,
            node=self._node,
            alive_at=now,
        )
        desk = self._desks[lease.channel] = _Desk(row, self._clerk.clock.monotonic())
        desk.lost_at = now if stream.state is StreamState.RECONNECTING else None
        self._audience.begin(lease.channel, self._clerk.clock.monotonic())
        if channel is not None:
            self._clerk.directory.put_channel(msgspec.structs.replace(channel, last_live_at=now))
        self._book.write(lambda work: _write_began(work, row, lease.key, now))
        return desk

    def lost(self, stream: Stream) -> None:
        """The publisher is gone, and may come back inside the window."""
        self._desk(stream).lost_at = self._clerk.clock.wall()
        self._tell("lost", stream)

    def resumed(self, stream: Stream) -> None:
        """The publisher is back; it is the same broadcast."""
        desk = self._desk(stream)
        gap_s = self._clerk.clock.wall() - desk.lost_at if desk.lost_at is not None else 0.0
        desk.lost_at = None
        self._tell("resumed", stream, gap_s=round(gap_s, 1))

    def ended(self, stream: Stream, reason: str) -> None:
        """The broadcast is over."""
        channel, now = stream.lease.channel, self._clerk.clock.wall()
        if channel not in self._desks and not stream.restored:
            return  # it never had a frame
        desk = self._desk(stream)
        stats = self._audience.end(channel, self._clerk.clock.monotonic())
        del self._desks[channel]
        known = self._clerk.directory.channel(channel)
        if known is not None:
            self._clerk.directory.put_channel(msgspec.structs.replace(known, last_live_at=now))
        row = msgspec.structs.replace(
            desk.row, ended_at=now, end_reason=reason[:200], peak_viewers=stats.peak
        )
        self._book.write(lambda work: _write_ended(work, row))
        self._tell("ended", stream, reason=reason[:200], peak_viewers=stats.peak)

    def contested(self, stream: Stream, lease: Lease) -> None:
        """A second encoder was refused because the first one lives: told in the studio."""
        facts = {"door": lease.door, "reason": "busy"}
        happening = self._clerk.happening("stream.second_publisher", None, lease.channel, **facts)
        happening = msgspec.structs.replace(happening, peer=lease.peer)
        self._clerk.feed.happened(happening)
        self._book.record(happening)

    def _tell(self, event: str, stream: Stream, **data: str | int | float) -> None:
        lease = stream.lease
        facts = {"broadcast": stream.broadcast, "door": lease.door, **data}
        happening = self._clerk.happening(f"stream.{event}", None, lease.channel, **facts)
        happening = msgspec.structs.replace(happening, peer=lease.peer)
        self._clerk.feed.stream(event, lease.channel)
        self._clerk.feed.happened(happening)
        told = Event(
            id=self._clerk.new_id(),
            kind=happening.kind,
            room=lease.channel,
            at=happening.at,
            data={name: value for name, value in facts.items() if name != "door"},
        )

        async def fact(work: Work) -> None:
            await work.happenings.add(happening)
            await work.outbox.put(told)

        self._book.write(fact)

    # --- what pages ask

    def _stream(self, channel: ChannelId) -> Stream | None:
        """The stream of a channel, from its first frame on; of the run before, from the start on."""
        stream = self._registry.get(channel) if self._registry is not None else None
        return stream if stream is not None and (channel in self._desks or stream.restored) else None

    def _streams(self) -> dict[ChannelId, Stream]:
        """Every stream that may be shown."""
        known = self._registry.streams if self._registry is not None else {}
        return {channel: stream for channel, stream in known.items() if self._stream(channel) is not None}

    def brief(self, channel: ChannelId) -> Brief:
        """What anybody may know who may watch."""
        stream = self._stream(channel)
        if stream is None:
            return Brief(state="offline")
        viewers = self._audience.count(channel, self._clerk.clock.monotonic())
        return Brief(
            state=stream.state.value,
            broadcast_id=stream.broadcast,
            began_at=stream.started_wall,
            viewers=viewers,
        )

    def place(self, channel: ChannelId) -> tuple[bool, int]:
        """Whether a channel is live, and its viewers: its place in lists."""
        stream = self._stream(channel)
        if stream is None:
            return False, 0
        return True, self._audience.count(channel, self._clerk.clock.monotonic())

    def publishes_with(self, channel: ChannelId, key: KeyId) -> bool:
        stream = self._stream(channel)
        return stream is not None and stream.lease.key == key and stream.state is StreamState.LIVE

    def count(self) -> tuple[int, int]:
        """Streams and viewers of the whole server."""
        now = self._clerk.clock.monotonic()
        streams = self._streams()
        return len(streams), sum(self._audience.count(channel, now) for channel in streams)

    def get(self, channel: Channel) -> StreamFacts:
        """The channel's stream; NotFound while it is offline."""
        stream = self._stream(channel.id)
        if stream is None:
            raise NotFound("live stream")
        return self._facts(channel, stream)

    def list(self, actor: Actor, cursor: str | None, limit: int) -> Page[StreamFacts]:
        """Streams whose studio `actor` may enter, by channel id."""
        found = []
        for channel_id, stream in sorted(self._streams().items()):
            channel = self._clerk.directory.channel(channel_id)
            if channel is None or (cursor is not None and channel_id <= cursor):
                continue
            role = self._clerk.directory.role(actor.account, channel_id)
            if permits(actor, role, channel, Right.STUDIO):
                found.append((channel, stream))
        items = [self._facts(channel, stream) for channel, stream in found[:limit]]
        return Page(items=items, next=items[-1].channel_id if len(found) > limit else None)

    def _facts(self, channel: Channel, stream: Stream) -> StreamFacts:
        now, wall, lease = self._clerk.clock.monotonic(), self._clerk.clock.wall(), stream.lease
        desk = self._desk(stream)
        stats = self._audience.stats(channel.id, now)
        meters = stream.health.meters(now)
        key = self._clerk.directory.key(lease.key)
        waiting = desk.lost_at is not None
        return StreamFacts(
            channel_id=channel.id,
            slug=channel.slug,
            name=channel.name,
            title=channel.title,
            state=stream.state.value,
            broadcast_id=stream.broadcast,
            began_at=stream.started_wall,
            uptime_s=max(0.0, wall - stream.started_wall),
            reconnect_by=(desk.lost_at or 0) + lease.profile.reconnect_window_s if waiting else None,
            publisher=PublisherFacts(
                door=lease.door,
                peer=lease.peer,
                user_agent=lease.user_agent,
                key_id=lease.key,
                key_name=key.name if key else "",
            ),
            tracks=[track_facts(track) for track in stream.tracks],
            layers=layer_facts(stream),
            bitrate_bps=0 if waiting else meters.bitrate_bps,
            fps=0.0 if waiting else meters.fps,
            viewers=stats.count,
            viewers_by_door=stats.doors,
            peak_viewers=stats.peak,
            health=list(stream.health.findings(now)) if not waiting else [],
            samples=list(desk.samples),
        )

    async def broadcasts(self, channel: Channel, cursor: str | None, limit: int) -> Page[Broadcast]:
        """Past and present broadcasts, the newest first."""
        async with self._clerk.store.read() as work:
            return await work.broadcasts.page(cursor, limit, channel=channel.id)

    async def settle(self) -> None:
        """At the start: this server's broadcasts that a crash left open, and that nobody can continue, have
        ended."""
        streams = self._registry.streams.values() if self._registry is not None else ()
        await self.abandoned.end_own({stream.broadcast for stream in streams})

    # --- each second

    def tick(self) -> None:
        """Once a second: samples for the graphs, viewer counts and health for the feed."""
        now, wall = self._clerk.clock.monotonic(), self._clerk.clock.wall()
        counts: dict[ChannelId, int] = {}
        for channel, stream in self._streams().items():
            desk = self._desk(stream)
            viewers = self._audience.count(channel, now)
            if viewers != desk.viewers:
                counts[channel] = desk.viewers = viewers
            bitrate_bps, fps = stream.health.rates(now)
            desk.samples.append(Sample(wall, bitrate_bps, round(fps, 1), viewers))
            if self._clerk.feed.follows(channel):
                self._clerk.feed.studio(channel, self._pulse(stream, desk, now))
            if now - desk.noted_at >= NOTE_S and stream.state is StreamState.LIVE:
                desk.noted_at = now
                self._book.write(partial(_write_alive, row=desk.row, now=wall))
        if counts:
            self._clerk.feed.viewers(counts)

    def _pulse(self, stream: Stream, desk: _Desk, now: float) -> dict[str, Any]:
        return {
            "state": stream.state.value,
            "sample": sample_line(desk.samples[-1]),
            "health": stream.health.findings(now) if stream.state is StreamState.LIVE else (),
            "viewers_by_door": self._audience.stats(stream.lease.channel, now).doors,
            "tracks": [track_facts(track) for track in stream.tracks],
        }

    # --- ends

    async def end(self, actor: Actor, channel: Channel) -> None:
        """End the broadcast; its key is refused for a minute, since encoders come back by themselves."""
        await self._send_away(actor, channel, "ended", "The broadcast was ended in the studio.")

    async def kick(self, actor: Actor, channel: Channel, reason: str) -> None:
        """Send the publisher away, with a reason that its encoder shows."""
        told = f"You were sent away: {reason}." if reason else "You were sent away by the studio."
        await self._send_away(actor, channel, "kicked", told)

    async def _send_away(self, actor: Actor, channel: Channel, code: str, told: str) -> None:
        stream = self._registry.get(channel.id) if self._registry is not None else None
        if stream is None or self._registry is None:
            raise NotFound("live stream")
        self._gate.refuse(stream.lease.key, code, told)
        self._registry.kick(channel.id, code, told)
        happening = self._clerk.happening(f"stream.{code}_by", actor, channel.id, reason=told)
        self._clerk.feed.happened(happening)
        self._book.record(happening)

    def end_key(self, channel: ChannelId, key: KeyId) -> None:
        """A key was revoked: a broadcast that runs on it ends (A25), and nobody waits for one with it."""
        if self._registry is not None:
            self._registry.revoke(channel, key, "kicked", "This stream key was revoked.")

    def end_channel(self, channel: ChannelId) -> None:
        """A channel was deleted."""
        if self._registry is not None:
            self._registry.kick(channel, "kicked", "This channel was deleted.")

    def recheck(self) -> None:
        """Keys or channels may have ended in another process: their broadcasts end here (≤ 2 s)."""
        if self._registry is None:
            return
        for channel in list(self._registry.streams):
            if self._clerk.directory.channel(channel) is None:
                self.end_channel(channel)
            for key in self._registry.keys(channel):
                known = self._clerk.directory.key(key)
                # A rotated key that ran out keeps the broadcast that it began.
                if known is None or known.revoked_at is not None:
                    self.end_key(channel, key)


async def _write_began(work: Work, row: Broadcast, key: KeyId, now: float) -> None:
    known = await work.broadcasts.find(broadcast=row.broadcast)
    if await work.channels.get(row.channel) is not None:
        if known:
            await _go_on(work, known, row.node, now)
        else:
            await work.broadcasts.add(row)
        await work.channels.note(row.channel, last_live_at=now)
        await work.keys.note(key, last_used_at=now)


async def _write_alive(work: Work, row: Broadcast, now: float) -> None:
    await _go_on(work, await work.broadcasts.find(broadcast=row.broadcast), row.node, now)
    await work.channels.note(row.channel, last_live_at=now)


async def _go_on(work: Work, rows: list[Broadcast], node: str, now: float) -> None:
    """Also where another server took this one for gone, which was away for minutes."""
    for row in rows:
        await work.broadcasts.note(row.id, node=node, alive_at=now, ended_at=None, end_reason="")


async def _write_ended(work: Work, row: Broadcast) -> None:
    found = await work.broadcasts.find(broadcast=row.broadcast)
    for begun in found:
        peak = max(begun.peak_viewers, row.peak_viewers)
        ended = msgspec.structs.replace(row, id=begun.id, began_at=begun.began_at, peak_viewers=peak)
        await work.broadcasts.put(ended)
    await work.channels.note(row.channel, last_live_at=row.ended_at)

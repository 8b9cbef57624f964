"""Streams rendered while somebody watches: FLV tags here, RTMP chunks by another framing."""

import asyncio
from collections.abc import Callable

from madang.containers.flv.video import timestamp_ms
from madang.hub.listener import StreamState
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track
from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.fanout import Envelope, Fanout, Schedule
from madang.net.fanout.log import Piece
from madang.net.fanout.settings import FanoutSettings
from madang.net.fanout.viewer import Viewer
from madang.packaging.flv.dubbing import AUDIBLE, VISIBLE, Dubbing
from madang.packaging.flv.messages import (
    Message,
    burst_messages,
    frame_message,
    header_bodies,
    header_messages,
)

Framing = Callable[[Message], list[Piece]]
"""How a format writes one message, its payload not copied: FLV tags, RTMP chunks."""


class Rendering:
    """One stream in one format: each frame is rendered once and appended to the logs of its ways out.

    It follows the stream while it has viewers. Times are the stream's own milliseconds, so that they go on
    across codec changes and the publisher's reconnects; headers are sent again at each. Sound in none of
    `audible` is dubbed, and a picture in none of VISIBLE.
    """

    def __init__(self, stream: Stream, framing: Framing, audible: frozenset[Codec] = AUDIBLE) -> None:
        self._stream = stream
        self._framing = framing
        self._readable = {Kind.AUDIO: audible, Kind.VIDEO: VISIBLE}
        self._dubbings: dict[Kind, Dubbing] = {}
        self._given: tuple[Track, ...] = ()
        """The stream's own tracks."""
        self._tracks: dict[int, Track] = {}
        """Those of them that go as they are."""
        self._first_kind = Kind.AUDIO
        """A keyframe of this kind is a place to begin."""
        self._headers: list[tuple[int, bytes]] = []
        self._last_ms = 0
        self._burst: list[Piece] | None = None
        self._replay = True
        self.fanouts: dict[Envelope | None, Fanout] = {}

    def begin(self) -> None:
        """Follow the stream. What it replays is kept in its GOP cache and is not rendered."""
        self._stream.attach(self)
        self._replay = False

    def end(self) -> None:
        """Follow no longer."""
        self._stream.detach(self)
        for kind in tuple(self._dubbings):
            self._end_dubbing(kind)

    def join(
        self, viewer: Viewer, transport: asyncio.Transport, prefix: bytes, envelope: Envelope | None
    ) -> None:
        """Serve `viewer` from now on: `prefix`, the start burst, then what is live."""
        if self._burst is None:
            self._burst = self._render_burst()
        fanout = self.fanouts[envelope]
        fanout.join(viewer, transport, [prefix, *self._burst] if prefix else self._burst, bool(self._burst))

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self._given = tracks
        for kind, readable in self._readable.items():
            foreign = any(track.kind is kind and track.codec not in readable for track in tracks)
            if not foreign or self._stream.transcoder is None:
                self._end_dubbing(kind)
            elif kind not in self._dubbings:
                dubbing = Dubbing(self._stream, kind, readable, self._on_dubbed, self._on_dubbed_frame)
                self._dubbings[kind] = dubbing
                dubbing.begin()
        self._show()

    def _show(self) -> None:
        """Tell everyone which tracks there are from now on."""
        own = [track for track in self._given if track.kind not in self._dubbings]
        dubbed = [each.track for each in self._dubbings.values() if each.track is not None]
        self._tracks = {track.id: track for track in own}
        self._headers = header_bodies(sorted((*own, *dubbed), key=lambda track: track.id))
        has_video = any(track.kind is Kind.VIDEO for track in self._given)
        self._first_kind = Kind.VIDEO if has_video else Kind.AUDIO
        self._burst = None
        if not self._replay:
            headers = self._render_headers(self._last_ms)
            for fanout in self.fanouts.values():
                fanout.append(headers)

    def _on_dubbed(self) -> None:
        """What is dubbed has become another track."""
        if self._dubbings:
            self._show()

    def _end_dubbing(self, kind: Kind) -> None:
        dubbing = self._dubbings.pop(kind, None)
        if dubbing is not None:
            dubbing.end()

    def on_frame(self, frame: Frame) -> None:
        track = self._tracks.get(frame.track)
        if track is None:
            return
        self._burst = None
        if self._replay:
            self._last_ms = max(self._last_ms, timestamp_ms(track, frame.dts))
            return
        self._append(track, frame)

    def _on_dubbed_frame(self, track: Track, frame: Frame) -> None:
        if not self._replay:
            self._append(track, frame)

    def _append(self, track: Track, frame: Frame) -> None:
        message = frame_message(track, frame)
        self._last_ms = max(self._last_ms, message.timestamp_ms)
        piece = b"".join(self._framing(message))
        begins = frame.keyframe and track.kind is self._first_kind
        headers = self._render_headers(message.timestamp_ms) if begins else None
        for fanout in self.fanouts.values():
            fanout.append(piece, headers)

    def on_state(self, state: StreamState) -> None:
        if state is StreamState.ENDED:
            for kind in tuple(self._dubbings):
                self._end_dubbing(kind)
            for fanout in tuple(self.fanouts.values()):
                fanout.close()

    def _render_headers(self, at_ms: int) -> bytes:
        messages = header_messages(self._headers, at_ms)
        return b"".join(piece for message in messages for piece in self._framing(message))

    def _render_burst(self) -> list[Piece]:
        """Headers and start burst; empty where a joiner has to wait for a keyframe."""
        if not self._headers:
            return []
        messages = burst_messages(tuple(self._tracks.values()), self._stream.gop.frames)
        if not messages:
            return [self._render_headers(self._last_ms)] if self._first_kind is Kind.AUDIO else []
        pieces: list[Piece] = [self._render_headers(messages[0].timestamp_ms)]
        for message in messages:
            pieces += self._framing(message)
        return pieces


class Renderings:
    """The streams of this process that somebody watches in one format."""

    def __init__(
        self, framing: Framing, schedule: Schedule, settings: FanoutSettings, counters: FanoutCounters
    ) -> None:
        self.counters = counters
        self._framing = framing
        self._schedule = schedule
        self._settings = settings
        self._renderings: dict[tuple[Stream, frozenset[Codec]], Rendering] = {}

    def join(
        self,
        stream: Stream,
        viewer: Viewer,
        transport: asyncio.Transport,
        prefix: bytes = b"",
        envelope: Envelope | None = None,
        audible: frozenset[Codec] = AUDIBLE,
    ) -> None:
        """Serve `viewer` until it leaves or the stream ends; the first viewer makes the rendering.

        `prefix` goes first. `envelope` goes before each batch, the first one included; viewers with the same
        envelope share their bytes. Sound in none of `audible` is made AAC.
        """
        key = (stream, audible)
        rendering = self._renderings.get(key)
        if rendering is None:
            rendering = self._renderings[key] = Rendering(stream, self._framing, audible)
            rendering.begin()
        if envelope not in rendering.fanouts:
            rendering.fanouts[envelope] = self._make_fanout(key, rendering, envelope)
        rendering.join(viewer, transport, prefix, envelope)

    def _make_fanout(
        self, key: tuple[Stream, frozenset[Codec]], rendering: Rendering, envelope: Envelope | None
    ) -> Fanout:
        fanout = Fanout(self._schedule, self._settings, self.counters, envelope)

        def emptied() -> None:
            rendering.fanouts.pop(envelope, None)
            if not rendering.fanouts and self._renderings.pop(key, None) is not None:
                rendering.end()

        fanout.emptied = emptied
        return fanout

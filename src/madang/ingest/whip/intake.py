"""Packets of a publisher's sources become tracks and frames of its stream.

Picture and sound are put on one axis: by arrival at first, and by the publisher's own clock as soon as its
sender reports have told it (RFC 3550 section 6.4.1). A picture that misses one before it is left out until
the next keyframe, which is asked for.
"""

from collections.abc import Callable
from typing import Final, Protocol

from madang.base.errors import PeerError
from madang.codecs import av1, h264, h265, opus, registry
from madang.hub.layer import Layer
from madang.ingest.whip.counters import WhipCounters
from madang.ingest.whip.lane import Lane, Report
from madang.ingest.whip.layers import Layers
from madang.media.frame import Frame
from madang.media.track import Codec, Kind, Track
from madang.protocols.rtp.assembly import Whole
from madang.protocols.rtp.packet import RtpPacket

SOUND_WAITS_S: Final = 3.0
"""Sound waits so long for a picture that was announced; then it begins alone."""
FROZEN_S: Final = 1.0
"""A publisher that answers no request for a keyframe (OBS) goes on with a damaged picture after this."""
SYNC_S: Final = 0.02
"""Sound and picture that are further apart than this are put right."""
SHIFT_S_MAX: Final = 3.0
"""A report that says more is wrong."""
_VIDEO_ID: Final = 1
_AUDIO_ID: Final = 2
_CONFIG_IN: Final[dict[Codec, Callable[[bytes], bytes | None]]] = {
    Codec.H264: h264.config_in,
    Codec.H265: h265.config_in,
    Codec.AV1: av1.config_in,
    Codec.VP8: lambda payload: payload,
    Codec.VP9: lambda payload: payload,
}


class Output(Protocol):
    """A stream that is published to; `hub.publication.Publication` is one."""

    def tracks(self, tracks: tuple[Track, ...]) -> None: ...

    def frame(self, frame: Frame) -> None: ...


class Origin(Protocol):
    """What is asked of a source; `net.webrtc.sources.Source` is one."""

    @property
    def ssrc(self) -> int: ...

    @property
    def rid(self) -> str: ...

    @property
    def report(self) -> Report | None: ...

    def ask_keyframe(self) -> None: ...


class Intake:
    """Fed with the packets of one session; `codecs` are those that were negotiated, by payload type."""

    def __init__(
        self, output: Output, codecs: dict[int, Codec], rids: tuple[str, ...], counters: WhipCounters
    ) -> None:
        self._output = output
        self._codecs = codecs
        self._counters = counters
        self._layers = Layers(rids)
        self._lower: dict[str, Layer] = {}
        """Smaller pictures that may be followed, by their RTP stream ids."""
        self._expects_video = any(codec.kind is Kind.VIDEO for codec in codecs.values())
        self._lanes: dict[int, Lane] = {}
        self._origins: dict[int, Origin] = {}
        self._tracks: dict[int, Track] = {}
        self._configs: dict[int, bytes] = {}
        self._announced: tuple[Track, ...] = ()
        self._began_s: float | None = None
        self._reference_s: float | None = None
        """The publisher's wall clock less the session's axis."""
        self._frozen_at: float | None = None
        self._keyframe_at = 0.0
        self._gone = False

    def packet(self, origin: Origin, packet: RtpPacket, lost: int, now: float) -> None:
        """One packet, behind `lost` that never came. `now` is monotonic seconds."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None or self._gone or not packet.payload:
            return
        self._counters.lost_packets += lost
        lane = self._lanes.get(origin.ssrc)
        if lane is None or lane.codec is not codec:
            rate = 90_000 if codec.kind is Kind.VIDEO else opus.RATE
            lane = self._lanes[origin.ssrc] = Lane(codec, rate)
            self._origins[origin.ssrc] = origin
        if self._began_s is None:
            self._began_s = now
        broken = lane.broken
        for whole in lane.push(packet, lost, now - self._began_s):
            self._take(origin, lane, whole, now)
        if lane.broken != broken:
            self._counters.broken_frames += 1
            if codec.kind is Kind.VIDEO:
                self._freeze(origin, now)

    def _freeze(self, origin: Origin, now: float) -> None:
        """A picture is missing."""
        if origin.rid in self._lower:
            self._lower[origin.rid].freeze()
        if origin.rid != self._layers.taken:
            return
        if self._frozen_at is None:
            self._frozen_at = now
        self._ask(origin)

    def _ask(self, origin: Origin) -> None:
        self._counters.keyframes_asked += 1
        origin.ask_keyframe()

    def ask_keyframe(self) -> None:
        """Ask the taken picture's source for one."""
        self.ask_layer(self._layers.taken)

    def ask_layer(self, rid: str) -> None:
        """Ask the source of this layer for a keyframe."""
        for ssrc, origin in self._origins.items():
            if self._lanes[ssrc].codec.kind is Kind.VIDEO and origin.rid == rid:
                self._ask(origin)

    def serve(self, layer: Layer) -> None:
        """Give this smaller picture what comes of it."""
        self._lower[layer.name] = layer

    def look(self, now: float, every_s: float) -> None:
        """Once a second: a keyframe at least each `every_s`, of all that are followed, and of a better layer
        when one is back."""
        wanted = self._layers.wanted(now)
        for ssrc, origin in self._origins.items():
            if self._lanes[ssrc].codec.kind is Kind.VIDEO and origin.rid == wanted:
                self._ask(origin)
        if self._expects_video and now - self._keyframe_at >= every_s:
            self.ask_keyframe()
            for rid, layer in self._lower.items():
                if layer.followed and rid != self._layers.taken:
                    self.ask_layer(rid)

    def close(self) -> None:
        """The publisher is gone: what still comes has no way to the stream."""
        self._gone = True
        for layer in self._lower.values():
            layer.end()

    # --- frames ------------------------------------------------------------------------------------------

    def _take(self, origin: Origin, lane: Lane, whole: Whole, now: float) -> None:
        ticks = lane.ticks(whole.timestamp)
        if lane.codec.kind is Kind.AUDIO:
            self._take_sound(origin, whole, ticks, now)
            return
        lower = self._lower.get(origin.rid)
        if lower is not None:
            self._take_lower(lower, origin, whole, ticks)
        if not self._layers.hear(origin.rid, whole.keyframe, now) or not self._thawed(whole, now):
            return
        if whole.keyframe:
            self._keyframe_at = now
            self._configure(_VIDEO_ID, lane.codec, whole.payload)
        if _VIDEO_ID not in self._tracks:
            self._ask(origin)
            return
        self._counters.pictures += 1
        self._give(_VIDEO_ID, origin, whole, ticks)

    def _take_lower(self, layer: Layer, origin: Origin, whole: Whole, ticks: int) -> None:
        """A smaller picture, for those who follow it."""
        lane = self._lanes[origin.ssrc]
        if whole.keyframe:
            try:
                config = _CONFIG_IN[lane.codec](whole.payload)
                if config is not None:
                    layer.track = registry.track(lane.codec, _VIDEO_ID, config)
            except PeerError:
                self._counters.broken_frames += 1
        if layer.followed:
            at = self._at(lane, origin, ticks)
            layer.offer(Frame(_VIDEO_ID, at, at, whole.keyframe, whole.payload))

    def _thawed(self, whole: Whole, now: float) -> bool:
        """Whether pictures go on: with a keyframe, or when none came for long."""
        if self._frozen_at is None:
            return True
        if whole.keyframe or now - self._frozen_at > FROZEN_S:
            self._frozen_at = None
            return True
        self._counters.frozen_frames += 1
        return False

    def _take_sound(self, origin: Origin, whole: Whole, ticks: int, now: float) -> None:
        if _AUDIO_ID not in self._tracks:
            record = opus.build_record(2)
            self._tracks[_AUDIO_ID] = registry.track(Codec.OPUS, _AUDIO_ID, record)
            if self._announced:
                self.ask_keyframe()  # late sound joins with the next one
        assert self._began_s is not None
        late = now - self._began_s > SOUND_WAITS_S
        if self._expects_video and _VIDEO_ID not in self._tracks and not late:
            return
        self._announce()
        self._give(_AUDIO_ID, origin, whole, ticks)

    def _configure(self, track_id: int, codec: Codec, payload: bytes) -> None:
        """A keyframe brings its own configuration; a new one makes new tracks."""
        try:
            config = _CONFIG_IN[codec](payload)
            if config is None:
                return
            key = config if codec not in (Codec.VP8, Codec.VP9) else config[:32]
            if self._configs.get(track_id) == key and self._tracks[track_id].codec is codec:
                return
            track = registry.track(codec, track_id, config)
        except PeerError:
            self._counters.broken_frames += 1
            return
        self._configs[track_id] = key
        self._tracks[track_id] = track
        self._announce()

    def _announce(self) -> None:
        tracks = tuple(self._tracks[each] for each in sorted(self._tracks))
        if tracks != self._announced:
            self._announced = tracks
            self._output.tracks(tracks)

    def _give(self, track_id: int, origin: Origin, whole: Whole, ticks: int) -> None:
        at = self._at(self._lanes[origin.ssrc], origin, ticks)
        self._output.frame(Frame(track_id, at, at, whole.keyframe, whole.payload))

    def _at(self, lane: Lane, origin: Origin, ticks: int) -> int:
        """Ticks on the session's axis."""
        if origin.report is not lane.report:
            self._synchronise(lane, origin.report)
        return lane.at(ticks)

    def _synchronise(self, lane: Lane, report: Report | None) -> None:
        """Lip-sync: the first source that reports stays where its arrival put it, the others are put where
        the publisher's clock says."""
        lane.report = report
        if report is None:
            return
        offset_s = lane.offset_s(report)
        if self._reference_s is None:
            self._reference_s = offset_s
        shift_s = offset_s - self._reference_s
        if abs(shift_s - lane.shift_s) > SYNC_S and abs(shift_s) < SHIFT_S_MAX:
            lane.shift_s = shift_s

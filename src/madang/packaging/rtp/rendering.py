"""Streams rendered as RTP while somebody watches: one log of packets for the picture in each codec that is
asked for, one for the sound, on one axis of time."""

from collections.abc import Callable
from typing import Final

from madang.hub.layer import Layer
from madang.hub.listener import StreamState
from madang.hub.rendition import Source
from madang.hub.stream import Stream
from madang.media.frame import Frame
from madang.media.timebase import VIDEO_TIMESCALE, rescale
from madang.media.track import Codec, Kind, Track
from madang.net.webrtc.log import PAYLOAD_BYTES, PacketLog
from madang.packaging.rtp.bundle import Bundle
from madang.packaging.rtp.payloads import CARRIED, Packetise, packetiser

SOUND = Codec.OPUS
"""What every WebRTC peer can play (RFC 7874)."""
PICTURE = Codec.H264
"""What a picture becomes for those who can play nothing else of the stream's (RFC 7742)."""
SOUND_BEHIND_S: Final = 0.08
"""By so much the sender reports let sound that is made anew follow its picture: a browser would hold every
picture back until its sound has come. Nobody notices sound that is 125 ms late (ITU-R BT.1359-1)."""
CLOCK_RATES = {Kind.VIDEO: VIDEO_TIMESCALE, Kind.AUDIO: 48_000}


class Rendered:
    """One track of a source as RTP. It follows the source while its log is read; frames in another codec than
    `codec` are left out.

    RTP timestamps are the stream's media time in ticks of the log's clock rate: across reconnects they go
    on."""

    def __init__(self, source: Source, codec: Codec, log: PacketLog, media_s: Callable[[], float]) -> None:
        self.log = log
        self.codec = codec
        self._source = source
        self._media_s = media_s
        self._from_s = 0.0
        """Sound that is cached before this media time is not needed: it can be begun with anywhere."""
        self._track: Track | None = None
        self._packetise: Packetise | None = None
        self._same_scale = True
        self._bundle = Bundle(log) if codec is Codec.OPUS else None

    def follow(self) -> None:
        """The source's cached GOP comes at once: joiners begin with its keyframe."""
        self._from_s = self._media_s() if self.codec.kind is Kind.AUDIO else 0.0
        self._source.attach(self)

    def leave(self) -> None:
        """Nobody reads any more."""
        self._source.detach(self)

    def on_tracks(self, tracks: tuple[Track, ...], discontinuity: bool) -> None:
        self._track = next((track for track in tracks if track.codec is self.codec), None)
        self._packetise = packetiser(self._track, PAYLOAD_BYTES) if self._track is not None else None
        if self._bundle is not None:
            self._bundle.flush()
        self._same_scale = self._track is None or self._track.timescale == self.log.clock_rate

    def on_frame(self, frame: Frame) -> None:
        track, packetise = self._track, self._packetise
        if track is None or packetise is None or frame.track != track.id:
            return
        if frame.pts < self._from_s * track.timescale:
            return
        ticks = frame.pts if self._same_scale else rescale(frame.pts, track.timescale, self.log.clock_rate)
        payloads = packetise(frame)
        if self._bundle is None:
            self.log.append(payloads, ticks, frame.keyframe)
        else:
            for payload in payloads:
                self._bundle.add(payload, ticks)

    def on_state(self, state: StreamState) -> None:
        if state is StreamState.ENDED:
            self.log.end()


Key = tuple[Stream, Codec, Layer | None]


class Renderings:
    """The streams of this process that somebody watches by WebRTC."""

    def __init__(self) -> None:
        self._rendered: dict[Key, Rendered] = {}

    def log(self, stream: Stream, codec: Codec, layer: Layer | None = None) -> PacketLog:
        """The packets of the stream's picture or sound in `codec`, or of a smaller picture of it; rendered
        while somebody reads them, by one who follows for all. KeyError for codecs that are not CARRIED."""
        key = (stream, codec, layer)
        known = self._rendered.get(key)
        return known.log if known is not None else self._begin(key).log

    def __len__(self) -> int:
        return len(self._rendered)

    def _begin(self, key: Key) -> Rendered:
        stream, codec, layer = key
        if codec not in CARRIED:
            raise KeyError(codec)
        for old, forgotten in list(self._rendered.items()):
            if old[0].state is StreamState.ENDED and not forgotten.log.viewers:
                del self._rendered[old]
        media_s = stream.media_s
        sound = codec.kind is Kind.AUDIO
        made = sound and all(track.codec is not codec for track in stream.tracks)
        epoch_s = stream.wall_of(media_s) - media_s + (SOUND_BEHIND_S if made else 0.0)
        log = PacketLog(CLOCK_RATES[codec.kind], epoch_s, not sound)
        wanted = codec in (SOUND, PICTURE)
        source: Source = stream.want(codec, frozenset({codec}), in_order=True) if wanted else stream
        rendered = self._rendered[key] = Rendered(layer or source, codec, log, lambda: stream.media_s)
        following = False

        def changed() -> None:
            nonlocal following
            if log.viewers and not following:
                following = True
                rendered.follow()
            elif following and not log.viewers:
                following = False
                if self._rendered.get(key) is rendered:
                    del self._rendered[key]
                rendered.leave()

        log.changed = changed
        return rendered

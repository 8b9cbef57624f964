"""One publisher's messages become tracks and frames: codecs read, tracks awaited, times unwrapped."""

from collections.abc import Callable
from typing import Final, Protocol

from madang.base.errors import PeerError
from madang.codecs import av1, h264, h265, nal, registry
from madang.containers.flv.audio import parse_audio
from madang.containers.flv.metadata import Hint, parse_metadata, parse_script
from madang.containers.flv.packet import CODED_FRAMES, SEQUENCE_START, Packet
from madang.containers.flv.video import parse_video
from madang.ingest.rtmp.counters import IngestCounters
from madang.media.frame import Frame
from madang.media.timebase import MILLISECONDS, VIDEO_TIMESCALE, rescale
from madang.media.track import Codec, Track
from madang.protocols.rtmp.message import AUDIO, VIDEO, Message

# How much media may come before the stream begins without a track that was announced, or might come.
WAIT_MS: Final = 300
WAIT_FRAMES: Final = 256
WAIT_BYTES: Final = 8 << 20

_VIDEO_ID: Final = 1
_AUDIO_ID: Final = 2
_TICKS_PER_MS: Final = VIDEO_TIMESCALE // MILLISECONDS
_TWICE_MS: Final = 2 * MILLISECONDS
_IN_BAND: Final = frozenset({Codec.H264, Codec.H265, Codec.AV1})
_CONFIG_IN = {Codec.H264: h264.config_in, Codec.H265: h265.config_in, Codec.AV1: av1.config_in}


class Output(Protocol):
    """Where tracks and frames go: a publication."""

    def tracks(self, tracks: tuple[Track, ...]) -> None: ...

    def frame(self, frame: Frame) -> None: ...


class _Lane:
    """One kind of media: the track that is known of it, and how its frames are to be read."""

    __slots__ = ("config", "in_band", "length_size", "number", "track")

    def __init__(self) -> None:
        self.track: Track | None = None
        self.config = b""
        """The configuration as the publisher sent it, to know a repetition."""
        self.in_band = False
        """Parameter sets came inside a frame and not in a sequence header."""
        self.length_size = 4
        self.number = -1
        """The track of a multitrack publisher that is taken: the first that came."""


class Intake:
    """Feed it messages; it gives `output` the tracks once they are known, then the frames.

    It waits for the tracks that metadata announce, at most WAIT_MS of media; a track that comes later is
    added then. Repeated sequence headers are nothing, changed ones are new tracks. Raises PeerError for a
    picture beyond the limits (A52); what cannot be read is dropped and counted.
    """

    def __init__(self, output: Output, counters: IngestCounters, unsupported: Callable[[str], None]) -> None:
        self.hint = Hint()
        self._output = output
        self._counters = counters
        self._tell_unsupported = unsupported
        self._unsupported: set[str] = set()
        self._video = _Lane()
        self._audio = _Lane()
        self._begun = False
        self._give: Callable[[Frame], None] = self._hold
        """Takes the frames: those that come before the beginning are held."""
        self._held: list[Frame] = []
        self._held_bytes = 0
        self._first_ms: int | None = None
        self._wire_ms = 0
        self.now_ms = 0
        """Time of the last media message in milliseconds, unwrapped to 64 bits."""
        self.pictures = 0
        """Video messages so far."""
        self._plain_video = False
        """Whether frames of the video track need nothing but to be passed on: H.264 with 4-byte lengths."""
        self._sound_scale = 0
        """Twice the timescale of the audio track when it is AAC, else 0."""

    def media(self, message: Message) -> None:
        """An audio, video or data message."""
        kind, body = message.type, message.body
        if kind != VIDEO and kind != AUDIO:
            self._read_data(body)
            return
        if not body:
            return  # some encoders keep the connection alive so
        timestamp_ms = message.timestamp_ms
        step = timestamp_ms - self._wire_ms
        if -0x80000000 <= step < 0x80000000 and self._first_ms is not None:
            self.now_ms += step
        else:
            self._jump(timestamp_ms, step)
        self._wire_ms = timestamp_ms
        try:
            if kind == VIDEO:
                self.pictures += 1
                if not self._plain_video or not self._take_video(body):
                    self._read_video(parse_video(body))
            elif self._sound_scale and len(body) > 2 and body[0] >> 4 == 10 and body[1] == 1:
                # A frame of the AAC track that is known: most messages are, so that it is read right here.
                ticks = (self.now_ms * self._sound_scale + MILLISECONDS) // _TWICE_MS
                self._give(Frame(_AUDIO_ID, ticks, ticks, True, body[2:]))
            else:
                self._read_audio(parse_audio(body))
        except PeerError as error:
            if error.code == "unsupported":
                raise
            self._counters.broken_frames += 1

    def close(self) -> None:
        """Nothing comes any more; what was held is dropped."""
        self._give = _drop
        self._held.clear()

    def _jump(self, timestamp_ms: int, step: int) -> None:
        """32 bits wrap after 49.7 days, and some encoders go back: the shorter way round is meant."""
        if self._first_ms is None:
            self._first_ms = self.now_ms = timestamp_ms
        else:
            self.now_ms += step - 0x100000000 if step > 0 else step + 0x100000000

    # --- the common case: H.264 in a classic body ---------------------------------------------------------

    def _take_video(self, body: bytes) -> bool:
        """A frame of the H.264 track that is known; False for any other body."""
        first = body[0]
        if len(body) < 10 or (first != 0x27 and first != 0x17) or body[1] != 1:
            return False
        composition_ms = body[2] << 16 | body[3] << 8 | body[4]
        if composition_ms & 0x800000:
            composition_ms -= 0x1000000
        payload = body[5:]  # the two objects of a view would cost more than these bytes
        # All slices of a picture are of one type: most frames are told by their first NAL unit.
        if first == 0x17:
            keyframe = _is_keyframe(Codec.H264, payload, True)
        else:
            keyframe = body[9] & 31 != h264.SLICE and h264.is_idr(payload)
        dts = self.now_ms * _TICKS_PER_MS
        self._give(Frame(_VIDEO_ID, dts, dts + composition_ms * _TICKS_PER_MS, keyframe, payload))
        return True

    def _read_data(self, body: bytes) -> None:
        hint = parse_metadata(parse_script(body))
        if hint is not None:
            self.hint = hint

    # --- video -------------------------------------------------------------------------------------------

    def _read_video(self, packet: Packet) -> None:
        lane = self._video
        codec = self._accept(lane, packet)
        if codec is None:
            return
        if packet.kind == SEQUENCE_START:
            self._configure(lane, _VIDEO_ID, codec, bytes(packet.payload), in_band=False)
            return
        payload: bytes | memoryview = packet.payload
        if codec is Codec.AV1:
            payload = av1.without_delimiters(payload)
        elif lane.length_size != 4:
            payload = nal.widen(payload, lane.length_size)
        keyframe = _is_keyframe(codec, payload, packet.keyframe)
        if (lane.track is None or lane.in_band) and keyframe and codec in _IN_BAND:
            config = _CONFIG_IN[codec](payload)
            if config is not None:
                self._configure(lane, _VIDEO_ID, codec, config, in_band=True)
        if lane.track is None or lane.track.codec is not codec:
            self._counters.early_frames += 1
            return
        # A nano offset refines the message's time: 1e9 / 90,000 nanoseconds are a tick.
        dts = self.now_ms * _TICKS_PER_MS + packet.nano_offset * 9 // 100_000
        self._give(Frame(_VIDEO_ID, dts, dts + packet.composition_ms * _TICKS_PER_MS, keyframe, payload))

    # --- audio -------------------------------------------------------------------------------------------

    def _read_audio(self, packet: Packet) -> None:
        lane = self._audio
        codec = self._accept(lane, packet)
        if codec is None:
            return
        if packet.kind == SEQUENCE_START:
            if codec is not Codec.MP3:
                self._configure(lane, _AUDIO_ID, codec, bytes(packet.payload), in_band=False)
            return
        if codec is Codec.MP3 and (lane.track is None or lane.track.codec is not codec):
            self._configure(lane, _AUDIO_ID, codec, bytes(packet.payload), in_band=False)
        if lane.track is None or lane.track.codec is not codec:
            self._counters.early_frames += 1
            return
        ticks = rescale(self.now_ms, MILLISECONDS, lane.track.timescale)
        ticks += packet.nano_offset * lane.track.timescale // 1_000_000_000
        self._give(Frame(_AUDIO_ID, ticks, ticks, True, packet.payload))

    # --- tracks ------------------------------------------------------------------------------------------

    def _accept(self, lane: _Lane, packet: Packet) -> Codec | None:
        """The codec of a packet that matters: of the track that is taken, and that the house carries."""
        if packet.codec is None or packet.codec in (Codec.VP8, Codec.VP9):
            self._refuse_codec(packet.name or (packet.codec or "").upper())
            return None
        if packet.kind > CODED_FRAMES or not packet.payload:
            return None
        if lane.number != packet.track:
            if lane.number >= 0:
                return None
            lane.number = packet.track
        return packet.codec

    def _refuse_codec(self, name: str) -> None:
        """The rest of the stream goes on; the broadcaster is told once."""
        if name and name not in self._unsupported and len(self._unsupported) < 8:
            self._unsupported.add(name)
            self._counters.unsupported += 1
            self._tell_unsupported(name)

    def _configure(self, lane: _Lane, track_id: int, codec: Codec, config: bytes, in_band: bool) -> None:
        """A configuration came; a new one makes new tracks."""
        known = lane.track is not None and lane.track.codec is codec
        if known and config == lane.config:
            return
        track = registry.track(codec, track_id, config)
        lane.length_size = 4 if in_band else registry.length_size(codec, config)
        lane.config, lane.in_band = config, in_band
        if track == lane.track:
            return
        lane.track = track
        if track_id == _AUDIO_ID:
            self._sound_scale = 2 * track.timescale if codec is Codec.AAC and not lane.number else 0
        else:
            plain = codec is Codec.H264 and lane.length_size == 4 and not in_band and not lane.number
            self._plain_video = plain
        if self._begun:
            self._announce()
        else:
            self._begin_when_ready()

    def _announce(self) -> None:
        """Tell the hub, and tell it again what is unsupported: new tracks wipe its slate."""
        lanes = (self._video, self._audio)
        self._output.tracks(tuple(lane.track for lane in lanes if lane.track is not None))
        for name in self._unsupported:
            self._tell_unsupported(name)

    def _ready(self) -> bool:
        """Whether nothing is to be waited for any more."""
        video, audio = self._video.track is not None, self._audio.track is not None
        if video and audio:
            return True
        waited_ms = self.now_ms - (self._first_ms or 0)
        if not 0 <= waited_ms < WAIT_MS or len(self._held) >= WAIT_FRAMES or self._held_bytes >= WAIT_BYTES:
            return video or audio
        return (video and self.hint.audio is False) or (audio and self.hint.video is False)

    def _begin_when_ready(self) -> None:
        if self._ready():
            self._begun = True
            self._announce()
            self._give = self._output.frame
            held, self._held = self._held, []
            for frame in held:
                self._give(frame)

    def _hold(self, frame: Frame) -> None:
        """Keep a frame until the stream begins."""
        self._held.append(frame)
        self._held_bytes += len(frame.payload)
        self._begin_when_ready()


def _drop(frame: Frame) -> None:
    """Takes the frames of a publisher that is gone."""


def _is_keyframe(codec: Codec, payload: bytes | memoryview, claimed: bool) -> bool:
    """NAL types know better than the header, which webcams set wrongly both ways. An open GOP's I picture
    that is claimed as a keyframe is one: such streams have no other."""
    if codec is Codec.H264:
        return h264.is_idr(payload) or (claimed and h264.slice_type(payload) == "I")
    if codec is Codec.H265:
        return h265.is_irap(payload)
    return claimed

"""Sound from one codec into another, frame by frame. Runs on a worker thread; the media libraries are
loaded with the first frame."""

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

from madang.codecs import aac, opus, registry
from madang.media.frame import Frame
from madang.media.timebase import rescale
from madang.media.track import Codec, Track

if TYPE_CHECKING:
    from av import AudioFifo, AudioFrame, AudioResampler
    from av.audio.codeccontext import AudioCodecContext

_DECODERS = {Codec.MP3: "mp3float", Codec.AAC: "aac", Codec.OPUS: "libopus"}
_ENCODERS = {Codec.AAC: "aac", Codec.OPUS: "libopus"}
_FORMATS = {Codec.AAC: "fltp", Codec.OPUS: "flt"}
"""How each encoder takes its samples."""
BITRATE = {Codec.AAC: 64_000, Codec.OPUS: 48_000}
"""Of a channel, in bits per second; low sample rates need less."""
OPUS_SAMPLES = 960
"""Of a frame at 48 kHz: 20 ms, what browsers expect."""
OPUS_LOOKAHEAD = 312
"""Samples by which libopus delays what it encodes (RFC 7845 section 4.2: pre-skip)."""
BITS_PER_SAMPLE = 3
CHANNELS_MAX = 2
GAP_S = 1.0
"""A hole in the sound up to this is filled with silence; behind a longer one the times leap."""
SLACK_S = 0.01
"""A publisher's times and its samples may differ by less than this without being corrected."""


def track_of(source: Track, codec: Codec) -> Track | None:
    """The track that `source` becomes in `codec`; None where it cannot be made."""
    if source.codec not in _DECODERS or codec not in _ENCODERS or source.codec is codec:
        return None
    channels = min(source.channels, CHANNELS_MAX) or CHANNELS_MAX
    if codec is Codec.OPUS:
        return registry.track(codec, source.id, opus.build_record(channels))
    return registry.track(codec, source.id, aac.build_config(source.sample_rate, channels))


class Sound:
    """Decodes frames of `source` and encodes them as frames of `made`.

    Times are counted in samples from the first frame, so that they never drift; what the times of the
    source say otherwise is corrected in the samples, by silence or by leaving some out. What comes out
    begins where the source began; the encoder's look-ahead and the different length of frames keep it
    some 0.1 s behind. Not for two threads at once.
    """

    def __init__(self, source: Track, made: Track) -> None:
        self.failures = 0
        """Frames that could not be decoded."""
        self.track: Track | None = made
        self._source = source
        self._made = made
        self._layout = "mono" if made.channels == 1 else "stereo"
        self._format = _FORMATS[made.codec]
        self._samples = made.frame_samples or OPUS_SAMPLES
        self._lookahead = OPUS_LOOKAHEAD if made.codec is Codec.OPUS else 0
        self._decoder: AudioCodecContext | None = None
        self._encoder: AudioCodecContext | None = None
        self._resampler: tuple[tuple[str, str, int], AudioResampler] | None = None
        self._fifo: AudioFifo | None = None
        self._end = 0
        """Where the samples in the queue end, in samples from the stream's beginning."""
        self._starts: deque[int] = deque()
        """Of what the encoder was given and has not returned."""
        self._encoded = 0
        self._primed = self._primes = made.codec is not Codec.AAC
        """Whether what primes the decoder is behind us; Opus has nothing of the kind."""

    def convert(self, frame: Frame) -> list[Frame]:
        """The frames that are ready with this one, mostly one; ValueError where there is no codec."""
        import av

        decoder = self._decoder or self._open_decoder()
        try:
            heard = decoder.decode(av.Packet(bytes(frame.payload)))
        except av.FFmpegError:
            self.failures += 1
            return []
        at = rescale(frame.dts, self._source.timescale, self._made.sample_rate)
        for each in heard:
            at += self._take(each, at)
        return self._encode()

    def flush(self) -> list[Frame]:
        """What is still under way, the last frame filled with silence; then it can begin anew."""
        made: list[Frame] = []
        if self._fifo is not None and self._encoder is not None:
            missing = -self._fifo.samples % self._samples
            if missing:
                self._fifo.write(self._silence(missing))
                self._end += missing
            made = [*self._encode(), *self._collect(None)]
        self._decoder = self._encoder = self._fifo = self._resampler = None
        self._starts.clear()
        self._encoded, self._primed = 0, self._primes
        return made

    def _open_decoder(self) -> "AudioCodecContext":
        from av.audio.codeccontext import AudioCodecContext

        decoder = AudioCodecContext.create(_DECODERS[self._source.codec], "r")
        assert isinstance(decoder, AudioCodecContext)
        decoder.extradata = _extradata(self._source)
        self._decoder = decoder
        return decoder

    def _open_encoder(self) -> "AudioCodecContext":
        from av.audio.codeccontext import AudioCodecContext

        rate = self._made.sample_rate
        encoder = AudioCodecContext.create(_ENCODERS[self._made.codec], "w")
        assert isinstance(encoder, AudioCodecContext)
        encoder.sample_rate = rate
        encoder.layout = self._layout
        encoder.format = self._format
        encoder.bit_rate = min(BITRATE[self._made.codec], BITS_PER_SAMPLE * rate) * self._made.channels
        encoder.time_base = Fraction(1, rate)
        self._encoder = encoder
        return encoder

    def _take(self, heard: "AudioFrame", at: int) -> int:
        """Queue decoded samples that belong to the time `at`; how many they are."""
        from av import AudioFifo

        if self._fifo is None:
            self._fifo, self._end = AudioFifo(), at
        fifo, error = self._fifo, at - self._end
        if error > GAP_S * self._made.sample_rate:
            self._end = at
        elif error > SLACK_S * self._made.sample_rate:
            fifo.write(self._silence(error))
            self._end = at
        taken = 0
        for each in self._resampled(heard):
            each.pts = None
            fifo.write(each)
            taken += each.samples
        self._end += taken
        if error < -SLACK_S * self._made.sample_rate:
            spare = min(-error, fifo.samples, taken)
            fifo.read(spare)
            self._end -= spare
        return taken

    def _resampled(self, heard: "AudioFrame") -> "list[AudioFrame]":
        """In the rate and channels that were announced: a publisher may change them within its stream."""
        from av import AudioResampler

        kind = (heard.format.name, heard.layout.name, heard.sample_rate)
        if kind == (self._format, self._layout, self._made.sample_rate):
            return [heard]
        if self._resampler is None or self._resampler[0] != kind:
            self._resampler = (kind, AudioResampler(self._format, self._layout, self._made.sample_rate))
        return self._resampler[1].resample(heard)

    def _silence(self, samples: int) -> "AudioFrame":
        from av import AudioFrame

        frame = AudioFrame(self._format, self._layout, samples)
        frame.sample_rate = self._made.sample_rate
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        return frame

    def _encode(self) -> list[Frame]:
        """Encode what is queued, in whole frames."""
        made: list[Frame] = []
        fifo, size = self._fifo, self._samples
        while fifo is not None and fifo.samples >= size:
            start = self._end - fifo.samples
            samples = fifo.read(size)
            assert samples is not None
            samples.pts, samples.time_base = self._encoded, Fraction(1, self._made.sample_rate)
            self._encoded += size
            self._starts.append(start)
            made += self._collect(samples)
        return made

    def _collect(self, samples: "AudioFrame | None") -> list[Frame]:
        """What the encoder returns. The first packet of AAC only primes the decoder: it belongs before the
        beginning, and is left out; each later one gives the samples that the one before it was made of."""
        made = []
        encoder = self._encoder or self._open_encoder()
        for packet in encoder.encode(samples):
            if not self._primed:
                self._primed = True
            elif self._starts:
                at = max(0, self._starts.popleft() - self._lookahead)
                made.append(Frame(self._made.id, at, at, True, bytes(packet)))
        return made


def _extradata(source: Track) -> bytes | None:
    """The decoder configuration as FFmpeg wants it."""
    if source.codec is Codec.OPUS:
        return opus.build_head(opus.build_record(min(source.channels, CHANNELS_MAX) or CHANNELS_MAX))
    return source.config or None

"""Sound from one codec into another, frame by frame. Runs on a worker thread; the media libraries are
loaded with the first frame."""

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

from madang.codecs import aac, registry
from madang.media.frame import Frame
from madang.media.timebase import rescale
from madang.media.track import Codec, Track

if TYPE_CHECKING:
    from av import AudioFifo, AudioFrame, AudioResampler
    from av.audio.codeccontext import AudioCodecContext

_DECODERS = {Codec.MP3: "mp3float"}
_ENCODERS = {Codec.AAC: "aac"}
FORMAT = "fltp"
BITRATE = 64_000
"""Of a channel, in bits per second; low sample rates need less."""
BITS_PER_SAMPLE = 3
CHANNELS_MAX = 2
GAP_S = 1.0
"""A hole in the sound up to this is filled with silence; behind a longer one the times leap."""
SLACK_S = 0.01
"""A publisher's times and its samples may differ by less than this without being corrected."""


def track_of(source: Track, codec: Codec) -> Track | None:
    """The track that `source` becomes in `codec`; None where it cannot be made."""
    if source.codec not in _DECODERS or codec not in _ENCODERS:
        return None
    channels = min(source.channels, CHANNELS_MAX)
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
        self._source = source
        self._made = made
        self._layout = "mono" if made.channels == 1 else "stereo"
        self._decoder: AudioCodecContext | None = None
        self._encoder: AudioCodecContext | None = None
        self._resampler: tuple[tuple[str, str, int], AudioResampler] | None = None
        self._fifo: AudioFifo | None = None
        self._end = 0
        """Where the samples in the queue end, in samples from the stream's beginning."""
        self._starts: deque[int] = deque()
        """Of what the encoder was given and has not returned."""
        self._encoded = 0
        self._primed = False

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
            missing = -self._fifo.samples % self._made.frame_samples
            if missing:
                self._fifo.write(self._silence(missing))
                self._end += missing
            made = [*self._encode(), *self._collect(None)]
        self._decoder = self._encoder = self._fifo = self._resampler = None
        self._starts.clear()
        self._encoded, self._primed = 0, False
        return made

    def _open_decoder(self) -> "AudioCodecContext":
        from av.audio.codeccontext import AudioCodecContext

        decoder = AudioCodecContext.create(_DECODERS[self._source.codec], "r")
        assert isinstance(decoder, AudioCodecContext)
        decoder.extradata = self._source.config or None
        self._decoder = decoder
        return decoder

    def _open_encoder(self) -> "AudioCodecContext":
        from av.audio.codeccontext import AudioCodecContext

        rate = self._made.sample_rate
        encoder = AudioCodecContext.create(_ENCODERS[self._made.codec], "w")
        assert isinstance(encoder, AudioCodecContext)
        encoder.sample_rate = rate
        encoder.layout = self._layout
        encoder.format = FORMAT
        encoder.bit_rate = min(BITRATE, BITS_PER_SAMPLE * rate) * self._made.channels
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
        if kind == (FORMAT, self._layout, self._made.sample_rate):
            return [heard]
        if self._resampler is None or self._resampler[0] != kind:
            self._resampler = (kind, AudioResampler(FORMAT, self._layout, self._made.sample_rate))
        return self._resampler[1].resample(heard)

    def _silence(self, samples: int) -> "AudioFrame":
        from av import AudioFrame

        frame = AudioFrame(FORMAT, self._layout, samples)
        frame.sample_rate = self._made.sample_rate
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        return frame

    def _encode(self) -> list[Frame]:
        """Encode what is queued, in whole frames."""
        made: list[Frame] = []
        fifo, size = self._fifo, self._made.frame_samples
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
        """What the encoder returns. Its first packet only primes the decoder: it belongs before the
        beginning, and is left out; each later one gives the samples that the one before it was made of."""
        made = []
        encoder = self._encoder or self._open_encoder()
        for packet in encoder.encode(samples):
            if not self._primed:
                self._primed = True
            elif self._starts:
                at = self._starts.popleft()
                made.append(Frame(self._made.id, at, at, True, bytes(packet)))
        return made

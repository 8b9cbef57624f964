"""Pictures from one codec into H.264 without reordering, frame by frame, for players that show pictures in
the order in which they come. Runs on a worker thread; the media libraries are loaded with the first frame."""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from madang.base.errors import PeerError
from madang.codecs import h264, nal, registry
from madang.media.frame import Frame
from madang.media.timebase import VIDEO_TIMESCALE
from madang.media.track import Codec, Track
from madang.transcoding.decoder import decodes, open_decoder

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.codeccontext import VideoCodecContext

HEIGHT_MAX = 720
"""A larger picture is made smaller: this has to keep up with the broadcast on a part of a core."""
# A picture leaves as soon as it is made: no look-ahead, no B-frames, one slice.
_X264 = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "profile": "baseline",
    "crf": "24",
    "maxrate": "3M",
    "bufsize": "1500k",
    "x264-params": "keyint=infinite:scenecut=0:sliced-threads=0:bframes=0",
}


def track_of(source: Track) -> Track | None:
    """A placeholder of what `source` becomes, until its encoder has told its configuration; None where it
    cannot be decoded here."""
    if not decodes(source.codec):
        return None
    return Track(id=source.id, codec=Codec.H264, timescale=VIDEO_TIMESCALE)


class Motion:
    """Decodes frames of `source`, and encodes them as H.264 in the order in which they are shown, with a
    keyframe wherever the source has one. Not for two threads at once."""

    def __init__(self, source: Track, begin: int = -1) -> None:
        """Pictures before `begin`, in the track's ticks, are decoded for those behind them alone."""
        self.failures = 0
        """Frames that could not be decoded."""
        self.track: Track | None = None
        """What comes out, as soon as its encoder is open."""
        self._source = source
        self._decoder: VideoCodecContext | None = None
        self._encoder: VideoCodecContext | None = None
        self._keyframes: list[int] = []
        """Times of keyframes that went in and have not come out."""
        self._last = begin - 1

    def convert(self, frame: Frame) -> list[Frame]:
        """The pictures that are ready with this frame: none until reordering is undone, then one."""
        import av

        decoder = self._decoder or self._open_decoder()
        packet = av.Packet(bytes(frame.payload))
        packet.dts, packet.pts = frame.dts, frame.pts
        packet.time_base = Fraction(1, self._source.timescale)
        if frame.keyframe:
            self._keyframes.append(frame.pts)
        try:
            pictures = decoder.decode(packet)
        except av.FFmpegError:
            self.failures += 1
            return []
        return [made for picture in pictures for made in self._encode(picture)]

    def flush(self) -> list[Frame]:
        """What is still under way; then it can begin anew."""
        made: list[Frame] = []
        if self._decoder is not None:
            made = [each for picture in self._decoder.decode(None) for each in self._encode(picture)]
        self._decoder = self._encoder = None
        self._keyframes.clear()
        self._last = -1
        return made

    def _open_decoder(self) -> "VideoCodecContext":
        from av.codec.context import Flags

        decoder = self._decoder = open_decoder(self._source)
        decoder.flags |= Flags.low_delay
        return decoder

    def _open_encoder(self, picture: "VideoFrame") -> "VideoCodecContext":
        from av.codec.context import Flags
        from av.video.codeccontext import VideoCodecContext

        encoder = VideoCodecContext.create("libx264", "w")
        assert isinstance(encoder, VideoCodecContext)
        scale = min(Fraction(1), Fraction(HEIGHT_MAX, min(picture.width, picture.height)))
        encoder.width = max(2, int(picture.width * scale) // 2 * 2)
        encoder.height = max(2, int(picture.height * scale) // 2 * 2)
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = Fraction(1, VIDEO_TIMESCALE)
        encoder.framerate = Fraction(30)
        encoder.thread_count = 1
        encoder.options = _X264
        encoder.flags |= Flags.global_header
        encoder.open()
        units = nal.split_annex_b(encoder.extradata or b"")
        sets = [tuple(unit for unit in units if unit[0] & 31 == kind) for kind in (h264.SPS, h264.PPS)]
        config = h264.build_config(sets[0], sets[1])
        self.track = registry.track(Codec.H264, self._source.id, config)
        self._encoder = encoder
        return encoder

    def _encode(self, picture: "VideoFrame") -> Iterator[Frame]:
        """One picture in the order in which it is shown; those whose time does not rise are left out."""
        from av.video.frame import PictureType

        if picture.pts is None or picture.pts <= self._last:
            return
        at = self._last = picture.pts
        try:
            encoder = self._encoder or self._open_encoder(picture)
        except PeerError:
            self.failures += 1
            return
        small = picture.reformat(width=encoder.width, height=encoder.height, format="yuv420p")
        small.pts, small.time_base = at, Fraction(1, VIDEO_TIMESCALE)
        due = [moment for moment in self._keyframes if moment <= at]
        if due:
            self._keyframes = [moment for moment in self._keyframes if moment > at]
        small.pict_type = PictureType.I if due else PictureType.NONE
        for packet in encoder.encode(small):
            units = [u for u in nal.split_annex_b(bytes(packet)) if u[0] & 31 in (h264.SLICE, h264.IDR)]
            yield Frame(self._source.id, at, at, bool(packet.is_keyframe), nal.join(units))

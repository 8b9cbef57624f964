"""MP3 frames from the real encoder."""

import math
from array import array
from fractions import Fraction

import av
from av.audio.codeccontext import AudioCodecContext

from madang.codecs import registry
from madang.media.track import Codec, Track


def tone(seconds: float, rate: int = 44_100, channels: int = 2, silent: bool = False) -> list[bytes]:
    """MP3 frames of a tone of 440 Hz."""
    encoder = AudioCodecContext.create("libmp3lame", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.bit_rate = rate, "s16p", 64_000
    encoder.layout = "mono" if channels == 1 else "stereo"
    encoder.time_base = Fraction(1, rate)
    encoder.open()
    made, at, size = [], 0, encoder.frame_size
    while at < seconds * rate:
        loud = 0 if silent else 8000
        wave = array("h", (int(loud * math.sin(2 * math.pi * 440 * n / rate)) for n in range(at, at + size)))
        frame = av.AudioFrame("s16p", encoder.layout.name, size)
        frame.sample_rate, frame.pts = rate, at
        for plane in frame.planes:
            plane.update(wave.tobytes())
        made += [bytes(packet) for packet in encoder.encode(frame)]
        at += size
    return made


def track(frames: list[bytes], number: int = 2) -> Track:
    """The track of these frames."""
    return registry.track(Codec.MP3, number, frames[0])

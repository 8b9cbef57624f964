"""MP3: the header of a frame (ISO/IEC 11172-3 section 2.4.2.3, and 13818-3 for low rates)."""

import msgspec

from madang.base.errors import PeerError

# kbit/s of Layer III by bitrate_index: MPEG-1, then MPEG-2 and 2.5.
_BITRATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


class Mp3Header(msgspec.Struct, frozen=True):
    """One frame: `size` in bytes with its header (0 for free format), `frame_samples` 1152 or 576."""

    sample_rate: int
    channels: int
    bitrate: int
    frame_samples: int
    size: int


def parse_header(frame: bytes | memoryview) -> Mp3Header:
    """Read the four header bytes at the start of `frame`; PeerError when it is no Layer III frame."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        raise PeerError("malformed", "no MPEG audio syncword")
    version, layer = frame[1] >> 3 & 3, frame[1] >> 1 & 3
    bitrate_index, rate_index = frame[2] >> 4, frame[2] >> 2 & 3
    if version == 1 or layer != 1 or rate_index == 3 or bitrate_index == 15:
        raise PeerError("malformed", "not a Layer III header")
    rate = _RATES[version][rate_index]
    bitrate = _BITRATES[version != 3][bitrate_index] * 1000
    samples = 1152 if version == 3 else 576
    size = samples // 8 * bitrate // rate + (frame[2] >> 1 & 1) if bitrate else 0
    return Mp3Header(rate, 1 if frame[3] >> 6 == 3 else 2, bitrate, samples, size)

"""AAC: the AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1), with both ways of saying SBR and PS."""

import msgspec

from madang.base.bits import BitReader
from madang.base.errors import PeerError

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
# Table 1.19: channels by channelConfiguration.
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8)
_SBR = 5
_PS = 29
_ESCAPE = 31
# Object types with a GASpecificConfig: Main, LC, SSR, LTP, scalable, TwinVQ, the error resilient ones.
_GENERAL = frozenset({1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23})


class AudioConfig(msgspec.Struct, frozen=True):
    """What an AudioSpecificConfig says, as a player hears it."""

    object_type: int
    """As the codec string names it: 2 LC, 5 HE-AAC, 29 HE-AAC v2."""
    sample_rate: int
    """Of the output: with SBR that is told, twice the core's."""
    channels: int
    frame_samples: int
    """Output samples of one frame: 1024 or 960, with SBR 2048 or 1920."""


def parse_config(config: bytes) -> AudioConfig:
    """Read an AudioSpecificConfig; PeerError when it is cut or names no sound that can be carried."""
    bits = BitReader(config)
    object_type, rate, index = _object_type(bits), *_rate_and_channels(bits)
    named, output = object_type, rate
    if object_type in (_SBR, _PS):
        output = _rate(bits)
        object_type = _object_type(bits)
    if object_type not in _GENERAL:
        raise PeerError(
            "unsupported", f"audio object type {object_type}", "Only AAC-LC and HE-AAC are carried."
        )
    short, channels = _general(bits, index)
    if named not in (_SBR, _PS):
        named, output = _extension(bits, named, rate)
    channels = 2 if named == _PS else channels
    if not channels or not 7350 <= output <= 96000:
        raise PeerError("unsupported", f"{channels} channels at {output} Hz")
    return AudioConfig(named, output, channels, (960 if short else 1024) * (2 if output == 2 * rate else 1))


def _object_type(bits: BitReader) -> int:
    kind = bits.read(5)
    return 32 + bits.read(6) if kind == _ESCAPE else kind


def _rate(bits: BitReader) -> int:
    index = bits.read(4)
    if index == 15:
        return bits.read(24)
    if index >= len(_RATES):
        raise PeerError("malformed", f"samplingFrequencyIndex {index}")
    return _RATES[index]


def _rate_and_channels(bits: BitReader) -> tuple[int, int]:
    rate = _rate(bits)
    return rate, bits.read(4)


def _general(bits: BitReader, index: int) -> tuple[bool, int]:
    """GASpecificConfig (section 4.4.1): whether frames are short, and the channels."""
    short = bits.flag()
    if bits.flag():
        bits.skip(14)
    bits.skip(1)
    if index == 0:
        return short, _program_channels(bits)
    if index >= len(_CHANNELS):
        raise PeerError("malformed", f"channelConfiguration {index}")
    return short, _CHANNELS[index]


def _program_channels(bits: BitReader) -> int:
    """Channels of a program_config_element (section 4.4.1.1), read to its end."""
    bits.skip(10)
    front, side, back, low = bits.read(4), bits.read(4), bits.read(4), bits.read(2)
    data, coupling = bits.read(3), bits.read(4)
    for width in (4, 4, 3):  # mono mixdown, stereo mixdown, matrix mixdown
        if bits.flag():
            bits.skip(width)
    channels = low
    for _ in range(front + side + back):
        channels += 2 if bits.flag() else 1
        bits.skip(4)
    bits.skip(4 * low + 4 * data + 5 * coupling)
    bits.skip(bits.left % 8)
    bits.skip(8 * bits.read(8))
    return channels


def _extension(bits: BitReader, object_type: int, rate: int) -> tuple[int, int]:
    """The backward compatible way to tell SBR and PS, behind the core's configuration."""
    if bits.left < 16 or bits.read(11) != 0x2B7 or _object_type(bits) != _SBR or not bits.flag():
        return object_type, rate
    output = _rate(bits)
    if bits.left >= 12 and bits.read(11) == 0x548 and bits.flag():
        return _PS, output
    return _SBR, output


def codec_string(config: AudioConfig) -> str:
    """RFC 6381 section 3.3: `mp4a.40.` and the object type."""
    return f"mp4a.40.{config.object_type}"


def build_config(sample_rate: int, channels: int) -> bytes:
    """The AudioSpecificConfig of AAC-LC with 1024 samples per frame."""
    if channels not in _CHANNELS[1:8]:
        raise PeerError("unsupported", f"{channels} channels")
    index = _RATES.index(sample_rate) if sample_rate in _RATES else 15
    bits, length = 2 << 4 | index, 9
    if index == 15:
        bits, length = bits << 24 | sample_rate, length + 24
    bits, length = bits << 7 | _CHANNELS.index(channels) << 3, length + 7
    padding = -length % 8
    return (bits << padding).to_bytes((length + padding) // 8, "big")

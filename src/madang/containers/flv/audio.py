"""Audio tag bodies: classic AAC and MP3, and Enhanced RTMP v2 (ExAudioTagHeader): Opus, mp4a, .mp3."""

from typing import Final

from madang.base.errors import PeerError
from madang.codecs import opus
from madang.codecs.registry import ROWS
from madang.containers.flv.packet import (
    CODED_FRAMES,
    OTHER,
    SEQUENCE_END,
    Packet,
    fourcc_codec,
    read_prelude,
)
from madang.media.track import Codec, Kind, Track

_MP3: Final = 2
_EX_HEADER: Final = 9
_AAC: Final = 10
_MP3_8K: Final = 14

_MULTITRACK: Final = 5
_MOD_EX: Final = 7

_NAMES = {
    0: "PCM",
    1: "ADPCM",
    3: "PCM",
    4: "Nellymoser",
    5: "Nellymoser",
    6: "Nellymoser",
    7: "G.711 A-law",
    8: "G.711 mu-law",
    11: "Speex",
}
_RATE_BITS = {5_512: 0, 11_025: 1, 22_050: 2, 44_100: 3}


def parse_audio(body: bytes | memoryview) -> Packet:
    """What an audio body says. Raises PeerError when it is cut off; an unknown codec is no error."""
    if not body:
        raise PeerError("malformed", "audio body is empty")
    sound_format, view = body[0] >> 4, memoryview(body)
    if sound_format == _AAC:
        if len(body) < 2:
            raise PeerError("malformed", "AAC body is cut off")
        return Packet(body[1] if body[1] < 2 else OTHER, Codec.AAC, view[2:])
    if sound_format in (_MP3, _MP3_8K):
        return Packet(CODED_FRAMES, Codec.MP3, view[1:])
    if sound_format != _EX_HEADER:
        return Packet(OTHER, None, view[1:], name=_NAMES.get(sound_format, f"audio codec {sound_format}"))
    prelude = read_prelude(view, body[0] & 15, _MOD_EX, _MULTITRACK)
    codec, name = fourcc_codec(prelude.fourcc, Kind.AUDIO)
    kind = prelude.packet_type if prelude.packet_type <= SEQUENCE_END else OTHER
    payload = view[prelude.start : prelude.end]
    return Packet(kind, codec, payload, True, 0, prelude.nano_offset, prelude.track, name)


def audio_sequence_header(track: Track) -> bytes:
    """The body that announces `track`, or empty: MP3 has none."""
    if track.codec is Codec.AAC:
        return b"\xaf\x00" + track.config
    if track.codec is Codec.OPUS:
        return b"\x90Opus" + opus.build_head(track.config)
    return b""


def audio_prefix(track: Track) -> bytes:
    """What stands before the payload of each frame: classic for AAC and MP3, enhanced for Opus."""
    if track.codec is Codec.AAC:
        return b"\xaf\x01"  # always 44 kHz, 16 bits, stereo, whatever the sound: E.4.2.1
    if track.codec is Codec.MP3:
        if track.sample_rate == 8_000:
            return bytes((_MP3_8K << 4 | 2 | (track.channels > 1),))
        return bytes((_MP3 << 4 | _RATE_BITS.get(track.sample_rate, 3) << 2 | 2 | (track.channels > 1),))
    return b"\x91" + ROWS[track.codec].fourcc

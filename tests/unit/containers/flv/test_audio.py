"""Sound in FLV bodies, classic and enhanced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import registry
from madang.containers.flv.audio import audio_prefix, audio_sequence_header, parse_audio
from madang.containers.flv.packet import CODED_FRAMES, OTHER, SEQUENCE_START
from madang.media.track import Codec, Track

DOPS = b"\x00\x02\x01\x38\x00\x00\xbb\x80\x00\x00\x00"
AAC = Track(id=2, codec=Codec.AAC, timescale=48_000, config=b"\x11\x90", sample_rate=48_000, channels=2)
OPUS = Track(id=2, codec=Codec.OPUS, timescale=48_000, config=DOPS, sample_rate=48_000, channels=2)
MP3 = Track(id=2, codec=Codec.MP3, timescale=44_100, sample_rate=44_100, channels=2)


@pytest.mark.parametrize("track", [AAC, OPUS, MP3], ids=lambda t: t.codec.value)
@given(payload=st.binary(min_size=1, max_size=50))
def test_frame_goes_there_and_back(track: Track, payload: bytes) -> None:
    packet = parse_audio(audio_prefix(track) + payload)
    assert (packet.kind, packet.codec, bytes(packet.payload)) == (CODED_FRAMES, track.codec, payload)


def test_aac_sequence_header() -> None:
    packet = parse_audio(audio_sequence_header(AAC))
    assert (packet.kind, packet.codec, bytes(packet.payload)) == (SEQUENCE_START, Codec.AAC, b"\x11\x90")


def test_opus_sequence_header_is_an_opus_head() -> None:
    packet = parse_audio(audio_sequence_header(OPUS))
    assert (packet.kind, packet.codec) == (SEQUENCE_START, Codec.OPUS)
    assert bytes(packet.payload).startswith(b"OpusHead\x01\x02")
    assert registry.track(Codec.OPUS, 2, bytes(packet.payload)).config == DOPS


def test_mp3_has_no_sequence_header() -> None:
    assert audio_sequence_header(MP3) == b""


@pytest.mark.parametrize(
    ("rate", "channels", "first"),
    [(44_100, 2, 0x2F), (22_050, 1, 0x2A), (11_025, 2, 0x27), (8_000, 1, 0xE2), (48_000, 2, 0x2F)],
)
def test_mp3_header_bits(rate: int, channels: int, first: int) -> None:
    track = Track(id=2, codec=Codec.MP3, timescale=rate, sample_rate=rate, channels=channels)
    assert audio_prefix(track) == bytes((first,))


@pytest.mark.parametrize(
    ("body", "kind", "codec", "payload"),
    [
        (b"\xaf\x01aac", CODED_FRAMES, Codec.AAC, b"aac"),
        (b"\x2fmp3", CODED_FRAMES, Codec.MP3, b"mp3"),
        (b"\xe2mp3", CODED_FRAMES, Codec.MP3, b"mp3"),
        (b"\x91mp4araw", CODED_FRAMES, Codec.AAC, b"raw"),
        (b"\x90mp4a\x11\x90", SEQUENCE_START, Codec.AAC, b"\x11\x90"),
        (b"\x91.mp3raw", CODED_FRAMES, Codec.MP3, b"raw"),
        (b"\x94Opus\x01\x02", OTHER, Codec.OPUS, b"\x01\x02"),
        (b"\x91fLaCx", CODED_FRAMES, None, b"x"),
        (b"\x95\x01Opus\x03pkt", CODED_FRAMES, Codec.OPUS, b"pkt"),
        (b"\x97\x02\x00\x00\x09\x01Opuspkt", CODED_FRAMES, Codec.OPUS, b"pkt"),
    ],
)
def test_what_bodies_say(body: bytes, kind: int, codec: Codec | None, payload: bytes) -> None:
    packet = parse_audio(body)
    assert (packet.kind, packet.codec, bytes(packet.payload)) == (kind, codec, payload)


@pytest.mark.parametrize(
    ("body", "name"),
    [(b"\xb2x", "Speex"), (b"\x6fx", "Nellymoser"), (b"\xdfx", "audio codec 13"), (b"\x91ac-3", "ac-3")],
)
def test_unknown_codecs_tell_their_names(body: bytes, name: str) -> None:
    packet = parse_audio(body)
    assert (packet.codec, packet.name) == (None, name)


@pytest.mark.parametrize("body", [b"", b"\xaf", b"\x91Opu", b"\x95\x05Opus\x00", b"\x97"])
def test_cut_off_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(PeerError):
        parse_audio(body)


@given(st.binary(max_size=60))
def test_any_bytes_raise_peer_error_or_nothing(body: bytes) -> None:
    try:
        parse_audio(body)
    except PeerError:
        pass

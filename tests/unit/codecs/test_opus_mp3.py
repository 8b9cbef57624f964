"""Opus headers and packets, MP3 frame headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import mp3, opus

MONO = bytes.fromhex("4f707573486561640101380180bb0000000000")
SURROUND = bytes.fromhex("4f707573486561640106380180bb00000000010402000401020305")


@pytest.mark.parametrize(("head", "channels"), [(MONO, 1), (SURROUND, 6)])
def test_the_ogg_header_becomes_the_mp4_one_and_back(head: bytes, channels: int) -> None:
    config = opus.parse_config(head)
    assert (config.channels, config.pre_skip) == (channels, 312)
    assert config.record[:8] == bytes((0, channels)) + (312).to_bytes(2, "big") + (48000).to_bytes(4, "big")
    assert opus.parse_config(config.record) == config
    assert opus.build_head(config.record) == head


@pytest.mark.parametrize(
    "config",
    [b"", MONO[:18], SURROUND[:-1], b"\x01" + opus.parse_config(MONO).record[1:],
     b"OpusHead\x01\x00" + MONO[10:], b"OpusHead\x01\x03" + MONO[10:]],
)  # fmt: skip
def test_broken_headers(config: bytes) -> None:
    with pytest.raises(PeerError):
        opus.parse_config(config)


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"\x78", 960), (b"\xf8", 960), (b"\x00", 480), (b"\x18", 2880), (b"\x80", 120), (b"\xf9", 1920),
        (b"\xfa", 1920), (b"\xfb\x03", 2880), (b"\x83\x30", 5760), (b"", 0),
    ],
)  # fmt: skip
def test_length_of_packets(packet: bytes, samples: int) -> None:
    assert opus.packet_samples(packet) == samples


@pytest.mark.parametrize("packet", [b"\x1b", b"\xfb\x3f"])
def test_packets_that_cannot_be(packet: bytes) -> None:
    with pytest.raises(PeerError):
        opus.packet_samples(packet)


@pytest.mark.parametrize(
    ("header", "rate", "channels", "bitrate", "samples", "size"),
    [
        ("fffb54c4", 48000, 1, 64000, 1152, 192),
        ("fffb9064", 44100, 2, 128000, 1152, 417),
        ("fffb9264", 44100, 2, 128000, 1152, 418),
        ("fff38064", 22050, 2, 64000, 576, 208),
        ("ffe38064", 11025, 2, 64000, 576, 417),
        ("fffb0064", 44100, 2, 0, 1152, 0),
    ],
)
def test_frame_headers(header: str, rate: int, channels: int, bitrate: int, samples: int, size: int) -> None:
    found = mp3.parse_header(bytes.fromhex(header))
    assert (found.sample_rate, found.channels, found.bitrate) == (rate, channels, bitrate)
    assert (found.frame_samples, found.size) == (samples, size)


@pytest.mark.parametrize(
    "header", ["", "fffb54", "00fb54c4", "fffd54c4", "ffeb54c4", "fffbf4c4", "fffb5cc4", "49443304"]
)
def test_what_is_no_frame(header: str) -> None:
    with pytest.raises(PeerError):
        mp3.parse_header(bytes.fromhex(header))


@given(st.binary(max_size=40))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    for read in (opus.parse_config, opus.packet_samples, mp3.parse_header):
        for head in (b"", b"OpusHead", b"\xff\xfb"):
            try:
                read(head + data)
            except PeerError:
                pass

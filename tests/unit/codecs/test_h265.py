"""H.265 records of x265, parameter sets in-band, and broken ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import h265
from madang.codecs.nal import join

VPS = bytes.fromhex("40010c01ffff01600000030090000003000003003f959409")
SPS = bytes.fromhex("42010101600000030090000003000003003fa005020171f2e595952930bc05a020000003002000000303c1")
PPS = bytes.fromhex("4401c073c189")
SPS_10 = bytes.fromhex(
    "42010102200000030090000003000003005da00280802d9f2365959a4932bc05a02000000300200000030321"
)


def record() -> bytes:
    return h265.build_config(VPS, SPS, PPS)


def test_record_that_is_built_can_be_read() -> None:
    config = h265.parse_config(record())
    assert config.units(h265.VPS) == (VPS,)
    assert config.units(h265.SPS) == (SPS,)
    assert config.units(h265.PPS) == (PPS,)
    assert config.length_size == 4
    assert (config.profile, config.tier, config.level) == (1, 0, 63)


def test_codec_string_is_the_one_that_apple_asks_for() -> None:
    assert h265.codec_string(h265.parse_config(record())) == "hvc1.1.6.L63.90"


def test_picture_and_depth() -> None:
    facts = h265.parse_sps(SPS)
    assert (facts.picture.width, facts.picture.height) == (640, 360)
    assert (facts.chroma_format, facts.depth_luma, facts.depth_chroma) == (1, 8, 8)
    deep = h265.parse_sps(SPS_10)
    assert (deep.picture.width, deep.picture.height) == (1280, 722)
    assert deep.depth_luma == 10


def test_widening_the_lengths_changes_nothing_else() -> None:
    narrow = bytearray(record())
    narrow[21] &= 0xFC
    assert h265.parse_config(bytes(narrow)).length_size == 1
    assert h265.widen_config(bytes(narrow)) == record()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(19, True), (20, True), (21, True), (16, True), (1, False), (0, False), (32, False)],
)
def test_random_access_points(kind: int, expected: bool) -> None:
    assert h265.is_irap(join([bytes((kind << 1, 1, 0x80))])) is expected


def test_parameter_sets_in_band() -> None:
    assert h265.config_in(join([VPS, SPS, PPS, b"\x26\x01\xaf"])) == record()
    assert h265.config_in(join([SPS, PPS, b"\x26\x01\xaf"])) is None


@pytest.mark.parametrize("length", range(60))
def test_cut_records_are_refused(length: int) -> None:
    with pytest.raises(PeerError):
        h265.parse_config(record()[:length])


@given(st.binary(max_size=120))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    for read in (h265.parse_config, h265.config_in, h265.is_irap):
        try:
            read(data)
        except PeerError:
            pass
    try:
        h265.parse_sps(b"\x42\x01" + data)
    except PeerError:
        pass


@given(st.integers(0, len(SPS) * 8 - 1))
def test_any_flipped_bit_raises_peer_error_or_nothing(position: int) -> None:
    broken = bytearray(SPS)
    broken[position // 8] ^= 1 << position % 8
    try:
        h265.build_config(VPS, bytes(broken), PPS)
    except PeerError:
        pass

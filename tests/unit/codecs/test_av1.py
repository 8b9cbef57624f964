"""AV1 records and sequence headers of SVT-AV1, temporal units, and broken ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import av1

RECORD = bytes.fromhex("81010c000a0c0200000d2627fb3805f00080")
RECORD_10 = bytes.fromhex("81054c000a0c0200002d2a67fd9e017c2020")
DELIMITER = b"\x12\x00"
FRAME = b"\x32\x05\x10\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("record", "string", "size", "depth"),
    [(RECORD, "av01.0.01M.08", (640, 360), 8), (RECORD_10, "av01.0.05M.10", (1280, 720), 10)],
)
def test_records_of_svt(record: bytes, string: str, size: tuple[int, int], depth: int) -> None:
    header = av1.parse_config(record)
    assert av1.codec_string(header) == string
    assert (header.picture.width, header.picture.height) == size
    assert header.depth == depth


@pytest.mark.parametrize("record", [RECORD, RECORD_10])
def test_record_from_a_sequence_header_in_band(record: bytes) -> None:
    assert av1.config_in(DELIMITER + record[4:] + FRAME) == record
    assert av1.config_in(DELIMITER + FRAME) is None


def test_delimiters_are_left_out() -> None:
    unit = RECORD[4:] + FRAME
    assert av1.without_delimiters(DELIMITER + unit) == unit
    assert av1.without_delimiters(unit) is unit
    assert av1.without_delimiters(b"") == b""


def test_units_of_a_temporal_unit() -> None:
    found = list(av1.units(DELIMITER + RECORD[4:] + b"\x30\x01\x02\x03"))
    assert [kind for kind, _, _ in found] == [2, 1, 6]
    assert bytes(found[2][2]) == b"\x01\x02\x03"  # without a size field it reaches to the end
    assert b"".join(bytes(whole) for _, whole, _ in found) == DELIMITER + RECORD[4:] + b"\x30\x01\x02\x03"


@pytest.mark.parametrize(
    "data", [b"\x80", b"\x0a\x05\x00", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0a\x80", b"\x0e"]
)
def test_broken_units(data: bytes) -> None:
    with pytest.raises(PeerError):
        list(av1.units(data))


@given(st.binary(max_size=60))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    for read in (av1.parse_config, av1.parse_sequence_header, av1.config_in, av1.without_delimiters):
        try:
            read(data)
        except PeerError:
            pass
    try:
        av1.parse_config(b"\x81\x00\x00\x00" + data)
    except PeerError:
        pass


@given(st.integers(32, len(RECORD) * 8 - 1))
def test_any_flipped_bit_raises_peer_error_or_nothing(position: int) -> None:
    broken = bytearray(RECORD)
    broken[position // 8] ^= 1 << position % 8
    try:
        av1.parse_config(bytes(broken))
    except PeerError:
        pass

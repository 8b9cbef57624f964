"""AMF0 and what publishers send of AMF3: values there and back, bounds against nesting and lying counts."""

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.containers.flv.amf import EcmaArray, decode, decode_command, encode

values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=5))
def test_decoding_gives_back_what_was_encoded(items: list[object]) -> None:
    assert decode(encode(*items)) == items


def test_numbers_are_doubles() -> None:
    assert encode(1) == b"\x00" + struct.pack(">d", 1.0)


def test_booleans_are_not_numbers() -> None:
    assert encode(True, False) == b"\x01\x01\x01\x00"


def test_long_texts_get_the_long_form() -> None:
    text = "마" * 30_000
    assert encode(text)[0] == 0x0C
    assert decode(encode(text)) == [text]


def test_ecma_array_is_written_with_its_count_and_read_without_trusting_it() -> None:
    data = encode(EcmaArray({"a": 1.0}))
    assert data[:5] == b"\x08\x00\x00\x00\x01"
    assert decode(b"\x08\xff\xff\xff\xff" + data[5:]) == [{"a": 1.0}]
    assert decode(b"\x08\x00\x00\x00\x00" + data[5:]) == [{"a": 1.0}]


def test_object_without_its_end_marker_ends_with_the_message() -> None:
    assert decode(encode({"a": "b"})[:-3]) == [{"a": "b"}]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x06", None),
        (b"\x0d", None),
        (b"\x0b" + struct.pack(">d", 5.0) + b"\x00\x00", 5.0),
        (b"\x0f\x00\x00\x00\x02<a", "<a"),
        (b"\x10\x00\x01T\x00\x01k\x05\x00\x00\x09", {"k": None}),
        (b"\x02\x00\x01\xff", "\ufffd"),
        (b"\x11\x00", None),
        (b"\x11\x01", None),
        (b"\x11\x02", False),
        (b"\x11\x03", True),
        (b"\x11\x04\x7f", 127),
        (b"\x11\x04\x81\x00", 128),
        (b"\x11\x04\xff\xff\xff\xff", -1),
        (b"\x11\x05" + struct.pack(">d", 1.5), 1.5),
        (b"\x11\x06\x07abc", "abc"),
    ],
)
def test_other_types(data: bytes, value: object) -> None:
    assert decode(data) == [value]


@pytest.mark.parametrize("amf3", [True, False])
def test_amf3_commands_have_a_byte_before_the_amf0_values(amf3: bool) -> None:
    data = encode("connect", 1.0)
    assert decode_command(b"\x00" + data if amf3 else data, amf3) == ["connect", 1.0]


def test_amf3_command_without_the_byte_is_read_too() -> None:
    assert decode_command(encode("publish"), True) == ["publish"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x03\x00\x01a" * 70_000,
        b"\x0a\x00\x00\x00\x01" * 70_000,
        b"\x0a\xff\xff\xff\xff" + b"\x05" * 100_000,
        b"\x05" * 5000,
        b"\x07\x00\x00",
        b"\x04",
        b"\x11\x09\x01",
        b"\x11\x0a\x01",
        b"\x11\x06\x00",
        b"\x0c\xff\xff\xff\xff",
        b"\x00\x00",
        b"\x02\x00\x05ab",
        b"\x03\x00",
        b"\x63",
    ],
    ids=lambda data: data[:6].hex(),
)
def test_deep_many_cut_off_and_unknown_values_are_refused(data: bytes) -> None:
    """A38."""
    with pytest.raises(PeerError):
        decode(data)


def test_declared_counts_take_no_memory() -> None:
    """A38."""
    tracemalloc.start()
    with pytest.raises(PeerError):
        decode(b"\x0a\xff\xff\xff\xff" + b"\x05" * 10_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


@given(st.binary(max_size=200))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    try:
        decode_command(data, True)
    except PeerError:
        pass

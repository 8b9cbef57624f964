"""NAL units behind lengths and start codes, and emulation prevention."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.codecs import nal

UNITS = st.lists(st.binary(min_size=1, max_size=20), max_size=6)


@given(UNITS)
def test_splitting_what_was_joined(units: list[bytes]) -> None:
    assert [bytes(unit) for unit in nal.split(nal.join(units))] == units


@given(UNITS, st.sampled_from([1, 2, 4]))
def test_widening(units: list[bytes], size: int) -> None:
    narrow = b"".join(len(unit).to_bytes(size, "big") + unit for unit in units)
    assert bytes(nal.widen(narrow, size)) == nal.join(units)


def test_four_bytes_are_not_copied() -> None:
    payload = nal.join([b"\x65\x88"])
    assert nal.widen(payload, 4) is payload


def test_empty_units_are_passed_over() -> None:
    assert [bytes(unit) for unit in nal.split(b"\0\0\0\0\0\0\0\1\x65\0\0\0\0")] == [b"\x65"]


@pytest.mark.parametrize(
    "payload", [b"\0", b"\0\0\0", b"\0\0\0\2\x65", b"\xff\xff\xff\xff", b"\0\0\0\1\x65\0"]
)
def test_lengths_beyond_the_end(payload: bytes) -> None:
    with pytest.raises(PeerError):
        list(nal.split(payload))


def test_annex_b_with_both_start_codes() -> None:
    data = b"\0\0\0\1\x67\x42\0\0\1\x68\xce\0\0\0\1\x65\x88\x80"
    assert nal.split_annex_b(data) == [b"\x67\x42", b"\x68\xce", b"\x65\x88\x80"]
    assert nal.split_annex_b(b"no start code") == []


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (b"\0\0\3\1", b"\0\0\1"),
        (b"\0\0\3\0\0\3\3", b"\0\0\0\0\3"),
        (b"\1\0\3", b"\1\0\3"),
        (b"\0\0\3", b"\0\0"),
    ],
)
def test_emulation_prevention(escaped: bytes, plain: bytes) -> None:
    assert nal.unescape(escaped) == plain


@given(st.binary(max_size=60), st.sampled_from([1, 2, 4]))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes, size: int) -> None:
    try:
        list(nal.split(data, size))
    except PeerError:
        pass
    nal.split_annex_b(data)
    nal.unescape(data)

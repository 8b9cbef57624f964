"""Boxes built, walked and cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.containers.fmp4.boxes import box, full_box, walk


def test_walking_what_was_built() -> None:
    data = box(b"moov", box(b"trak", full_box(b"tkhd", 1, 3, b"x")), box(b"mvex")) + box(b"mdat", b"abc")
    found = list(walk(data))
    assert [each.path for each in found] == ["moov", "moov/trak", "moov/trak/tkhd", "moov/mvex", "mdat"]
    for each in found:
        assert data[each.offset + 4 : each.offset + 8] == each.kind
    assert bytes(found[2].payload) == b"\x01\x00\x00\x03x"


def test_large_sizes_and_sizes_to_the_end() -> None:
    large = b"\0\0\0\1mdat" + (20).to_bytes(8, "big") + b"abcd"
    assert bytes(next(walk(large)).payload) == b"abcd"
    assert bytes(next(walk(b"\0\0\0\0mdatabc")).payload) == b"abc"


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"\0\0\0\7free",
        b"\0\0\0\x09free",
        b"\0\0\0\1mdat\0\0\0\0\0\0\0\1",
        b"\0\0\0\x10moov\0\0\0\x09trak",
    ],
)
def test_boxes_that_do_not_fit(data: bytes) -> None:
    with pytest.raises(PeerError):
        list(walk(data))


def test_nesting_is_bounded() -> None:
    data = b""
    for _ in range(100):
        data = box(b"moov", data)
    with pytest.raises(PeerError):
        list(walk(data))


@given(st.binary(max_size=100))
def test_any_bytes_raise_peer_error_or_nothing(data: bytes) -> None:
    try:
        list(walk(data))
    except PeerError:
        pass

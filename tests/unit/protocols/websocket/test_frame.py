"""Heads, masks and close bodies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.websocket import frame


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x82\x00"),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65535, b"\x82\x7e\xff\xff"),
        (65536, b"\x82\x7f" + (65536).to_bytes(8, "big")),
    ],
)
def test_length_is_encoded_in_the_shortest_way(length: int, head: bytes) -> None:
    assert frame.build_head(frame.BINARY, length) == head


def test_examples_of_the_rfc() -> None:
    # Section 5.7: a single-frame masked text message, and a fragmented unmasked one.
    mask = bytes.fromhex("37fa213d")
    assert frame.build_frame(frame.TEXT, b"Hello", mask=mask) == bytes.fromhex("818537fa213d7f9f4d5158")
    assert frame.build_frame(frame.TEXT, b"Hel", fin=False) == bytes.fromhex("010348656c")
    assert frame.build_frame(frame.CONTINUATION, b"lo") == bytes.fromhex("80026c6f")


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_mask_is_a_byte_by_byte_xor_and_its_own_inverse(payload: bytes, mask: bytes) -> None:
    masked = frame.apply_mask(payload, mask)
    assert masked == bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    assert frame.apply_mask(masked, mask) == payload


def test_close_reason_is_cut_at_a_character() -> None:
    built = frame.build_close(4000, "가" * 100)
    assert len(built) == 2 + 2 + 123
    assert frame.parse_close(built[2:]) == (4000, "가" * 41)


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
def test_close_codes_that_may_be_sent(code: int) -> None:
    assert frame.parse_close(code.to_bytes(2, "big") + "안녕".encode()) == (code, "안녕")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\x03", "1002"),
        *((code.to_bytes(2, "big"), "1002") for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)),
        (b"\x03\xe8\xff", "1007"),
    ],
)
def test_close_bodies_that_may_not(body: bytes, code: str) -> None:
    with pytest.raises(PeerError) as caught:
        frame.parse_close(body)
    assert caught.value.code == code


def test_empty_close() -> None:
    assert frame.parse_close(b"") == (1005, "")

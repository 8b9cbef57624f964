"""Bits come out as they were put in, and the end is never read over."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.bits import BitReader
from madang.base.errors import PeerError


def ue(number: int) -> str:
    """An unsigned Exp-Golomb code as text."""
    code = bin(number + 1)[2:]
    return "0" * (len(code) - 1) + code


def pack(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big")


@given(st.lists(st.tuples(st.integers(1, 70), st.integers(0, (1 << 70) - 1)), max_size=30), st.booleans())
def test_fields_are_read_back(fields: list[tuple[int, int]], viewed: bool) -> None:
    bits = "".join(format(number % (1 << width), f"0{width}b") for width, number in fields)
    data = pack(bits)
    reader = BitReader(memoryview(data) if viewed else data)
    for width, number in fields:
        assert reader.read(width) == number % (1 << width)
    assert 0 <= reader.left < 8


@given(st.lists(st.integers(0, (1 << 32) - 2)))
def test_unsigned_codes_are_read_back(numbers: list[int]) -> None:
    reader = BitReader(pack("".join(map(ue, numbers))))
    assert [reader.ue() for _ in numbers] == numbers


@pytest.mark.parametrize(("code", "number"), [("1", 0), ("010", 1), ("011", -1), ("00100", 2), ("00101", -2)])
def test_signed_codes_by_the_table(code: str, number: int) -> None:
    """H.264 table 9-3."""
    assert BitReader(pack(code)).se() == number


def test_flags_and_skips() -> None:
    reader = BitReader(b"\xa0\x01")
    assert [reader.flag(), reader.flag(), reader.flag()] == [True, False, True]
    reader.skip(12)
    assert reader.left == 1
    assert reader.flag()
    assert reader.left == 0


@pytest.mark.parametrize(
    "act", [lambda r: r.read(9), lambda r: r.skip(9), lambda r: (r.read(8), r.flag()), lambda r: r.ue()]
)
def test_the_end_is_an_error_of_the_peer(act) -> None:
    with pytest.raises(PeerError):
        act(BitReader(b"\x00"))


def test_an_endless_code_is_an_error_of_the_peer() -> None:
    with pytest.raises(PeerError, match="too long"):
        BitReader(bytes(100)).ue()


@given(st.binary(max_size=40), st.lists(st.integers(0, 40)))
def test_whatever_is_read_raises_peer_errors_alone(data: bytes, widths: list[int]) -> None:
    reader = BitReader(data)
    try:
        for width in widths:
            (reader.read(width), reader.ue(), reader.se())
    except PeerError:
        assert reader.left >= 0


def test_a_read_costs_what_it_reads() -> None:
    def cost(size: int) -> float:
        reader = BitReader(b"\xff" * size)
        started = time.process_time()
        for _ in range(5000):
            reader.read(3)
        return time.process_time() - started

    cost(100_000)
    assert min(cost(4_000_000) for _ in range(3)) < 10 * min(cost(4_000) for _ in range(3)) + 0.01

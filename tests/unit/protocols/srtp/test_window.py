"""Packet index and replay window, beside a naive model."""

import random

from hypothesis import given
from hypothesis import strategies as st

from madang.protocols.srtp.window import WIDTH, Window


def test_the_rollover_counts() -> None:
    window = Window()
    for index in range(65_530, 65_545):
        sequence = index & 0xFFFF
        assert window.index_of(sequence) == index
        window.take(index)
    assert window.index_of(65_534) == 65_534
    assert not window.is_new(65_534)
    assert window.is_new(65_520)


def test_before_the_first_packet_there_is_nothing() -> None:
    window = Window()
    window.take(window.index_of(3))
    assert window.index_of(65_535) == -1
    assert not window.is_new(-1)


@given(st.lists(st.integers(-40, 1500), max_size=60), st.integers(0, 70_000))
def test_it_is_a_set_of_what_was_taken(steps: list[int], start: int) -> None:
    window, taken, at = Window(), set(), start
    for step in steps:
        at = max(at + step, 0)
        highest = max(taken, default=-1)
        new = at not in taken and at > highest - WIDTH
        assert window.is_new(at) is new
        if new:
            window.take(at)
            taken.add(at)


def test_late_packets_of_a_long_stream_are_found() -> None:
    dice, window, missing = random.Random(3), Window(), []
    window.take(199_999)
    for index in range(200_000, 400_000, 7):
        if dice.random() < 0.1:
            missing.append(index)
            continue
        assert window.index_of(index & 0xFFFF) == index
        window.take(index)
        if missing and dice.random() < 0.05:
            late = missing.pop()
            assert window.index_of(late & 0xFFFF) == late
            assert window.is_new(late) is (late > window.highest - WIDTH)

"""Deltas: what is made can be applied, is small where little changed, and is text where it was made of
text."""

import random

import pytest
from centrifuge import fossil as official
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.protocols.centrifugo import fossil

TEXTS = st.text(alphabet='ab가나{}":,😀 ', max_size=200)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_a_delta_of_text_is_text_and_leads_to_its_target(a: str, b: str, c: str, d: str) -> None:
    source, target = (a + b + c + a + "x" * 40).encode(), (d + a + c + b + "x" * 39).encode()
    delta = fossil.create(source, target)
    delta.decode()
    assert fossil.apply(source, delta) == target
    assert official.apply_delta(source, delta) == target


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_delta_of_bytes_leads_to_its_target(source: bytes, target: bytes) -> None:
    assert fossil.apply(source, fossil.create(source, target)) == target


def test_blocks_are_found_wherever_they_moved() -> None:
    noise = random.Random(1)
    blocks = [noise.randbytes(64) for _ in range(50)]
    source = b"".join(blocks)
    target = b"".join(reversed(blocks))
    delta = fossil.create(source, target)
    assert len(delta) < len(target) / 4
    assert fossil.apply(source, delta) == target


def test_a_changed_number_costs_a_few_bytes() -> None:
    source = (b'{"score":[1,2],"team":"home","note":"' + b"abcdefgh" * 200 + b'"}') * 4
    target = source.replace(b"[1,2]", b"[1,3]", 1)
    assert len(fossil.create(source, target)) < 60
    assert fossil.create(source, source).count(b"@") == 1


def test_the_format() -> None:
    assert fossil.create(b"", b"abc") == b"3\n3:abc1XObC0;"
    assert fossil.create(b"", b"") == b"0\n0;"
    assert fossil.checksum(b"\x00\x00\x00\x01\x01") == 0x01000001


@pytest.mark.parametrize(
    "delta",
    [
        b"",
        b"3",
        b"3\n",
        b"3\n3:ab",
        b"3\n9@0,0;",
        b"3\n3:abc0;",
        b"3\n2:ab1;",
        b"~~~~~~~\n",
        b"1\n3:abc0;",
        b"3\n3?",
    ],
)
def test_what_is_no_delta_of_this_source_is_refused(delta: bytes) -> None:
    with pytest.raises(PeerError):
        fossil.apply(b"abc", delta)

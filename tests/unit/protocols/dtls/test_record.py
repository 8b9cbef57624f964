"""Records of a datagram."""

from hypothesis import given
from hypothesis import strategies as st

from madang.protocols.dtls import record


def test_a_datagram_is_its_records() -> None:
    heads = [
        record.HEAD.pack(kind, record.VERSION, 1 << 48 | kind, size) for kind, size in ((22, 5), (21, 0))
    ]
    first, second = heads[0] + b"flies", heads[1]
    assert record.split(first + second) == [first, second]
    assert record.split(second + first[:-2]) == [second, first[:-2]]
    assert record.split(first[:12]) == []


@given(st.binary(max_size=200))
def test_nothing_comes_twice(data: bytes) -> None:
    found = record.split(data)
    assert data.startswith(b"".join(found))
    assert all(len(each) >= record.HEAD.size for each in found)

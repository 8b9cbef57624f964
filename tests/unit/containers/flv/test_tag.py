"""The FLV header and tags, whole and in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.containers.flv.tag import (
    AUDIO,
    SCRIPT,
    VIDEO,
    Tag,
    TagReader,
    build_header,
    build_tag,
    parse_aggregate,
    parse_tag_header,
)

tags = st.lists(
    st.builds(
        Tag, st.sampled_from([AUDIO, VIDEO, SCRIPT]), st.integers(0, 2**32 - 1), st.binary(max_size=300)
    ),
    max_size=8,
)


def file_of(items: list[Tag]) -> bytes:
    return build_header(True, True) + b"".join(build_tag(t.type, t.timestamp_ms, t.body) for t in items)


def test_header_says_which_tracks_come() -> None:
    assert build_header(True, False) == b"FLV\x01\x04\x00\x00\x00\x09\x00\x00\x00\x00"
    assert build_header(False, True)[4] == 1
    assert build_header(True, True)[4] == 5


def test_tag_bytes_are_those_of_the_specification() -> None:
    tag = build_tag(VIDEO, 0x01020304, b"abc")
    assert (
        tag
        == b"\x09"
        + b"\x00\x00\x03"
        + b"\x02\x03\x04"
        + b"\x01"
        + b"\x00\x00\x00"
        + b"abc"
        + b"\x00\x00\x00\x0e"
    )


def test_timestamp_beyond_32_bits_wraps() -> None:
    assert parse_tag_header(build_tag(AUDIO, 2**32 + 5, b"")) == (AUDIO, 0, 5)


@given(tags, st.integers(1, 40))
def test_reading_gives_back_what_was_built(items: list[Tag], step: int) -> None:
    data = file_of(items)
    assert TagReader().receive(data) == items
    reader = TagReader()
    read = [tag for i in range(0, len(data), step) for tag in reader.receive(data[i : i + step])]
    assert read == items


def test_reader_remembers_the_flags() -> None:
    reader = TagReader()
    reader.receive(build_header(True, False))
    assert (reader.audio, reader.video) == (True, False)


@pytest.mark.parametrize("data", [b"RIFF", b"FLX", b"\x00"])
def test_other_files_are_refused_at_once(data: bytes) -> None:
    with pytest.raises(PeerError):
        TagReader().receive(data)


def test_giant_tag_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(PeerError):
        TagReader().receive(build_header(True, True) + b"\x09\xff\xff\xff" + bytes(7))


@given(
    st.lists(
        st.builds(Tag, st.sampled_from([AUDIO, VIDEO]), st.integers(0, 10**6), st.binary(max_size=40)),
        max_size=5,
    )
)
def test_aggregate_is_moved_to_the_time_of_its_message(items: list[Tag]) -> None:
    body = b"".join(build_tag(t.type, t.timestamp_ms, t.body) for t in items)
    read = parse_aggregate(body, 7_000_000)
    assert [(t.type, t.body) for t in read] == [(t.type, t.body) for t in items]
    if items:
        shift = 7_000_000 - items[0].timestamp_ms
        assert [t.timestamp_ms for t in read] == [t.timestamp_ms + shift for t in items]


def test_aggregate_without_its_last_back_pointer_is_read() -> None:
    assert len(parse_aggregate(build_tag(AUDIO, 0, b"abc")[:-4], 0)) == 1


@pytest.mark.parametrize("cut", range(1, 14))
def test_aggregate_cut_inside_a_tag_is_refused(cut: int) -> None:
    with pytest.raises(PeerError):
        parse_aggregate(build_tag(AUDIO, 0, b"abc")[:cut], 0)

"""The load generator counts what was sent, however the bytes are cut."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.limits import RTMP_CHUNK_BYTES_MAX
from madang.containers.flv.tag import AUDIO, SCRIPT, VIDEO, build_header, build_tag
from madang.packaging.flv.messages import Message
from madang.packaging.rtmp.chunks import chunk_pieces
from madang.protocols.rtmp.chunk import ChunkWriter, build_chunks
from madang.protocols.rtmp.message import Message as RtmpMessage
from madang.protocols.rtmp.message import set_chunk_size

sys.path.insert(0, str(Path(__file__).parents[3]))
from bench.segments import _read_edge  # noqa: E402
from bench.wire import Count, FlvCounter, RtmpCounter, message  # noqa: E402

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n"


def feed(counter: FlvCounter | RtmpCounter, data: bytes, cut: int) -> Count:
    """Feed `data` in pieces of `cut` bytes as the crowd does, the tail first."""
    for start in range(0, len(data), cut):
        piece = bytearray(counter.tail + data[start : start + cut])
        counter.feed(piece, len(piece))
    return counter


tags = st.lists(st.tuples(st.sampled_from((AUDIO, VIDEO, SCRIPT)), st.integers(0, 300)), max_size=30)


@given(tags, st.integers(1, 700))
def test_flv(sent: list[tuple[int, int]], cut: int) -> None:
    body = b"".join(build_tag(kind, 40 * n, bytes(size)) for n, (kind, size) in enumerate(sent))
    data = HEAD + build_header(audio=True, video=True) + body
    count = feed(FlvCounter(), data, cut)
    times = [40 * n for n, (kind, _) in enumerate(sent) if kind == VIDEO]
    assert (count.frames, count.bytes) == (len(times), len(data))
    assert not times or (count.first_ms, count.last_ms) == (times[0], times[-1])


@given(tags, st.integers(1, 700))
def test_rtmp_as_it_is_rendered_for_players(sent: list[tuple[int, int]], cut: int) -> None:
    begin = build_chunks(2, set_chunk_size(RTMP_CHUNK_BYTES_MAX), 128)
    pieces = (
        piece
        for n, (kind, size) in enumerate(sent)
        for piece in chunk_pieces(Message(kind, 40 * n, b"", bytes(size)))
    )
    count = feed(RtmpCounter(), begin + b"".join(pieces), cut)
    times = [40 * n for n, (kind, _) in enumerate(sent) if kind == VIDEO]
    assert count.frames == len(times)
    assert not times or (count.first_ms, count.last_ms) == (times[0], times[-1])


@pytest.mark.parametrize("cut", [1, 7, 128, 4096])
def test_rtmp_in_small_chunks_with_deltas(cut: int) -> None:
    writer = ChunkWriter(128)
    data = b"".join(writer.write(6, RtmpMessage(VIDEO, 33 * n, 1, bytes(1000))) for n in range(20))
    count = feed(RtmpCounter(), data, cut)
    assert (count.frames, count.first_ms, count.last_ms) == (20, 0, 33 * 19)


def test_messages_of_the_generator_are_those_of_the_protocol() -> None:
    body = bytes(10_000)
    ours = build_chunks(6, RtmpMessage(VIDEO, 1234, 1, body), 4096)
    assert message(6, VIDEO, 1, 1234, body, 4096) == ours


def test_the_live_edge_of_a_delta_playlist() -> None:
    text = (
        b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"
        b'#EXT-X-PART:DURATION=0.5,URI="13.0.m4s"\n#EXTINF:2.0,\n13.m4s\n'
        b'#EXT-X-PART:DURATION=0.5,URI="14.0.m4s"\n#EXT-X-PART:DURATION=0.5,URI="14.1.m4s"\n'
        b'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="14.2.m4s"\n'
    )
    assert _read_edge(text) == (b"14.1.m4s", 14, 2)

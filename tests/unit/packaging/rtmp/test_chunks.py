"""Chunks that every player can read, wherever it joins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.limits import RTMP_CHUNK_BYTES_MAX
from madang.containers.flv.tag import AUDIO, SCRIPT, VIDEO
from madang.packaging.flv.messages import Message
from madang.packaging.rtmp.chunks import STREAM_ID, chunk_pieces
from madang.protocols.rtmp.chunk import ChunkReader, build_chunks
from madang.protocols.rtmp.message import set_chunk_size


def player() -> ChunkReader:
    reader = ChunkReader()
    reader.receive(build_chunks(2, set_chunk_size(RTMP_CHUNK_BYTES_MAX), 128))
    return reader


@given(
    st.sampled_from((AUDIO, VIDEO, SCRIPT)),
    st.one_of(st.integers(0, 0xFFFFFFFF), st.sampled_from((0xFFFFFE, 0xFFFFFF, 0x1000000))),
    st.binary(max_size=9),
    st.one_of(st.integers(0, 300), st.sampled_from((65_531, 65_536, 65_537, 131_072, 200_000))),
)
def test_a_reader_gets_the_message_back(type: int, at: int, prefix: bytes, size: int) -> None:
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    pieces = chunk_pieces(Message(type, at, prefix, payload))
    (message,) = player().receive(b"".join(pieces))
    assert (message.type, message.timestamp_ms, message.stream_id) == (type, at, STREAM_ID)
    assert bytes(message.body) == prefix + payload


def test_the_payload_is_not_copied() -> None:
    payload = b"payload"
    assert chunk_pieces(Message(VIDEO, 0, b"prefix", payload))[1] is payload


@pytest.mark.parametrize("start", [0, 1, 2])
def test_messages_can_be_joined_anywhere(start: int) -> None:
    messages = [Message(VIDEO, 40 * n, b"\x27", b"v%d" % n) for n in range(4)]
    reader = player()
    got = reader.receive(b"".join(piece for m in messages[start:] for piece in chunk_pieces(m)))
    assert [message.timestamp_ms for message in got] == [40 * n for n in range(start, 4)]

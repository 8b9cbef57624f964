"""Messages framed as RTMP chunks that fit every player: full headers, one chunk size, one message stream."""

from typing import Final

from madang.base.limits import RTMP_CHUNK_BYTES_MAX
from madang.containers.flv.tag import AUDIO, SCRIPT, VIDEO
from madang.packaging.flv.messages import Message

STREAM_ID: Final = 1
"""The message stream of everyone who shares the bytes: what the first createStream gives."""

# Chunk stream ids of their own: 2, 3 and 5 belong to what the connection says for itself, with deltas.
_CHUNK_STREAMS: Final = {AUDIO: 4, VIDEO: 6, SCRIPT: 7}
_EXTENDED: Final = 0xFFFFFF


def chunk_pieces(message: Message) -> list[bytes | memoryview]:
    """The chunks of a message in pieces, its payload not copied (RTMP 1.0, 5.3.1).

    Each message has a type 0 header, so that players may join and lose messages anywhere. The extended
    timestamp is repeated in continuing chunks, as everyone does.
    """
    chunk_stream = _CHUNK_STREAMS[message.type]
    size = len(message.prefix) + len(message.payload)
    at = message.timestamp_ms & 0xFFFFFFFF
    extended = at.to_bytes(4, "big") if at >= _EXTENDED else b""
    fixed = chunk_stream << 88 | min(at, _EXTENDED) << 64 | size << 40 | message.type << 32
    head = fixed.to_bytes(12, "big")[:8] + STREAM_ID.to_bytes(4, "little") + extended + message.prefix
    if size <= RTMP_CHUNK_BYTES_MAX:
        return [head, message.payload]
    again = bytes((0xC0 | chunk_stream,)) + extended
    payload, first = memoryview(message.payload), RTMP_CHUNK_BYTES_MAX - len(message.prefix)
    pieces: list[bytes | memoryview] = [head, payload[:first]]
    for start in range(first, len(payload), RTMP_CHUNK_BYTES_MAX):
        pieces += [again, payload[start : start + RTMP_CHUNK_BYTES_MAX]]
    return pieces

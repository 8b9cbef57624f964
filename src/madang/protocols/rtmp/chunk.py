"""The chunk stream (RTMP 1.0, 5.3): reading messages from bytes of any size, and writing them.

A publisher's video frame comes in dozens of chunks of 128 bytes, so the reader has one fast way: as many
whole chunks as are there, one behind the other, are checked and joined by slices with a stride, in C.
Everything else (interleaved chunk streams, long ids, extended timestamps) goes chunk by chunk. Payload is
taken as it comes, so between two calls only a header of 18 bytes at most and the partial messages are kept.
"""

import struct
from typing import Final

from madang.base.errors import PeerError
from madang.base.limits import (
    RTMP_CHUNK_BYTES_MAX,
    RTMP_CHUNK_STREAMS,
    RTMP_CONNECTION_BYTES,
    RTMP_MESSAGE_BYTES,
)
from madang.protocols.rtmp.message import ABORT, AUDIO, SET_CHUNK_SIZE, VIDEO, Message

DEFAULT_CHUNK_SIZE: Final = 128
_EXTENDED: Final = 0xFFFFFF
_MESSAGE_HEADER_BYTES = (11, 7, 3, 0)
_INCOMPLETE: Final = -1
_HEADER = struct.Struct(">II")
_MEDIA = (AUDIO, VIDEO)
# Chunk headers that one look ahead compares: it doubles while they are all of this message and falls back
# when one is not, so that the cost stays linear whatever is interleaved (A37).
_REACH_MIN: Final = 64
_REACH_MAX: Final = 8192


class _ChunkStream:
    """What a chunk stream remembers of its last header, and the message that it is in the middle of."""

    __slots__ = (
        "absolute",
        "extended",
        "field",
        "length",
        "marker",
        "parts",
        "received",
        "stream_id",
        "timestamp",
        "type",
    )

    def __init__(self, marker: bytes) -> None:
        self.marker = marker
        """The type 3 header of this stream when it is a single byte, else empty."""
        self.timestamp = self.field = self.length = self.type = self.stream_id = 0
        self.received = 0
        """Payload bytes of the unfinished message."""
        self.parts = bytearray()
        self.extended = False
        """Whether the last header of type 0, 1 or 2 had an extended timestamp."""
        self.absolute = True
        """Whether that header, when it had one, was of type 0."""


def _join(chunks: bytes, size: int, marker: bytes) -> bytes:
    """Chunks of `size` bytes without the type 3 header between them; empty when other headers are there."""
    if chunks[size :: size + 1].strip(marker):
        return b""
    payload = bytearray(chunks)
    del payload[size :: size + 1]
    return bytes(payload)


class ChunkReader:
    """Bytes in, messages out. Set Chunk Size and Abort are obeyed here and not returned."""

    __slots__ = ("_chunk_size", "_current", "_partial", "_reach", "_rest", "_room", "_streams", "plain")

    def __init__(self) -> None:
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._streams: dict[int, _ChunkStream] = {}
        self._current: _ChunkStream | None = None
        """The stream whose chunk is being read; None between two chunks."""
        self._room = 0
        """Payload bytes that the current chunk may still bring."""
        self._rest = b""
        self._partial = 0
        self._reach = _REACH_MIN
        self.plain = True
        """Whether the messages of the last `receive` were audio and video alone."""

    @property
    def chunk_size(self) -> int:
        """What the peer has set."""
        return self._chunk_size

    @property
    def partial_bytes(self) -> int:
        """Bytes of unfinished messages, which RTMP_CONNECTION_BYTES bounds."""
        return self._partial

    def receive(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. PeerError when the peer breaks the chunk stream or a limit."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        messages: list[Message] = []
        self.plain = True
        offset, end = 0, len(data)
        while offset < end:
            if self._current is None:
                offset = self._take_whole(data, offset, messages)
                if offset == end:
                    break
                start = self._header(data, offset)
                if start == _INCOMPLETE:
                    self._rest = data[offset:]
                    break
                offset = start
            stream = self._current
            assert stream is not None
            left = stream.length - stream.received
            if left > self._room or left > end - offset or stream.received:
                offset = self._payload(stream, data, offset)
                if stream.received < stream.length:
                    continue
                message = self._assemble(stream)
            else:  # all of it is in one chunk, and all of that is here
                body = data[offset : offset + left]
                message = Message(stream.type, stream.timestamp, stream.stream_id, body)
                offset += left
                self._current = None
            if message.type > ABORT:
                messages.append(message)
                self.plain = self.plain and message.type in _MEDIA
            else:
                self._obey(message)
        return messages

    def _take_whole(self, data: bytes, offset: int, messages: list[Message]) -> int:
        """The common messages in one go: audio and video with a header of type 0 or 1, a one-byte id and a
        plain timestamp, that are all here and not interleaved. Returns the offset of the first other one."""
        streams, size, end = self._streams, self._chunk_size, len(data)
        while offset + 8 <= end:
            head, tail = _HEADER.unpack_from(data, offset)
            field, length, kind = head & 0xFFFFFF, tail >> 8, tail & 255
            stream = streams.get(head >> 24 & 63)  # 0 and 1 begin longer ids, and are none themselves
            if stream is None or stream.received or field == _EXTENDED or kind not in _MEDIA:
                break
            form = head >> 30
            start = offset + 8 if form else offset + 12
            stop = start + length
            if length > size:
                stop += (length - 1) // size
            if stop > end or form > 1:
                break
            body = data[start:stop]
            if length > size:
                body = _join(body, size, stream.marker)
                if len(body) != length:
                    break
            if form:
                stream.timestamp = (stream.timestamp + field) & 0xFFFFFFFF
            else:
                stream.timestamp = field
                stream.stream_id = int.from_bytes(data[offset + 8 : start], "little")
            stream.field, stream.extended, stream.length, stream.type = field, False, length, kind
            messages.append(Message(kind, stream.timestamp, stream.stream_id, body))
            offset = stop
        return offset

    def _header(self, data: bytes, offset: int) -> int:
        """Read a chunk header; returns where its payload begins, or _INCOMPLETE and nothing has changed."""
        end, first = len(data), data[offset]
        form, chunk_stream_id, at = first >> 6, first & 63, offset + 1
        if chunk_stream_id < 2:  # 5.3.1.1: ids from 64 on, in one byte or in two, the low one first
            at += chunk_stream_id + 1
            chunk_stream_id = 64 + int.from_bytes(data[offset + 1 : at], "little")
        start = at + _MESSAGE_HEADER_BYTES[form]
        if start > end:
            return _INCOMPLETE
        stream = self._streams.get(chunk_stream_id) or self._open(chunk_stream_id, first)
        if form == 3:
            field, extended = stream.field, stream.extended
        else:
            field = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
            extended = field == _EXTENDED
        if extended:
            found = data[start : start + 4]
            # 5.3.1.3 has the field in type 3 chunks too; librtmp leaves it out in the middle of a message.
            if not stream.received or stream.field.to_bytes(4, "big").startswith(found):
                if len(found) < 4:
                    return _INCOMPLETE
                field = int.from_bytes(found, "big")
                start += 4
        if stream.received:
            if form != 3:
                raise PeerError("malformed", "message header in the middle of a message")
        else:
            if form < 2:
                self._describe(stream, data, at, form)
            self._begin(stream, form, field, extended)
        self._current = stream
        self._room = self._chunk_size
        return start

    def _open(self, chunk_stream_id: int, first: int) -> _ChunkStream:
        """A chunk stream seen for the first time. Type 1 is tolerated there: librtmp's pings begin so."""
        if first >> 6 > 1:
            raise PeerError("malformed", "chunk stream begins without a message header")
        if len(self._streams) >= RTMP_CHUNK_STREAMS:
            raise PeerError("malformed", f"more than {RTMP_CHUNK_STREAMS} chunk streams")
        stream = _ChunkStream(bytes((first | 0xC0,)) if first & 63 > 1 else b"")
        self._streams[chunk_stream_id] = stream
        return stream

    def _describe(self, stream: _ChunkStream, data: bytes, at: int, form: int) -> None:
        """Length and type of a type 0 or 1 header at `at`, and the stream id of type 0."""
        length = data[at + 3] << 16 | data[at + 4] << 8 | data[at + 5]
        if length > RTMP_MESSAGE_BYTES:
            raise PeerError("malformed", f"message of {length} bytes")
        stream.length, stream.type = length, data[at + 6]
        if form == 0:
            stream.stream_id = int.from_bytes(data[at + 7 : at + 11], "little")

    def _begin(self, stream: _ChunkStream, form: int, field: int, extended: bool) -> None:
        """The time of a new message. Types 1 and 2 carry a delta, and so does type 3 (5.3.1.2.4): the last
        one, which after a type 0 is its timestamp. Only an extended timestamp is never taken twice."""
        if form == 0 or (form == 3 and extended and stream.absolute):
            stream.timestamp = field
        else:
            stream.timestamp = (stream.timestamp + field) & 0xFFFFFFFF
        stream.field, stream.extended = field, extended
        if extended and form != 3:
            stream.absolute = form == 0

    def _payload(self, stream: _ChunkStream, data: bytes, offset: int) -> int:
        """Take what `data` has of the current chunk, or of a run of chunks; returns the offset behind."""
        left, available, size = stream.length - stream.received, len(data) - offset, self._chunk_size
        count = min((left - 1) // size, available // (size + 1), self._reach)
        if count and self._room == size and stream.marker and not stream.extended:
            heads = data[offset + size : offset + count * (size + 1) : size + 1]
            run = count - len(heads.lstrip(stream.marker))
            self._reach = min(self._reach * 2, _REACH_MAX) if run == count else _REACH_MIN
            if run:
                return self._take_run(stream, data, offset, run)
        taken = min(left, available, self._room)
        self._keep(stream, data[offset : offset + taken])
        self._room -= taken
        if not self._room:
            self._current = None
        return offset + taken

    def _take_run(self, stream: _ChunkStream, data: bytes, offset: int, run: int) -> int:
        """Take `run` whole chunks with the type 3 header behind each, and the last chunk when it is here."""
        size, left = self._chunk_size, stream.length - stream.received
        span, last = run * (size + 1), left - run * size
        if last <= size and offset + span + last <= len(data):
            span += last
        piece = bytearray(memoryview(data)[offset : offset + span])
        del piece[size :: size + 1]
        self._keep(stream, piece)
        self._room = size
        return offset + span

    def _keep(self, stream: _ChunkStream, piece: bytes | bytearray) -> None:
        stream.parts += piece
        stream.received += len(piece)
        self._partial += len(piece)
        if self._partial > RTMP_CONNECTION_BYTES:
            raise PeerError("malformed", "unfinished messages are too many bytes")

    def _assemble(self, stream: _ChunkStream) -> Message:
        """The finished message of `stream`."""
        message = Message(stream.type, stream.timestamp, stream.stream_id, bytes(stream.parts))
        self._drop(stream)
        self._current = None
        return message

    def _drop(self, stream: _ChunkStream) -> None:
        self._partial -= stream.received
        stream.received = 0
        stream.parts = bytearray()

    def _obey(self, message: Message) -> None:
        """Set Chunk Size (5.4.1) counts from the next chunk on, Abort (5.4.2) drops a partial message."""
        value = int.from_bytes(message.body[:4], "big")
        if message.type == SET_CHUNK_SIZE:
            if len(message.body) < 4 or not 1 <= value <= RTMP_CHUNK_BYTES_MAX:
                raise PeerError("malformed", f"chunk size {value}")
            self._chunk_size = value
        elif message.type == ABORT and (stream := self._streams.get(value)) is not None:
            self._drop(stream)


def build_chunks(chunk_stream_id: int, message: Message, chunk_size: int = RTMP_CHUNK_BYTES_MAX) -> bytes:
    """`message` whole, beginning with a type 0 header: bytes that anybody may join at, made once for all.

    `chunk_stream_id` is 2..65,599. An extended timestamp stands in each chunk, as 5.3.1.3 has it.
    """
    timestamp = message.timestamp_ms & 0xFFFFFFFF
    head = build_basic_header(0, chunk_stream_id) + b"".join(
        (
            min(timestamp, _EXTENDED).to_bytes(3, "big"),
            len(message.body).to_bytes(3, "big"),
            bytes((message.type,)),
            message.stream_id.to_bytes(4, "little"),
        )
    )
    tail = timestamp.to_bytes(4, "big") if timestamp >= _EXTENDED else b""
    return _split(chunk_stream_id, head + tail, tail, message.body, chunk_size)


def build_basic_header(form: int, chunk_stream_id: int) -> bytes:
    """One, two or three bytes (5.3.1.1); the shortest form that the id allows."""
    if chunk_stream_id < 64:
        return bytes((form << 6 | chunk_stream_id,))
    if chunk_stream_id < 320:
        return bytes((form << 6, chunk_stream_id - 64))
    return bytes((form << 6 | 1,)) + (chunk_stream_id - 64).to_bytes(2, "little")


def _split(chunk_stream_id: int, head: bytes, tail: bytes, body: bytes, size: int) -> bytes:
    """`head` and `body`, with a type 3 header and `tail` before every chunk but the first."""
    if len(body) <= size:
        return head + body
    between = build_basic_header(3, chunk_stream_id) + tail
    return head + between.join([body[i : i + size] for i in range(0, len(body), size)])


class ChunkWriter:
    """Writes one direction of a connection: a type 0 header first, then type 1 with deltas."""

    __slots__ = ("_last", "chunk_size")

    def __init__(self, chunk_size: int = DEFAULT_CHUNK_SIZE) -> None:
        self.chunk_size = chunk_size
        """Announce a change with `set_chunk_size` before it counts."""
        self._last: dict[int, tuple[int, int]] = {}

    def write(self, chunk_stream_id: int, message: Message) -> bytes:
        """The chunks of `message`; back in time or on another stream id it begins afresh with type 0."""
        timestamp = message.timestamp_ms & 0xFFFFFFFF
        before = self._last.get(chunk_stream_id)
        self._last[chunk_stream_id] = (timestamp, message.stream_id)
        if before is None or before[1] != message.stream_id or timestamp < before[0]:
            return build_chunks(chunk_stream_id, message, self.chunk_size)
        delta = timestamp - before[0]
        head = build_basic_header(1, chunk_stream_id) + min(delta, _EXTENDED).to_bytes(3, "big")
        head += len(message.body).to_bytes(3, "big") + bytes((message.type,))
        tail = delta.to_bytes(4, "big") if delta >= _EXTENDED else b""
        return _split(chunk_stream_id, head + tail, tail, message.body, self.chunk_size)

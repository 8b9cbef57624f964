"""FLV file header and tags, built and read from any pieces (Video File Format 10.1, annex E)."""

from typing import Final

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import RTMP_MESSAGE_BYTES

AUDIO: Final = 8
VIDEO: Final = 9
SCRIPT: Final = 18

HEADER_BYTES: Final = 13
"""The file header and the first PreviousTagSize."""
TAG_HEADER_BYTES: Final = 11
TAG_TRAILER_BYTES: Final = 4

_FLAG_VIDEO = 1
_FLAG_AUDIO = 4


class Tag(msgspec.Struct, frozen=True, gc=False):
    """One FLV tag: `type` is AUDIO, VIDEO or SCRIPT, `timestamp_ms` has 32 bits."""

    type: int
    timestamp_ms: int
    body: bytes


def build_header(audio: bool, video: bool) -> bytes:
    """The file header and PreviousTagSize0. A flag for a track that never comes stalls mpegts.js."""
    flags = (_FLAG_AUDIO if audio else 0) | (_FLAG_VIDEO if video else 0)
    return b"FLV\x01" + bytes((flags,)) + b"\x00\x00\x00\x09" + b"\x00\x00\x00\x00"


def build_tag(type: int, timestamp_ms: int, body: bytes) -> bytes:
    """Header, `body` and PreviousTagSize. The timestamp wraps at 32 bits, as the format has it."""
    size = len(body)
    return b"".join((build_tag_header(type, timestamp_ms, size), body, (size + 11).to_bytes(4, "big")))


def build_tag_header(type: int, timestamp_ms: int, size: int) -> bytes:
    """The 11 bytes before a body of `size` bytes (below 2^24)."""
    # The low 24 bits of the time come first, its high byte behind them; the stream id is always 0.
    low, high = timestamp_ms & 0xFFFFFF, timestamp_ms >> 24 & 0xFF
    return (type << 80 | size << 56 | low << 32 | high << 24).to_bytes(11, "big")


def parse_tag_header(data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[int, int, int]:
    """(type, body size, timestamp in ms) of the 11 bytes at `offset`; raises PeerError when cut off."""
    if len(data) - offset < TAG_HEADER_BYTES:
        raise PeerError("malformed", "FLV tag header is cut off")
    size = data[offset + 1] << 16 | data[offset + 2] << 8 | data[offset + 3]
    low = data[offset + 4] << 16 | data[offset + 5] << 8 | data[offset + 6]
    return data[offset] & 0x1F, size, data[offset + 7] << 24 | low


def parse_aggregate(body: bytes, timestamp_ms: int) -> list[Tag]:
    """The tags of an RTMP aggregate message (RTMP 7.1.6), moved to the message's own time.

    Raises PeerError when a tag reaches beyond the message; the back pointer of the last tag may be missing.
    """
    tags: list[Tag] = []
    offset = shift = 0
    while offset < len(body):
        type, size, at = parse_tag_header(body, offset)
        if not tags:
            shift = timestamp_ms - at
        start = offset + TAG_HEADER_BYTES
        if start + size > len(body):
            raise PeerError("malformed", "aggregate message ends inside a tag")
        tags.append(Tag(type, (at + shift) & 0xFFFFFFFF, body[start : start + size]))
        offset = start + size + TAG_TRAILER_BYTES
    return tags


class TagReader:
    """Reads an FLV stream from pieces of any size; keeps the bytes of one unfinished tag."""

    __slots__ = ("_buffer", "_begun", "audio", "video")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._begun = False
        self.audio = False
        """Flag of the file header."""
        self.video = False

    def receive(self, data: bytes) -> list[Tag]:
        """The tags that `data` completes; raises PeerError for another format, or an over-long body."""
        self._buffer += data
        tags: list[Tag] = []
        offset = 0 if self._begun else self._begin()
        while self._begun and len(self._buffer) - offset >= TAG_HEADER_BYTES:
            type, size, timestamp_ms = parse_tag_header(self._buffer, offset)
            if size > RTMP_MESSAGE_BYTES:
                raise PeerError("malformed", f"FLV tag of {size} bytes")
            start = offset + TAG_HEADER_BYTES
            if len(self._buffer) < start + size + TAG_TRAILER_BYTES:
                break
            tags.append(Tag(type, timestamp_ms, bytes(memoryview(self._buffer)[start : start + size])))
            offset = start + size + TAG_TRAILER_BYTES
        del self._buffer[:offset]
        return tags

    def _begin(self) -> int:
        """Offset behind the file header, or 0 while it is not there yet."""
        if not b"FLV".startswith(self._buffer[:3]):
            raise PeerError("malformed", "not an FLV file")
        if len(self._buffer) < HEADER_BYTES:
            return 0
        self._begun = True
        self.audio = bool(self._buffer[4] & _FLAG_AUDIO)
        self.video = bool(self._buffer[4] & _FLAG_VIDEO)
        return HEADER_BYTES

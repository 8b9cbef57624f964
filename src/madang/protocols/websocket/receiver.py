"""Bytes in, messages out: one direction of a websocket connection (RFC 6455 section 5).

No extension is ever agreed upon, so no frame is compressed.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from madang.base.errors import PeerError
from madang.base.limits import WEBSOCKET_FRAGMENTS, WEBSOCKET_MESSAGE_BYTES
from madang.protocols.websocket import frame


class Message(NamedTuple):
    """A whole message: text as `str`, binary as `bytes`."""

    data: str | bytes


class Ping(NamedTuple):
    data: bytes


class Pong(NamedTuple):
    data: bytes


class Closed(NamedTuple):
    """The peer's close frame; 1005 when it gave no code."""

    code: int
    reason: str


Event = Message | Ping | Pong | Closed

_NONE: Final = -1
_KNOWN: Final = frozenset((frame.CONTINUATION, frame.TEXT, frame.BINARY, frame.CLOSE, frame.PING, frame.PONG))


class Receiver:
    """Parses what one peer sends. Idle, it holds nothing; the cost is linear in the bytes received."""

    __slots__ = ("_buffer", "_limit", "_masked", "_need", "_opcode", "_parts", "_size")

    def __init__(self, limit_bytes: int = WEBSOCKET_MESSAGE_BYTES, *, masked: bool = True) -> None:
        """`limit_bytes` bounds a message; `masked` is true for what clients send (section 5.1)."""
        self._buffer: bytearray | None = None
        """Bytes of an unfinished frame."""
        self._need = 0
        """How many of them make it worth to look again."""
        self._limit = limit_bytes
        self._masked = masked
        self._opcode = _NONE
        """Of the message whose fragments are collected."""
        self._parts: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes, in order.

        Raises PeerError, whose code is the close code as text, at the place of the fault; after that the
        receiver must not be fed again.
        """
        buffer = self._buffer
        if buffer is not None:
            buffer += data
            if len(buffer) < self._need:
                return
            data, self._buffer = bytes(buffer), None
        position = 0
        while position < len(data):
            end, event = self._frame(data, position)
            if end > len(data):
                self._need = end - position
                self._buffer = bytearray(memoryview(data)[position:])
                return
            position = end
            if event is not None:
                yield event

    def _frame(self, data: bytes, start: int) -> tuple[int, Event | None]:
        """Where the frame at `start` ends, which may be behind the data, and what it completes."""
        have = len(data) - start
        if have < 2:
            return start + 2, None
        first, second = data[start], data[start + 1]
        length = second & 0x7F
        body = start + 2
        if length >= frame.LENGTH_16:
            width = 2 if length == frame.LENGTH_16 else 8
            body += width
            if len(data) < body:
                return body, None
            length = self._long(data[start + 2 : body])
        self._check(first, second, length)
        if self._masked:
            body += 4
        end = body + length
        if end > len(data):
            return end, None
        payload = data[body:end]
        if self._masked:
            payload = frame.apply_mask(payload, data[body - 4 : body])
        return end, self._take(first, payload)

    def _long(self, encoded: bytes) -> int:
        length = int.from_bytes(encoded, "big")
        if length < (frame.LENGTH_16 if len(encoded) == 2 else 1 << 16) or length >> 63:
            raise _broken("length is not encoded in the shortest way")
        return length

    def _check(self, first: int, second: int, length: int) -> None:
        """Judge a head as soon as it is there, before its payload is waited for."""
        opcode = first & 0x0F
        if first & 0x70 or opcode not in _KNOWN:
            raise _broken("reserved bit or opcode")
        if (second >= frame.MASKED) != self._masked:
            raise _broken("mask is missing" if self._masked else "server's frame is masked")
        if opcode >= frame.CLOSE:
            if length > frame.CONTROL_BYTES or first < frame.FIN:
                raise _broken("control frame is long or fragmented")
        elif (opcode == frame.CONTINUATION) != (self._parts is not None):
            raise _broken("continuation without a beginning, or a beginning inside a message")
        elif self._size + length > self._limit:
            raise PeerError(str(frame.TOO_BIG), f"message is longer than {self._limit} bytes")

    def _take(self, first: int, payload: bytes) -> Event | None:
        opcode = first & 0x0F
        if opcode >= frame.CLOSE:
            return _control(opcode, payload)
        if first >= frame.FIN and self._parts is None:
            return _message(opcode, payload)
        if self._parts is None:
            self._opcode, self._parts = opcode, []
        self._parts.append(payload)
        self._size += len(payload)
        if len(self._parts) > WEBSOCKET_FRAGMENTS:
            raise PeerError(str(frame.POLICY), f"message has more than {WEBSOCKET_FRAGMENTS} fragments")
        if first < frame.FIN:
            return None
        opcode, payload = self._opcode, b"".join(self._parts)
        self._opcode, self._parts, self._size = _NONE, None, 0
        return _message(opcode, payload)


def reply(event: Event) -> bytes:
    """What a server must answer at once: a pong, or the close frame echoed (sections 5.5.1 and 5.5.2)."""
    if isinstance(event, Ping):
        return frame.build_frame(frame.PONG, event.data)
    if isinstance(event, Closed):
        return frame.build_close(frame.NORMAL if event.code == frame.NO_STATUS else event.code)
    return b""


def _message(opcode: int, payload: bytes) -> Message:
    if opcode == frame.BINARY:
        return Message(payload)
    try:
        return Message(payload.decode())
    except UnicodeDecodeError:
        raise PeerError(str(frame.INVALID_DATA), "text is not UTF-8") from None


def _control(opcode: int, payload: bytes) -> Event:
    if opcode == frame.PING:
        return Ping(payload)
    if opcode == frame.PONG:
        return Pong(payload)
    return Closed(*frame.parse_close(payload))


def _broken(reason: str) -> PeerError:
    return PeerError(str(frame.PROTOCOL_ERROR), reason)

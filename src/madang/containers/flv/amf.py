"""AMF0 values, and the primitive AMF3 values that a command may switch to; bounded in depth and count."""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from madang.base.errors import PeerError
from madang.base.limits import AMF_DEPTH, AMF_VALUES

Value: TypeAlias = "None | bool | int | float | str | Mapping[str, Value] | Sequence[Value]"
"""What AMF carries: undefined reads as None, a date as milliseconds since 1970, XML as text."""


class EcmaArray(dict[str, Value]):
    """A mapping that is written as an ECMA array, as onMetaData wants it; a plain dict becomes an object."""


_NUMBER: Final = 0x00
_BOOLEAN: Final = 0x01
_STRING: Final = 0x02
_OBJECT: Final = 0x03
_NULL: Final = 0x05
_UNDEFINED: Final = 0x06
_ECMA_ARRAY: Final = 0x08
_STRICT_ARRAY: Final = 0x0A
_DATE: Final = 0x0B
_LONG_STRING: Final = 0x0C
_UNSUPPORTED: Final = 0x0D
_XML: Final = 0x0F
_TYPED_OBJECT: Final = 0x10
_AVM_PLUS: Final = 0x11

_DOUBLE = struct.Struct(">d")
_END = b"\x00\x00\x09"


def encode(*values: Value) -> bytes:
    """The values behind each other in AMF0."""
    parts: list[bytes] = []
    for value in values:
        _write(value, parts)
    return b"".join(parts)


def decode(data: bytes | memoryview) -> list[Value]:
    """All AMF0 values of `data`. Raises PeerError when cut off, unknown, too deep or too many.

    A last value whose type marker is there and whose bytes are not is an error too; no value is guessed.
    """
    reader = _Reader(data)
    values: list[Value] = []
    while reader.left:
        values.append(reader.value(0))
    return values


def decode_command(data: bytes | memoryview, amf3: bool) -> list[Value]:
    """The values of a command or data message; the AMF3 forms (types 15 and 17) have a leading 0 byte."""
    return decode(data[1:] if amf3 and data[:1] == b"\x00" else data)


def _write(value: Value, parts: list[bytes]) -> None:
    if value is None:
        parts.append(b"\x05")
    elif isinstance(value, bool):
        parts.append(b"\x01\x01" if value else b"\x01\x00")
    elif isinstance(value, int | float):
        parts.append(b"\x00" + _DOUBLE.pack(value))
    elif isinstance(value, str):
        parts.append(_text(value))
    elif isinstance(value, Mapping):
        parts.append(b"\x08" + len(value).to_bytes(4, "big") if isinstance(value, EcmaArray) else b"\x03")
        for name, item in value.items():
            parts.append(_short(name))
            _write(item, parts)
        parts.append(_END)
    else:
        parts.append(b"\x0a" + len(value).to_bytes(4, "big"))
        for item in value:
            _write(item, parts)


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > 0xFFFF:
        return b"\x0c" + len(data).to_bytes(4, "big") + data
    return b"\x02" + len(data).to_bytes(2, "big") + data


def _short(name: str) -> bytes:
    data = name.encode("utf-8", "surrogatepass")[:0xFFFF]
    return len(data).to_bytes(2, "big") + data


class _Reader:
    """Walks one message; counts the values that it made."""

    __slots__ = ("_data", "_offset", "_values")

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = bytes(data)
        self._offset = 0
        self._values = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._offset

    def take(self, count: int) -> bytes:
        start = self._offset
        if count > len(self._data) - start:
            raise PeerError("malformed", "AMF value is cut off")
        self._offset = start + count
        return self._data[start : self._offset]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def text(self, length_bytes: int) -> str:
        return self.take(self.number(length_bytes)).decode("utf-8", "replace")

    def double(self) -> float:
        value: float = _DOUBLE.unpack(self.take(8))[0]
        return value

    def value(self, depth: int) -> Value:
        """The next AMF0 value; `depth` counts the objects and arrays around it."""
        self._values += 1
        if depth > AMF_DEPTH or self._values > AMF_VALUES:
            raise PeerError("malformed", "AMF values are too deep or too many")
        marker = self.number(1)
        read = _AMF0.get(marker)
        if read is not None:
            return read(self)
        if marker == _TYPED_OBJECT:
            self.text(2)
        elif marker == _ECMA_ARRAY:
            self.number(4)  # a count that encoders get wrong; the end marker counts
        elif marker == _STRICT_ARRAY:
            return [self.value(depth + 1) for _ in range(self.number(4))]
        elif marker != _OBJECT:
            raise PeerError("malformed", f"AMF0 type {marker}")
        return self.properties(depth + 1)

    def properties(self, depth: int) -> dict[str, Value]:
        """Names and values up to the end marker, which some encoders leave out at the message's end."""
        found: dict[str, Value] = {}
        while self.left:
            name = self.text(2)
            if not name and self._data[self._offset : self._offset + 1] == b"\x09":
                self._offset += 1
                return found
            found[name] = self.value(depth)
        return found

    def date(self) -> float:
        milliseconds = self.double()
        self.take(2)  # a time zone that must be ignored
        return milliseconds

    def amf3(self) -> Value:
        """A primitive AMF3 value; objects, arrays and references are refused (A38)."""
        marker = self.number(1)
        if marker in (0, 1):
            return None
        if marker in (2, 3):
            return marker == 3
        if marker == 4:
            number = self.u29()
            return number - (1 << 29) if number >> 28 else number
        if marker == 5:
            return self.double()
        if marker == 6 and (length := self.u29()) & 1:
            return self.take(length >> 1).decode("utf-8", "replace")
        raise PeerError("malformed", f"AMF3 type {marker}")

    def u29(self) -> int:
        """Seven bits in each of up to three bytes, and eight in the fourth."""
        number = 0
        for _ in range(3):
            byte = self.number(1)
            if byte < 0x80:
                return number << 7 | byte
            number = number << 7 | byte & 0x7F
        return number << 8 | self.number(1)


_AMF0: dict[int, Callable[[_Reader], Value]] = {
    _NUMBER: _Reader.double,
    _BOOLEAN: lambda reader: reader.number(1) != 0,
    _STRING: lambda reader: reader.text(2),
    _NULL: lambda reader: None,
    _UNDEFINED: lambda reader: None,
    _DATE: _Reader.date,
    _LONG_STRING: lambda reader: reader.text(4),
    _UNSUPPORTED: lambda reader: None,
    _XML: lambda reader: reader.text(4),
    _AVM_PLUS: _Reader.amf3,
}

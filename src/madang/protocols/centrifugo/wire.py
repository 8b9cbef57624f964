"""Protocol Buffers by table: each message is a struct, each field a number and a kind.

Unknown fields are passed over; whatever comes, the result is a value or PeerError "3501".
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.base.limits import JSON_DEPTH


class Kind(Enum):
    """How a field's value travels."""

    TEXT = auto()
    BYTES = auto()
    NUMBER = auto()
    SIGNED = auto()
    """int32: negative numbers take ten bytes."""
    LONG = auto()
    """int64."""
    FLAG = auto()
    MESSAGE = auto()
    TEXTS = auto()
    """A map of texts to texts."""
    MESSAGES = auto()
    """A map of texts to messages."""
    TEXT_LIST = auto()
    MESSAGE_LIST = auto()
    PIECES = auto()
    """Repeated messages that are encoded already, each with its tag and length: written as they are."""


class Field(NamedTuple):
    name: str
    kind: Kind
    of: type[msgspec.Struct] | None = None
    """The type of messages."""


Tables = Mapping[type[msgspec.Struct], Mapping[int, Field]]
_Value = object
_M = TypeVar("_M", bound=msgspec.Struct)
_NOTHING: Final[Mapping[str, _Value]] = {}
_ABSENT: Final[Mapping[Kind, _Value]] = {
    Kind.TEXT: "",
    Kind.NUMBER: 0,
    Kind.SIGNED: 0,
    Kind.LONG: 0,
    Kind.FLAG: False,
    Kind.TEXT_LIST: (),
    Kind.MESSAGE_LIST: (),
}
_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_FIXED32: Final = 5


def varint(number: int) -> bytes:
    """An unsigned varint; negative numbers as 64 bits of two's complement."""
    if 0 <= number < 128:
        return _SHORT[number]
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


_SHORT: Final = tuple(bytes((number,)) for number in range(128))


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The varint at `at` and where it ends; raises PeerError when it has more than ten bytes or ends
    early."""
    number = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            break
    raise PeerError("3501", "bad varint")


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a message: their numbers and bodies. Raises PeerError "3501"."""
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at, end)
        wire = tag & 7
        if wire == _LENGTH:
            size, at = read_varint(data, at, end)
            if size > end - at:
                raise PeerError("3501", "message ends inside a field")
            yield tag >> 3, data[at : at + size]
            at += size
        elif wire == _VARINT:
            _, at = read_varint(data, at, end)
        elif wire in (_FIXED32, _FIXED64) and end - at >= (4 if wire == _FIXED32 else 8):
            at += 4 if wire == _FIXED32 else 8
        else:
            raise PeerError("3501", "bad wire type")


def tagged(number: int, body: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | _LENGTH) + varint(len(body)) + body


class Codec:
    """Reads and writes the messages of one schema."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._written = {
            kind: tuple(
                (field, varint(number << 3 | _wire(field.kind))) for number, field in sorted(table.items())
            )
            for kind, table in tables.items()
        }
        self._absent = {kind: absent for kind, table in tables.items() if (absent := _absent(kind, table))}
        """What fields stand at that have no default and are not written."""

    def decode(self, kind: type[_M], data: bytes, start: int = 0, end: int = -1, depth: int = 0) -> _M:
        """A message between two places of `data`. Raises PeerError "3501"."""
        if depth > JSON_DEPTH:
            raise PeerError("3501", "messages are nested too deeply")
        table = self._tables[kind]
        values: dict[str, _Value] = dict(self._absent.get(kind, _NOTHING))
        at, end = start, len(data) if end < 0 else end
        while at < end:
            tag, at = read_varint(data, at, end)
            field, wire = table.get(tag >> 3), tag & 7
            if wire == _LENGTH:
                size, at = read_varint(data, at, end)
                if size > end - at:
                    raise PeerError("3501", "message ends inside a field")
                if field is not None:
                    self._take(values, field, data, at, at + size, depth)
                at += size
            elif wire == _VARINT:
                number, at = read_varint(data, at, end)
                if field is not None:
                    _take_number(values, field, number)
            elif wire in (_FIXED32, _FIXED64) and end - at >= (4 if wire == _FIXED32 else 8):
                at += 4 if wire == _FIXED32 else 8
            else:
                raise PeerError("3501", "bad wire type")
        return kind(**values)

    def _take(
        self, values: dict[str, _Value], field: Field, data: bytes, start: int, end: int, depth: int
    ) -> None:  # fmt: skip
        name, kind, of = field
        if kind is Kind.TEXT:
            values[name] = _text(data, start, end)
        elif kind is Kind.BYTES:
            values[name] = Raw(data[start:end])
        elif kind is Kind.TEXT_LIST:
            values[name] = (*_listed(values, name), _text(data, start, end))
        elif kind is Kind.TEXTS:
            key, value = self._entry(data, start, end)
            _mapped(values, name)[key] = _text(data, *value)
        elif of is None:
            raise PeerError("3501", "bad wire type")
        elif kind is Kind.MESSAGE:
            values[name] = self.decode(of, data, start, end, depth + 1)
        elif kind is Kind.MESSAGE_LIST:
            values[name] = (*_listed(values, name), self.decode(of, data, start, end, depth + 1))
        else:
            key, value = self._entry(data, start, end)
            _mapped(values, name)[key] = self.decode(of, data, *value, depth + 1)

    def _entry(self, data: bytes, start: int, end: int) -> tuple[str, tuple[int, int]]:
        """A map's entry: its key, and where its value lies."""
        key, value, at = "", (end, end), start
        while at < end:
            tag, at = read_varint(data, at, end)
            size, at = read_varint(data, at, end)
            if tag & 7 != _LENGTH or size > end - at:
                raise PeerError("3501", "bad map entry")
            if tag >> 3 == 1:
                key = _text(data, at, at + size)
            elif tag >> 3 == 2:
                value = at, at + size
            at += size
        return key, value

    def encode(self, message: msgspec.Struct) -> bytes:
        """The bytes of a message; defaults are left out."""
        parts: list[bytes] = []
        for field, tag in self._written[type(message)]:
            value: _Value = getattr(message, field.name)
            if isinstance(value, Raw):
                body = bytes(value)
                if field.kind is Kind.PIECES:
                    parts.append(body)
                elif body:
                    parts += tag, varint(len(body)), body
            elif isinstance(value, int):
                if value:
                    parts += tag, varint(value)
            elif isinstance(value, dict):
                for key, item in value.items():
                    body = tagged(1, key.encode("utf-8", "replace")) + tagged(2, self._body(item))
                    parts += tag, varint(len(body)), body
            elif isinstance(value, tuple):
                for item in value:
                    body = self._body(item)
                    parts += tag, varint(len(body)), body
            elif value is not None and value != "":
                body = self._body(value)
                parts += tag, varint(len(body)), body
        return b"".join(parts)

    def _body(self, item: _Value) -> bytes:
        """What a text or message is behind its length."""
        if isinstance(item, msgspec.Struct):
            return self.encode(item)
        assert isinstance(item, str)
        return item.encode("utf-8", "replace")


def _wire(kind: Kind) -> int:
    return _VARINT if kind in (Kind.NUMBER, Kind.SIGNED, Kind.LONG, Kind.FLAG) else _LENGTH


def _absent(kind: type[msgspec.Struct], table: Mapping[int, Field]) -> dict[str, _Value]:
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    named = (field for field in table.values() if field.name in required)
    return {field.name: _ABSENT[field.kind] for field in named if field.kind in _ABSENT}


def _take_number(values: dict[str, _Value], field: Field, number: int) -> None:
    if field.kind is Kind.NUMBER:
        values[field.name] = number
    elif field.kind is Kind.SIGNED:
        number &= 0xFFFF_FFFF
        values[field.name] = number - (number >> 31 << 32)
    elif field.kind is Kind.LONG:
        values[field.name] = number - (number >> 63 << 64)
    elif field.kind is Kind.FLAG:
        values[field.name] = number != 0
    else:
        raise PeerError("3501", "bad wire type")


def _text(data: bytes, start: int, end: int) -> str:
    try:
        return data[start:end].decode()
    except UnicodeDecodeError:
        raise PeerError("3501", "text is not UTF-8") from None


def _listed(values: dict[str, _Value], name: str) -> tuple[_Value, ...]:
    found = values.get(name, ())
    return found if isinstance(found, tuple) else ()


def _mapped(values: dict[str, _Value], name: str) -> dict[str, _Value]:
    found = values.setdefault(name, {})
    assert isinstance(found, dict)
    return found

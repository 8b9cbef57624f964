"""Fossil deltas: a target as copies from its source and literal bytes (fossil-scm.org, "The Delta Format").

A delta of text cuts only between characters, so that it is text itself and fits into JSON.
"""

from collections.abc import Iterator
from struct import unpack
from typing import Final

from madang.base.errors import PeerError

BLOCK_BYTES: Final = 16
_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_Match = tuple[int, int, int]
"""Where in the target, where in the source, how long."""


def create(source: bytes, target: bytes) -> bytes:
    """The delta that makes `target` of `source`."""
    parts = [_digits(len(target)), b"\n"]
    done = 0
    for at, offset, length in _matches(source, target):
        if at > done:
            parts += _digits(at - done), b":", target[done:at]
        parts += _digits(length), b"@", _digits(offset), b","
        done = at + length
    if done < len(target):
        parts += _digits(len(target) - done), b":", target[done:]
    parts += _digits(checksum(target)), b";"
    return b"".join(parts)


def apply(source: bytes, delta: bytes, limit_bytes: int = 1 << 24) -> bytes:
    """The target of a delta. Raises PeerError "malformed"."""
    size, at = _number(delta, 0)
    if delta[at : at + 1] != b"\n" or size > limit_bytes:
        raise PeerError("malformed", "delta has no length, or too long a one")
    at += 1
    target = bytearray()
    while True:
        number, at = _number(delta, at)
        kind = delta[at : at + 1]
        at += 1
        if kind == b"@":
            offset, at = _number(delta, at)
            if delta[at : at + 1] != b"," or offset + number > len(source):
                raise PeerError("malformed", "copy reaches beyond its source")
            at += 1
            target += source[offset : offset + number]
        elif kind == b":":
            if at + number > len(delta):
                raise PeerError("malformed", "literal is cut off")
            target += delta[at : at + number]
            at += number
        elif kind == b";":
            if len(target) != size or number != checksum(target):
                raise PeerError("malformed", "delta does not fit its source")
            return bytes(target)
        else:
            raise PeerError("malformed", "unknown delta command")
        if len(target) > size:
            raise PeerError("malformed", "target is longer than announced")


def checksum(data: bytes | bytearray) -> int:
    """The sum of big-endian words of 32 bits, the last one padded with zeros."""
    count = -(-len(data) // 4)
    words: tuple[int, ...] = unpack(f">{count}I", bytes(data).ljust(count * 4, b"\0"))
    return sum(words) & 0xFFFF_FFFF


def _matches(source: bytes, target: bytes) -> Iterator[_Match]:
    """Stretches of the target that the source has, in order; each at least a block long."""
    blocks = {source[at : at + BLOCK_BYTES]: at for at in range(len(source) - BLOCK_BYTES, -1, -BLOCK_BYTES)}
    at, done, last = 0, 0, len(target) - BLOCK_BYTES
    head = _common(source, 0, target, 0)
    if head > BLOCK_BYTES:
        at, offset, length = _whole(target, 0, 0, head)
        yield at, offset, length
        at = done = length
    find = blocks.get
    while at <= last:
        found = find(target[at : at + BLOCK_BYTES])
        if found is None:
            at += 1
            continue
        back = _common_back(source, found, target, at, at - done)
        length = back + _common(source, found, target, at)
        match = _whole(target, at - back, found - back, length)
        if match[2] >= BLOCK_BYTES:
            yield match
            at = done = match[0] + match[2]
        else:
            at += 1


def _common(source: bytes, a: int, target: bytes, b: int) -> int:
    """How many bytes from here on are equal; by halves, so that long runs cost little."""
    most = min(len(source) - a, len(target) - b)
    least, size = 0, 64
    while least < most:
        step = min(size, most - least)
        if source[a + least : a + least + step] == target[b + least : b + least + step]:
            least += step
            size *= 2
        else:
            most = least + step - 1
            size = max(step // 2, 1)
    return least


def _common_back(source: bytes, a: int, target: bytes, b: int, most: int) -> int:
    count = 0
    most = min(most, a)
    while count < most and source[a - count - 1] == target[b - count - 1]:
        count += 1
    return count


def _whole(target: bytes, at: int, offset: int, length: int) -> _Match:
    """The match without the parts of characters at its ends."""
    end = at + length
    while at < end and target[at] & 0xC0 == 0x80:
        at += 1
        offset += 1
    while at < end < len(target) and target[end] & 0xC0 == 0x80:
        end -= 1
    return at, offset, end - at


def _digits(number: int) -> bytes:
    if number == 0:
        return b"0"
    out = bytearray()
    while number:
        out.append(_DIGITS[number & 63])
        number >>= 6
    out.reverse()
    return bytes(out)


def _number(delta: bytes, at: int) -> tuple[int, int]:
    number, start = 0, at
    while at < len(delta) and (value := _VALUES.get(delta[at])) is not None:
        number = number << 6 | value
        at += 1
        if at - start > 6:
            raise PeerError("malformed", "number is too long")
    if at == start:
        raise PeerError("malformed", "number is missing")
    return number, at

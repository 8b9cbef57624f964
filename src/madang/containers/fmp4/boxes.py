"""Boxes: building them from payloads and walking them in bytes (ISO/IEC 14496-12 section 4.2)."""

from collections.abc import Iterator

import msgspec

from madang.base.errors import PeerError

# Boxes that hold boxes, on the way to everything this reader is asked for.
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"})
# Real files nest six deep; deeper is an attack on the recursion.
_DEPTH = 16


def box(kind: bytes, *payloads: bytes) -> bytes:
    """A box of four-letter type `kind` around its payloads."""
    payload = b"".join(payloads)
    return (len(payload) + 8).to_bytes(4, "big") + kind + payload


def full_box(kind: bytes, version: int, flags: int, *payloads: bytes) -> bytes:
    """A box that begins with a version and 24 bits of flags."""
    return box(kind, bytes((version,)) + flags.to_bytes(3, "big"), *payloads)


class Box(msgspec.Struct, frozen=True):
    """A box found in bytes; `path` names its ancestors and itself: `moov/trak/mdia`."""

    kind: bytes
    path: str
    offset: int
    payload: memoryview


def walk(data: bytes | memoryview, path: str = "", offset: int = 0) -> Iterator[Box]:
    """Every box of `data`, ancestors before their children, in order; views, no copies.

    A box that reaches beyond its parent raises PeerError.
    """
    if path.count("/") > _DEPTH:
        raise PeerError("malformed", "boxes are nested too deep")
    view = memoryview(data)
    position = 0
    while position < len(view):
        head, size, kind = _head(view, position)
        inner = f"{path}/{kind.decode('latin-1')}" if path else kind.decode("latin-1")
        payload = view[position + head : position + size]
        yield Box(kind, inner, offset + position, payload)
        if kind in _CONTAINERS:
            yield from walk(payload, inner, offset + position + head)
        position += size


def _head(view: memoryview, position: int) -> tuple[int, int, bytes]:
    """Length of the head, size of the whole box, and its type."""
    left = len(view) - position
    if left < 8:
        raise PeerError("malformed", "a box is cut in its head")
    size = int.from_bytes(view[position : position + 4], "big")
    head = 8
    if size == 1 and left >= 16:
        size, head = int.from_bytes(view[position + 8 : position + 16], "big"), 16
    elif size == 0:
        size = left
    if size < head or size > left:
        raise PeerError("malformed", f"a box of {size} bytes where {left} are left")
    return head, size, view[position + 4 : position + 8].tobytes()

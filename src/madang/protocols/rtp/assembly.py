"""Frames out of packets: what all payload formats share.

Packets of one frame have one timestamp, and the last carries the marker. What is lost takes the frame with it
whose packets it may have been.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from madang.base.errors import PeerError
from madang.base.limits import RTP_FRAME_BYTES


class Whole(msgspec.Struct, frozen=True, gc=False):
    """One access unit as `media.Frame` wants it, with the timestamp of its packets."""

    timestamp: int
    payload: bytes
    keyframe: bool


class Format(Protocol):
    """A payload format, taken apart."""

    def add(self, payload: memoryview) -> int:
        """One more payload of the frame; how many bytes it brought. PeerError for what is none."""
        ...

    def take(self) -> tuple[bytes, bool] | None:
        """The frame, and whether it is a keyframe; None when it has no picture, or is not whole."""
        ...

    def clear(self) -> None:
        """Forget what was added."""
        ...


class Depacketiser:
    """Gives the frames of one source. Packets come in order; a gap is told with the packet behind it."""

    __slots__ = ("_bytes", "_format", "_independent", "_open", "_skipped", "_timestamp", "broken")

    def __init__(self, form: Format, independent: bool = False) -> None:
        self.broken = 0
        """Frames that were damaged by loss, or cannot be read."""
        self._format = form
        self._independent = independent
        """Each packet is a frame: what was lost hurts no other."""
        self._open = False
        self._timestamp = 0
        self._skipped = -1
        """Timestamp of a frame whose packets are passed over."""
        self._bytes = 0

    def push(self, payload: bytes | memoryview, timestamp: int, marker: bool, lost: int = 0) -> list[Whole]:
        """One packet; the frames that are whole with it, mostly none or one."""
        done: list[Whole] = []
        if lost and not self._independent:
            self._skip(timestamp)
        elif self._open and timestamp != self._timestamp:
            self._finish(done)
        if timestamp == self._skipped:
            return done
        self._skipped = -1
        self._open, self._timestamp = True, timestamp
        try:
            self._bytes += self._format.add(memoryview(payload))
        except PeerError:
            self._skip(timestamp)
            return done
        if self._bytes > RTP_FRAME_BYTES:
            self._skip(timestamp)
        elif marker:
            self._finish(done)
        return done

    def _skip(self, timestamp: int) -> None:
        self._format.clear()
        self._open, self._bytes = False, 0
        self._skipped = timestamp
        self.broken += 1

    def _finish(self, done: list[Whole]) -> None:
        taken = self._format.take()
        self._format.clear()
        self._open, self._bytes = False, 0
        if taken is not None:
            done.append(Whole(self._timestamp, *taken))


def fragments(body: memoryview, room: int) -> list[memoryview]:
    """`body` in as few pieces of at most `room` bytes as will do, all of one length but a shorter last: such
    packets leave with one system call."""
    count = -(-len(body) // room)
    size = -(-len(body) // count) if count else 0
    return [body[at : at + size] for at in range(0, len(body), size or 1)]


def gather(
    units: Sequence[memoryview],
    budget: int,
    head_bytes: int,
    head: Callable[[list[memoryview]], bytes],
    fragment: Callable[[memoryview, int], list[bytes]],
) -> list[bytes]:
    """Payloads of NAL units, each of at most `budget` bytes: neighbours that fit travel together behind the
    `head` of an aggregation, of `head_bytes`, each behind its length in two bytes; a unit alone goes as it
    is, and one above the budget as `fragment` cuts it (RFC 6184 section 5.6 to 5.8, RFC 7798 section 4.4)."""

    def joined() -> bytes:
        if len(together) == 1:
            return bytes(together[0])
        pieces: list[bytes | memoryview] = [head(together)]
        for unit in together:
            pieces += (len(unit).to_bytes(2, "big"), unit)
        return b"".join(pieces)

    made: list[bytes] = []
    together: list[memoryview] = []
    size = head_bytes
    for unit in units:
        if together and size + 2 + len(unit) > budget:
            made.append(joined())
            together, size = [], head_bytes
        if len(unit) > budget:
            made += fragment(unit, budget)
        else:
            together.append(unit)
            size += 2 + len(unit)
    if together:
        made.append(joined())
    return made

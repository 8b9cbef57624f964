"""News of a shared poll's keys to whoever follows them: rendered once per kind of bytes, and one write per
connection for all that one answer brought."""

import asyncio
from typing import Final

from madang.base.limits import REALTIME_SLICE
from madang.protocols.centrifugo import codes, fossil, text
from madang.realtime.counters import RealtimeCounters
from madang.realtime.poll_items import Change, Item, Tracked, Tracking
from madang.realtime.publication import Publication
from madang.realtime.wires import Wire

_PLAIN: Final = 0
_FULL: Final = 1
"""For who agreed to deltas, in full."""
_DELTA: Final = 2


class _Frames:
    """One change as each kind of connection gets it."""

    __slots__ = ("_change", "_channel", "_delta", "_frames", "_publication", "readable")

    def __init__(self, channel: str, change: Change) -> None:
        self._channel = channel
        self._change = change
        self._frames: dict[tuple[Wire, int], bytes] = {}
        self._delta: bytes | None = None
        self._publication = Publication(
            data=change.data, key=change.key, version=change.version, removed=change.removed
        )
        self.readable = change.removed or text.is_json(change.data)

    def of(self, wire: Wire, kind: int) -> bytes:
        frame = self._frames.get((wire, kind))
        if frame is None:
            delta = None if kind == _PLAIN else self._made() if kind == _DELTA else b""
            frame = wire.publication(self._channel, self._publication, delta)
            self._frames[wire, kind] = frame
        return frame

    def _made(self) -> bytes:
        """The delta; empty where it does not pay."""
        base = self._change.base
        if self._delta is None and base is not None:
            made = fossil.create(base.data, self._change.data)
            self._delta = made if len(made) < len(self._change.data) else b""
        return self._delta or b""


class Delivery:
    """What waits to be written to the followers of one channel."""

    __slots__ = ("_channel", "_counters", "_handle", "_loop", "_pending")

    def __init__(self, channel: str, counters: RealtimeCounters) -> None:
        self._channel = channel
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None
        self._pending: dict[Tracking, list[bytes]] = {}

    def tell(self, change: Change, item: Item) -> int:
        """To every follower who has something older; how many those are."""
        frames, unfit, told = _Frames(self._channel, change), [], 0
        for tracking, tracked in item.followers.items():
            if not change.removed and tracked.version >= change.version:
                continue
            wire = tracking.listener.wire
            if not frames.readable and not wire.binary:
                unfit.append(tracking)
                continue
            self._pending.setdefault(tracking, []).append(frames.of(wire, _kind(tracking, tracked, change)))
            tracked.version = change.version
            tracked.based = True
            told += 1
        for tracking in unfit:
            tracking.listener.disconnect(codes.INAPPROPRIATE_PROTOCOL)
        if self._pending and self._handle is None:
            self._handle = self._loop.call_soon(self._write)
        self._counters.poll_updates += told
        return told

    def _write(self) -> None:
        """One slice, then others get their turn. What comes for a connection meanwhile follows in order."""
        self._handle = None
        for _ in range(min(REALTIME_SLICE, len(self._pending))):
            tracking = next(iter(self._pending))
            tracking.listener.send(b"".join(self._pending.pop(tracking)))
        if self._pending:
            self._handle = self._loop.call_soon(self._write)

    def forget(self, tracking: Tracking) -> None:
        """Its subscription has ended."""
        self._pending.pop(tracking, None)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._pending.clear()


def _kind(tracking: Tracking, tracked: Tracked, change: Change) -> int:
    if not tracking.delta or change.removed:
        return _PLAIN
    base = change.base
    return _DELTA if tracked.based and base is not None and tracked.version == base.version else _FULL

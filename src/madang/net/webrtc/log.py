"""The shared ring of one track's packets: rendered once, numbered once, read by every viewer's sender."""

import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, Protocol

from madang.base.limits import (
    RTP_HISTORY_BYTES,
    RTP_HISTORY_S,
    WEBRTC_BURST_BYTES,
    WEBRTC_BURST_FRAMES,
)

PAYLOAD_BYTES: Final = 1160
"""1,200 bytes in UDP, less RTP header (12), extension (8), GCM tag (16) and RTX's two; rounded."""
RUN_PACKETS: Final = 48
"""Packets of one `sendmsg` with UDP_SEGMENT: fewer than the kernel's 64, and less than 64 KB."""
_BASE: Final = int.from_bytes(os.urandom(4), "big")
"""Where RTP timestamps begin (RFC 3550 section 5.1): one for all logs, so that viewers can be switched."""


class Batch:
    """The packets of one frame, as every viewer gets them but for numbers and encryption."""

    __slots__ = (
        "arrived_s",
        "at",
        "index",
        "keyframe",
        "octets",
        "octets_before",
        "payloads",
        "position",
        "runs",
        "ticks",
        "timestamp",
    )

    def __init__(self, payloads: tuple[bytes, ...], ticks: int, keyframe: bool, at: float) -> None:
        self.payloads = payloads
        self.ticks = ticks
        self.timestamp = (ticks + _BASE) & 0xFFFFFFFF
        self.keyframe = keyframe
        self.at = at
        """Media time in seconds."""
        self.arrived_s = monotonic()
        self.octets = sum(map(len, payloads))
        self.runs = _runs(payloads)
        """Where packets of equal length, the last one maybe shorter, begin and end."""
        self.position = 0
        """Batches of the log before this one."""
        self.index = 0
        """Packets of the log before this one's first."""
        self.octets_before = 0
        """Payload bytes of the log before it."""


class Reader(Protocol):
    """Whoever passes the log on: the fan-out."""

    def appended(self, batch: Batch) -> None: ...


class PacketLog:
    """One track. `epoch_s` is the Unix time of tick 0; `keyframes`: whether it has any (video)."""

    def __init__(self, clock_rate: int, epoch_s: float, keyframes: bool) -> None:
        self.clock_rate = clock_rate
        self.epoch_s = epoch_s
        self.keyframes = keyframes
        self.ended = False
        self.position = 0
        """Batches that were appended in all."""
        self.next_index = 0
        """Packets that were appended in all."""
        self.octets = 0
        """Payload bytes that were appended in all."""
        self.last: Batch | None = None
        self.burst: list[Batch] | None = None
        """Since the last keyframe; None without one, or when it became too much."""
        self.viewers = 0
        """Senders that read this log."""
        self.changed: Callable[[], object] | None = None
        """Called when `viewers` has changed."""
        self.reader: Reader | None = None
        self._burst_bytes = 0
        self._batches: list[Batch] = []
        self._bytes = 0

    def append(self, payloads: Sequence[bytes], timestamp: int, keyframe: bool) -> None:
        """One frame: payloads of at most PAYLOAD_BYTES; `timestamp` as the module's page says."""
        batch = Batch(tuple(payloads), timestamp, keyframe, timestamp / self.clock_rate)
        if not batch.payloads:
            return
        batch.position, batch.index = self.position, self.next_index
        batch.octets_before = self.octets
        self._remember(batch)
        self._gather(batch)
        self.position += 1
        self.next_index += len(batch.payloads)
        self.octets += batch.octets
        self.last = batch
        if self.reader is not None:
            self.reader.appended(batch)

    def end(self) -> None:
        """No more frames."""
        self.ended = True

    def between(self, position: int, end: int) -> list[Batch]:
        """The batches from `position` up to `end` that are kept."""
        start = self._batches[0].position if self._batches else self.position
        return self._batches[max(position - start, 0) : max(end - start, 0)]

    def find(self, index: int) -> tuple[Batch, int] | None:
        """The batch that has the packet of this index, and the packet's place in it; None if not kept."""
        place = bisect_right(self._batches, index, key=_index_of) - 1
        if place < 0 or index >= self.next_index:
            return None
        batch = self._batches[place]
        return batch, index - batch.index

    def at(self, position: int) -> tuple[int, int]:
        """Packets and payload bytes of the log before `position`; of the oldest batch kept, if it is gone."""
        batches = self.between(position, position + 1) or self._batches[:1]
        if position >= self.position or not batches:
            return self.next_index, self.octets
        return batches[0].index, batches[0].octets_before

    def _remember(self, batch: Batch) -> None:
        kept = self._batches
        kept.append(batch)
        self._bytes += batch.octets
        oldest, stale = batch.at - RTP_HISTORY_S, 0
        while kept[stale].at < oldest or self._bytes > RTP_HISTORY_BYTES:
            self._bytes -= kept[stale].octets
            stale += 1
        if stale:
            del kept[:stale]

    def _gather(self, batch: Batch) -> None:
        """Keep what a new viewer begins with."""
        if not self.keyframes:
            return
        if batch.keyframe:
            self.burst, self._burst_bytes = [], 0
        if self.burst is not None:
            self.burst.append(batch)
            self._burst_bytes += batch.octets
            if len(self.burst) > WEBRTC_BURST_FRAMES or self._burst_bytes > WEBRTC_BURST_BYTES:
                self.burst = None


def _index_of(batch: Batch) -> int:
    return batch.index


def _runs(payloads: tuple[bytes, ...]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    begin, count = 0, len(payloads)
    while begin < count:
        size, stop = len(payloads[begin]), begin + 1
        while stop < count and stop - begin < RUN_PACKETS and len(payloads[stop]) == size:
            stop += 1
        if stop < count and stop - begin < RUN_PACKETS and len(payloads[stop]) < size:
            stop += 1
        runs.append((begin, stop))
        begin = stop
    return runs

"""The fan-out of one stream in one format: groups of viewers, served in phases from one log."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from madang.base.limits import HTTP_STALLED_WRITE_S, VIEWER_SLOW_TWICE_S
from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.log import Log, Piece
from madang.net.fanout.settings import FanoutSettings
from madang.net.fanout.viewer import NEVER, Group, Viewer

# What a viewer that catches up is given at once: the size of its socket's send buffer.
_SLICE_BYTES = 256 * 1024


Envelope = Callable[[int], bytes]
"""What goes before a batch of so many bytes: the head of a websocket frame."""


class Schedule(Protocol):
    """What the fan-out needs of an event loop."""

    def time(self) -> float: ...

    def call_soon(self, callback: Callable[[], object]) -> asyncio.Handle: ...

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.Handle: ...


class Fanout:
    """One log and its viewers.

    A pass over the viewers begins with the first piece that comes a window after the last pass began, so
    that a video frame leaves at once when the window is no longer than its distance. A few viewers are
    served in one go; a crowd in phases that are spread over the window, each with all that came until then.
    """

    def __init__(
        self,
        schedule: Schedule,
        settings: FanoutSettings,
        counters: FanoutCounters,
        envelope: Envelope | None = None,
    ) -> None:
        self.log = Log()
        self._schedule = schedule
        self._settings = settings
        self._counters = counters
        self._envelope = envelope
        self.emptied: Callable[[], object] | None = None
        """Called when the last viewer has left."""
        self._groups = tuple(Group() for _ in range(settings.phases))
        self._viewers = 0
        self._apart = 0
        self._began = float("-inf")
        self._next: asyncio.Handle | None = None
        self._waiting = False
        """`_next` is only the deadline of pieces that no later piece carries along."""
        self._phase = 0
        self._batch = (0, 0, b"")

    def __len__(self) -> int:
        return self._viewers

    @property
    def window_s(self) -> float:
        """The write-merging window for as many viewers as there are now."""
        settings = self._settings
        return settings.window_s if self._viewers <= settings.crowd else settings.crowd_window_s

    def append(self, piece: Piece, headers: bytes | None = None) -> None:
        """Send `piece` to everyone within the window; `headers` as in `Log.append`."""
        now = self._schedule.time()
        self.log.append(piece, now, headers)
        if self._next is not None and not self._waiting:
            return
        due = self._began + self.window_s
        if now >= due:
            if self._next is not None:
                self._next.cancel()
            self._waiting = False
            self._next = self._schedule.call_soon(self._begin)
        elif self._next is None:
            self._waiting = True
            self._next = self._schedule.call_at(due + self.window_s, self._begin)

    def join(self, viewer: Viewer, transport: asyncio.Transport, burst: Iterable[Piece], begin: bool) -> None:
        """Serve `viewer`, who gets `burst` now and all that is appended from now on; where the burst is no
        place to begin (`begin` is False), from the next keyframe on."""
        group = min(self._groups, key=len)
        if not group:
            group.position = self.log.end
        viewer.fanout, viewer.group, viewer.transport = self, group, transport
        viewer.position, viewer.headers = self.log.end, b"" if begin else None
        group.apart[viewer] = transport
        self._viewers += 1
        self._apart += 1
        self._counters.joined += 1
        # Paused as soon as the kernel takes no more: what waits, waits in the log.
        transport.set_write_buffer_limits(high=0)
        parts = list(burst)
        self._counters.bytes_sent += sum(map(len, parts))
        transport.writelines(self._wrap(parts))

    def leave(self, viewer: Viewer) -> None:
        """Serve `viewer` no longer; one who left before is ignored."""
        group, viewer.fanout, viewer.group = viewer.group, None, None
        if group is None:
            return
        if group.in_step.pop(viewer, None) is None:
            del group.apart[viewer]
            self._apart -= 1
        self._viewers -= 1
        self._counters.left += 1
        if not self._viewers:
            self._stop()

    def step_out(self, viewer: Viewer) -> None:
        """The viewer's transport takes no more: from here on it has a position of its own."""
        group = viewer.group
        transport = None if group is None else group.in_step.pop(viewer, None)
        if group is not None and transport is not None:
            viewer.position, viewer.headers = group.position, b""
            group.apart[viewer] = transport
            self._apart += 1

    def catch_up(self, viewer: Viewer) -> None:
        """Give a viewer that is apart what it lacks, and take it into step once it lacks nothing."""
        group, transport = viewer.group, viewer.transport
        if group is None or transport is None or viewer not in group.apart or not self._place(viewer):
            return
        while not viewer.paused and viewer.position < group.position:
            pieces = self.log.slice(viewer.position, group.position, _SLICE_BYTES)
            viewer.position += len(pieces)
            if viewer.headers:
                pieces.insert(0, viewer.headers)
                viewer.headers = b""
            self._counters.writes += 1
            self._counters.bytes_sent += sum(map(len, pieces))
            transport.writelines(self._wrap(pieces))
        if not viewer.paused and viewer.position == group.position and not viewer.headers:
            del group.apart[viewer]
            self._apart -= 1
            group.in_step[viewer] = transport

    def close(self) -> None:
        """The stream has ended: everyone gets what is left, a goodbye and a clean close."""
        if self._next is not None:
            self._next.cancel()
        self._phase = 0
        self._next = self._schedule.call_soon(self._finish)

    def _stop(self) -> None:
        """Nobody watches any more: no timer stays behind."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self.emptied is not None:
            self.emptied()

    def _place(self, viewer: Viewer) -> bool:
        """Whether there is a place in the log for a viewer that is apart; False when it waits or is gone."""
        log = self.log
        if viewer.headers is not None:
            if viewer.position >= log.start:
                return True
            if not self._forgive(viewer):
                return False
            self._counters.lost_pieces += log.end - viewer.position
            viewer.headers, viewer.position = None, log.end
        key = log.keyframe(viewer.position)
        if key is not None:
            if viewer.slow_at != NEVER:
                self._counters.lost_pieces += key[0] - viewer.position
            viewer.position, viewer.headers = key
        return key is not None

    def _forgive(self, viewer: Viewer) -> bool:
        """A viewer has fallen behind: once it loses frames, the second time it is sent away (False)."""
        now = self._schedule.time()
        self._counters.drops += 1
        if now - viewer.slow_at < VIEWER_SLOW_TWICE_S and viewer.transport is not None:
            self._counters.disconnected += 1
            viewer.transport.abort()
            self.leave(viewer)
            return False
        viewer.slow_at = now
        return True

    def _begin(self) -> None:
        """Begin a pass: everyone at once, or the first phase."""
        self._next = None
        self._waiting = False
        self._began = self._schedule.time()
        if self._viewers > self._settings.crowd:
            self._phase = 0
            self._serve_phase()
            return
        for group in self._groups:
            self._serve(group)
        self._trim()

    def _serve_phase(self) -> None:
        """Serve one group and schedule the next."""
        self._serve(self._groups[self._phase])
        self._phase += 1
        if self._phase < len(self._groups):
            when = self._began + self._phase * self._settings.crowd_window_s / len(self._groups)
            self._next = self._schedule.call_at(when, self._serve_phase)
        else:
            self._next = None
            self._trim()

    def _serve(self, group: Group) -> None:
        """One joined write to each viewer in step; those apart are looked at one by one."""
        begin, end = group.position, self.log.end
        group.position = end
        if group.in_step and end > begin:
            data = self._joined(begin, end)
            self._counters.writes += len(group.in_step)
            self._counters.bytes_sent += len(data) * len(group.in_step)
            # A write may pause its viewer, who then leaves the dictionary.
            for transport in list(group.in_step.values()):
                transport.write(data)
        for viewer in list(group.apart):
            self.catch_up(viewer)

    def _joined(self, begin: int, end: int) -> bytes:
        """The pieces from `begin` to `end` as one batch, made once for the groups that need the same."""
        if self._batch[:2] != (begin, end):
            self._batch = (begin, end, b"".join(self._wrap(self.log.between(begin, end))))
        return self._batch[2]

    def _wrap(self, pieces: list[Piece]) -> list[Piece]:
        """`pieces` as one batch: behind an envelope where the way out has one."""
        if self._envelope is not None and pieces:
            pieces.insert(0, self._envelope(sum(map(len, pieces))))
        return pieces

    def _trim(self) -> None:
        """A pass is done: note what everyone has been offered; while nobody is apart it need not stay."""
        self.log.served = min((group.position for group in self._groups if group), default=self.log.end)
        if not self._apart:
            self.log.forget(self.log.served)
        self._batch = (0, 0, b"")

    def _finish(self) -> None:
        """Say goodbye to one group and schedule the next."""
        group = self._groups[self._phase]
        self._serve(group)
        for viewer, transport in [*group.in_step.items(), *group.apart.items()]:
            if viewer.paused:
                transport.close()
                self._schedule.call_at(self._schedule.time() + HTTP_STALLED_WRITE_S, transport.abort)
            else:
                viewer.finish()
            self.leave(viewer)
        self._phase += 1
        more = self._viewers and self._phase < len(self._groups)
        self._next = self._schedule.call_soon(self._finish) if more else None

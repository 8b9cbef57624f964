"""A schedule whose time stands still, and a transport that takes as much as it is told to."""

from collections.abc import Callable, Iterable

import pytest

from madang.net.fanout.counters import FanoutCounters
from madang.net.fanout.fanout import Envelope, Fanout
from madang.net.fanout.settings import FanoutSettings
from madang.net.fanout.viewer import Viewer


class FakeHandle:
    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeSchedule:
    """Time moves only by `advance`, which runs what has become due, in order."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.handles: list[FakeHandle] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], object]) -> FakeHandle:
        return self.call_at(self.now, callback)

    def call_at(self, when: float, callback: Callable[[], object]) -> FakeHandle:
        handle = FakeHandle(when, callback)
        self.handles.append(handle)
        return handle

    @property
    def pending(self) -> int:
        return sum(handle.callback is not None for handle in self.handles)

    def advance(self, seconds: float = 0.0) -> None:
        end = self.now + seconds
        while due := [h for h in self.handles if h.callback is not None and h.when <= end + 1e-9]:
            handle = min(due, key=lambda h: h.when)
            callback, handle.callback = handle.callback, None
            self.now = max(self.now, handle.when)
            assert callback is not None
            callback()
        self.handles = [h for h in self.handles if h.callback is not None]
        self.now = end


class FakeTransport:
    """Takes writes until `full`; then it pauses its viewer as uvloop does with a high-water mark of 0."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.writes: list[bytes] = []
        self.full = False
        self.closed = self.aborted = False
        self.high = -1

    def set_write_buffer_limits(self, high: int) -> None:
        self.high = high

    def write(self, data: bytes) -> None:
        assert not self.viewer.paused, "a paused connection is never written to"
        if data:
            self.writes.append(bytes(data))
            if self.full:
                self.viewer.pause_writing()

    def writelines(self, pieces: Iterable[bytes | memoryview]) -> None:
        self.write(b"".join(pieces))

    def drain(self) -> None:
        """The peer has read everything."""
        self.full = False
        self.viewer.resume_writing()

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    @property
    def received(self) -> bytes:
        return b"".join(self.writes)


class SpeakingViewer(Viewer):
    __slots__ = ()

    def finish(self) -> None:
        self.transport.write(b"bye")
        super().finish()


class Stage:
    """A fan-out with its fakes."""

    def __init__(self, settings: FanoutSettings | None = None, envelope: Envelope | None = None) -> None:
        self.schedule = FakeSchedule()
        self.counters = FanoutCounters()
        self.fanout = Fanout(
            self.schedule,  # type: ignore[arg-type]
            settings or FanoutSettings(),
            self.counters,
            envelope,
        )

    def join(self, burst: bytes = b"", begin: bool = True, full: bool = False) -> FakeTransport:
        viewer = SpeakingViewer()
        transport = FakeTransport(viewer)
        transport.full = full
        self.fanout.join(viewer, transport, [burst] if burst else [], begin)  # type: ignore[arg-type]
        return transport

    def send(self, piece: bytes, headers: bytes | None = None, after: float = 0.1) -> None:
        """Append a piece and let a window pass."""
        self.fanout.append(piece, headers)
        self.schedule.advance(after)


@pytest.fixture
def make_stage() -> type[Stage]:
    return Stage

"""The DVR window of one broadcast: its segments, oldest first, the last one perhaps open."""

from collections import deque
from collections.abc import Callable

from madang.containers.fmp4.init import init_segment
from madang.media.track import Kind, Track
from madang.packaging.cmaf.segment import Init, Name, Part, Segment
from madang.packaging.cmaf.targets import Targets


class Window:
    """Segments by media sequence number. `version` rises with every change that a playlist can show;
    `changed` is called then, and must not raise."""

    def __init__(self, dvr_s: float, first_msn: int = 0) -> None:
        self.segments: deque[Segment] = deque()
        self.inits: dict[int, Init] = {}
        self.dvr_s = dvr_s
        self.targets: Targets | None = None
        self.discontinuity_sequence = 0
        self.ended = False
        self.version = 0
        self.next_msn = first_msn
        self.next_init = 0
        self.next_part = 0
        self.next_fragment = 1
        self.frame_rate = 0.0
        """Frames per second of the video, 0 while unknown."""
        self.changed: list[Callable[[], None]] = []
        self.on_closed: Callable[[Segment], None] = _ignore
        self.on_evicted: Callable[[Segment], None] = _ignore
        self._listed_s = 0.0

    @property
    def last(self) -> Segment | None:
        """The newest segment, open or closed."""
        return self.segments[-1] if self.segments else None

    @property
    def open(self) -> Segment | None:
        """The segment that still grows."""
        last = self.last
        return last if last is not None and not last.closed else None

    def segment(self, msn: int) -> Segment | None:
        """The segment of this number while it is listed."""
        if not self.segments:
            return None
        index = msn - self.segments[0].msn
        return self.segments[index] if 0 <= index < len(self.segments) else None

    def part(self, number: int) -> Part | None:
        """The part of this number while its bytes are kept; the newest are looked at first."""
        for segment in reversed(self.segments):
            if segment.parts and segment.parts[0].number <= number:
                index = number - segment.parts[0].number
                return segment.parts[index] if index < len(segment.parts) else None
        return None

    def tracks(self) -> tuple[Track, ...]:
        """The tracks of the newest initialisation segment."""
        return self.inits[max(self.inits)].tracks if self.inits else ()

    def renditions(self) -> tuple[Name, ...]:
        """Which renditions the newest tracks make."""
        kinds = {track.kind for track in self.tracks()}
        return (Name.MAIN, *(Name(kind.value) for kind in (Kind.VIDEO, Kind.AUDIO) if kind in kinds))

    def begin_tracks(self, tracks: tuple[Track, ...]) -> int:
        """The number of the initialisation segment for `tracks`; equal tracks share one."""
        newest = max(self.inits, default=-1)
        if newest >= 0 and self.inits[newest].tracks == tracks:
            return newest
        self.add_init(self.next_init, tracks)
        return self.next_init - 1

    def add_init(self, number: int, tracks: tuple[Track, ...]) -> None:
        """Render the initialisation segments of `tracks`."""
        bodies = {Name.MAIN: init_segment(tracks)}
        for track in tracks:
            bodies[Name(track.kind.value)] = init_segment((track,))
        self.inits[number] = Init(number, tracks, bodies)
        self.next_init = number + 1

    def begin(self, segment: Segment) -> None:
        """A new open segment."""
        self.segments.append(segment)
        self.next_msn = segment.msn + 1

    def leave_gap(self, segment: Segment) -> None:
        """A stretch of time, whole, for which there is no media."""
        self.begin(segment)
        self._listed_s += segment.duration
        self._slide()

    def readmit(self, segment: Segment) -> None:
        """A closed segment from before a restart, in order."""
        self.segments.append(segment)
        self._listed_s += segment.duration

    def forget(self) -> None:
        """Drop all segments; numbers go on behind them."""
        while self.segments:
            self._evict()

    def touch(self) -> None:
        """A playlist shows something new."""
        self.version += 1
        for call in tuple(self.changed):
            call()

    def close(self) -> None:
        """The open segment is whole."""
        segment = self.open
        if segment is None:
            return
        segment.close()
        self._listed_s += segment.duration
        self._forget_parts()
        self.on_closed(segment)
        self._slide()

    def _slide(self) -> None:
        """What slides out of the window goes."""
        while self._listed_s - self.segments[0].duration > self.dvr_s and len(self.segments) > 4:
            self._evict()

    def _evict(self) -> None:
        gone = self.segments.popleft()
        self._listed_s -= gone.duration if gone.closed else 0.0
        self.discontinuity_sequence += gone.discontinuity
        if self.segments and self.segments[0].init != gone.init:
            self.inits.pop(gone.init, None)
        self.on_evicted(gone)

    def _forget_parts(self) -> None:
        """Parts are listed for three target durations and stay for three more (section 6.2.2)."""
        keep = 6.0 * self.targets.target_duration if self.targets else 0.0
        behind = 0.0
        for segment in reversed(self.segments):
            if behind > keep:
                if not segment.parts:
                    break
                segment.parts = []
            behind += segment.duration


def _ignore(segment: Segment) -> None:
    """Nobody keeps segments."""

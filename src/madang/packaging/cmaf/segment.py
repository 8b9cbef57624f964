"""Parts and segments: rendered once, as bytes that every rendition and every protocol shares.

A part's body is one `moof` and `mdat` of each track, video before audio. A rendition is a choice of
tracks: `main` is the whole body, `video` and `audio` are spans of it, so that nothing is rendered twice.
"""

from enum import StrEnum

import msgspec

from madang.media.track import Kind, Track


class Name(StrEnum):
    """Renditions by the name that stands in their URLs."""

    MAIN = "main"
    VIDEO = "video"
    AUDIO = "audio"


class Span(msgspec.Struct, frozen=True, gc=False):
    """Where one track lies in a part's body, and what of it lies there; seconds."""

    begin: int
    end: int
    start_ticks: int
    duration: float


class Part(msgspec.Struct):
    """A partial segment. `number` counts all parts of a broadcast, so that the hint of the next part is
    right even when that part turns out to begin a segment."""

    number: int
    index: int
    start: float
    """Media time in seconds."""
    duration: float
    independent: bool
    """Begins with a keyframe."""
    body: bytes | memoryview
    """Rendered bytes; a view of the segment's body once that is joined."""
    spans: dict[Kind, Span]

    def bytes_of(self, name: Name) -> bytes | memoryview:
        """The part of a rendition, empty where it has no frames."""
        if name is Name.MAIN:
            return self.body
        span = self.spans.get(Kind(name.value))
        return memoryview(self.body)[span.begin : span.end] if span else b""

    def duration_of(self, name: Name) -> float:
        """Seconds of a rendition's part."""
        span = self.spans.get(Kind.AUDIO) if name is Name.AUDIO else None
        return span.duration if span else self.duration

    def holds(self, name: Name) -> bool:
        """Whether the rendition has frames in this part."""
        return name is Name.MAIN or Kind(name.value) in self.spans


class Init(msgspec.Struct, frozen=True):
    """Initialisation segments of one set of tracks, by rendition."""

    number: int
    tracks: tuple[Track, ...]
    bodies: dict[Name, bytes]


class Segment(msgspec.Struct):
    """A segment: open while parts are added, then closed and immutable."""

    msn: int
    """Media sequence number."""
    init: int
    start: float
    """Media time in seconds."""
    wall: float
    """Wall time of its start, seconds since 1970."""
    discontinuity: bool = False
    parts: list[Part] = msgspec.field(default_factory=list)
    duration: float = 0.0
    audio_duration: float = 0.0
    closed: bool = False
    size: int = 0
    """Bytes of the whole body, all tracks."""
    layout: tuple[tuple[Kind, int, int], ...] = ()
    """Once closed: which track lies where in the body, in order."""
    first_ticks: dict[Kind, int] = msgspec.field(default_factory=dict)
    """Decode time of each track's first frame, in its timescale."""
    body: bytes | None = None
    """All parts joined, once closed and while kept in memory; then the spool has it."""
    gap: bool = False
    """The bytes were lost; it is listed with EXT-X-GAP."""

    @property
    def independent(self) -> bool:
        """Begins with a keyframe."""
        return not self.parts or self.parts[0].independent

    def duration_of(self, name: Name) -> float:
        """Seconds of a rendition's segment."""
        return self.audio_duration if name is Name.AUDIO and self.audio_duration else self.duration

    def add(self, part: Part) -> None:
        """Append a part that was just rendered."""
        self.parts.append(part)
        self.duration += part.duration
        audio = part.spans.get(Kind.AUDIO)
        if audio:
            self.audio_duration += audio.duration
        for kind, span in part.spans.items():
            self.first_ticks.setdefault(kind, span.start_ticks)

    def close(self) -> None:
        """No more parts: the body is joined, once."""
        layout = []
        offset = 0
        self.body = b"".join(part.body for part in self.parts)
        view = memoryview(self.body)
        for part in self.parts:
            layout += [(kind, offset + span.begin, offset + span.end) for kind, span in part.spans.items()]
            part.body = view[offset : offset + len(part.body)]
            offset += len(part.body)
        self.layout = tuple(layout)
        self.size = offset
        self.closed = True

    def cut(self, body: bytes, name: Name) -> bytes:
        """The bytes of a rendition out of the whole body."""
        if name is Name.MAIN:
            return body
        kind = Kind(name.value)
        return b"".join(body[begin:end] for each, begin, end in self.layout if each is kind)

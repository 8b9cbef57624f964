"""What outlives the process of a window: numbers, targets and the list of segments, whose bytes are spooled.

With it the returning publisher continues the same playlist after a restart.
"""

import msgspec

from madang.media.track import Kind, Track
from madang.packaging.cmaf.segment import Segment
from madang.packaging.cmaf.targets import Targets
from madang.packaging.cmaf.window import Window


class KeptSegment(msgspec.Struct, frozen=True):
    """A closed segment without its bytes and parts; the fields are those of Segment."""

    msn: int
    init: int
    start: float
    wall: float
    discontinuity: bool
    duration: float
    audio_duration: float
    size: int
    layout: tuple[tuple[Kind, int, int], ...]
    first_ticks: dict[Kind, int]
    gap: bool


class KeptWindow(msgspec.Struct, frozen=True):
    """The state of a window."""

    targets: Targets
    next_msn: int
    next_part: int
    next_fragment: int
    frame_rate: float
    discontinuity_sequence: int
    inits: dict[int, tuple[Track, ...]]
    segments: list[KeptSegment]


_FIELDS = tuple(KeptSegment.__struct_fields__)


def keep(window: Window) -> bytes:
    """The window's state, or nothing when no playlist was ever shown."""
    if window.targets is None or not window.segments:
        return b""
    kept = KeptWindow(
        targets=window.targets,
        next_msn=window.next_msn,
        next_part=window.next_part,
        next_fragment=window.next_fragment,
        frame_rate=window.frame_rate,
        discontinuity_sequence=window.discontinuity_sequence,
        inits={number: init.tracks for number, init in window.inits.items()},
        segments=[msgspec.convert(segment, KeptSegment, from_attributes=True) for segment in window.segments],
    )
    return msgspec.msgpack.encode(kept)


def restore(window: Window, state: bytes) -> bool:
    """Fill an empty window with what was kept; False when that cannot be read."""
    try:
        kept = msgspec.msgpack.decode(state, type=KeptWindow)
    except msgspec.DecodeError:
        return False
    window.targets = kept.targets
    window.next_msn, window.next_part = kept.next_msn, kept.next_part
    window.next_fragment = kept.next_fragment
    window.frame_rate = kept.frame_rate
    window.discontinuity_sequence = kept.discontinuity_sequence
    for number, tracks in kept.inits.items():
        window.add_init(number, tracks)
    for segment in kept.segments:
        fields = {name: getattr(segment, name) for name in _FIELDS}
        window.readmit(Segment(**fields, closed=True))
    return True

"""A part's bytes: one fragment of each track, joined once."""

from collections.abc import Sequence

import msgspec

from madang.containers.fmp4.fragment import append_fragment
from madang.media.frame import Frame
from madang.media.track import Kind, Track
from madang.packaging.cmaf.segment import Span


class Run(msgspec.Struct):
    """Successive frames of one track, at least one, and where the frame after them is due (ticks)."""

    track: Track
    frames: Sequence[Frame]
    end: int


def run_of_sound(track: Track, frames: Sequence[Frame], following: Frame | None) -> Run:
    """Audio frames with an end that needs no next frame, where the codec's frames have one length."""
    last = frames[-1].dts
    if track.frame_samples:
        return Run(track, frames, last + track.frame_samples)
    if following is not None:
        return Run(track, frames, max(following.dts, last + 1))
    step = (last - frames[0].dts) // max(1, len(frames) - 1)
    return Run(track, frames, last + max(1, step))


def render(sequence: int, runs: Sequence[Run]) -> tuple[bytes, dict[Kind, Span]]:
    """The body of a part and where its tracks lie in it; `sequence` numbers its fragments from there."""
    pieces: list[bytes | memoryview] = []
    spans: dict[Kind, Span] = {}
    offset = 0
    for index, run in enumerate(runs):
        track, frames = run.track, run.frames
        size = append_fragment(pieces, sequence + index, frames, run.end, track.frame_samples)
        start = frames[0].dts
        spans[track.kind] = Span(offset, offset + size, start, (run.end - start) / track.timescale)
        offset += size
    return b"".join(pieces), spans

"""Timescales: whole numbers of ticks per second, converted without drift."""

VIDEO_TIMESCALE = 90_000
MILLISECONDS = 1_000


def rescale(ticks: int, source: int, target: int) -> int:
    """`ticks` of `source` per second, rounded half up to ticks of `target` per second."""
    return (ticks * target * 2 + source) // (source * 2)


def seconds(ticks: int, timescale: int) -> float:
    """`ticks` as seconds."""
    return ticks / timescale

"""The table that every benchmark prints."""

from collections.abc import Mapping, Sequence

from bench.measure import Reading, median


def rows(readings: Mapping[str, Sequence[Reading]], path: str, floor: str = "") -> list[tuple[str, ...]]:
    """A row per contender: path, who, per core, its ratio to the floor, memory, losses."""
    base = median(readings[floor], lambda r: r.per_core) if floor else 0.0
    found = []
    for name, several in readings.items():
        per_core = median(several, lambda r: r.per_core)
        ratio = f"{per_core / base:.2f}" if base and name != floor else ""
        memory = median(several, lambda r: r.memory_bytes) / 1024
        lost = max(r.lost_share for r in several)
        found.append((path, name, f"{per_core:,.0f}", ratio, f"{memory:,.1f} KB", f"{lost:.2%}"))
    return found


def render(lines: Sequence[tuple[str, ...]]) -> str:
    """Markdown, aligned."""
    head = ("path", "server", "per core", "of the floor", "memory each", "lost")
    table = [head, tuple("---" for _ in head), *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in table
    )

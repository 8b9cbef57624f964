"""How listed words are written down: `{a,b}` for alternatives, a mode in front, a list they belong to.

Modes say where in a written word an entry counts: `any` anywhere, `start` at its beginning, `word` as the
whole of it (Korean endings may follow), `split` at its beginning and also with spaces inside, `end` at its
end. Two more arise when lists are made ready: `typed` for Hangul in English keys, at the beginning of a word,
and `apart` for a Latin word with one space in it, which begins one word and ends another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MODES: Final = ("any", "start", "word", "split", "end")


@dataclass(frozen=True, slots=True)
class Entry:
    """One spelling of a listed word."""

    spelling: str
    term: str
    """The word it stands for, as reports name it."""
    source: str
    mode: str


def read(source: str, lines: str) -> list[Entry]:
    """Entries of a list: one term a line, `mode name pattern pattern …`; an underscore is a space."""
    entries = []
    for line in lines.strip().splitlines():
        mode, term, *patterns = line.split()
        if mode not in MODES or not patterns:
            raise ValueError(f"no entry: {line}")
        spellings = (spelling for pattern in patterns for spelling in expand(pattern))
        entries += [Entry(spelling.replace("_", " "), term, source, mode) for spelling in spellings]
    return entries


def expand(pattern: str) -> Iterator[str]:
    """Every spelling of a pattern: `{시,씨}{발,팔}` is four."""
    head, brace, rest = pattern.partition("{")
    if not brace:
        yield head
        return
    choices, _, tail = rest.partition("}")
    ends = list(expand(tail))
    for choice in choices.split(","):
        for end in ends:
            yield head + choice + end

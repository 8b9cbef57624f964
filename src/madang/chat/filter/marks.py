"""Places in a view: every code point of a text begins with a mark there, whatever its letters are and if it
has none, so that places are counted when they are asked for instead of kept.

`시.발` in keys is `,tl,,qkf`.
"""

from typing import Final

MARK: Final = ","
"""Here begins what one code point became."""
MORE: Final = ";"
"""Behind what several code points became together: one for each but the first."""
PAUSE: Final = "\n"
"""Between two readings of the same word: no word goes on over it."""
BETWEEN: Final = f"[{MARK}{MORE}]*"
"""An expression of the marks between two letters."""


def unmarked(letters: str) -> str:
    """The letters alone."""
    return letters.replace(MARK, "").replace(MORE, "")


def marks(letters: str, start: int, end: int) -> str:
    """The marks of `letters[start:end]` alone, so that letters are gone and places stay."""
    return MARK * letters.count(MARK, start, end) + MORE * letters.count(MORE, start, end)

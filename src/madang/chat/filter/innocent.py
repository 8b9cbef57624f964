"""Innocent words, and whether what was found stands in one: `시발점`, `Scunthorpe`."""

from collections.abc import Iterable
from typing import Final

_PIECE: Final = 2
"""By so many letters of what was found, and the one before it, the innocent words around it are known."""


class Innocents:
    """Words in which nothing is found."""

    def __init__(self, words: Iterable[str]) -> None:
        around: dict[str, dict[str, list[tuple[int, str]]]] = {}
        for word in dict.fromkeys(word.lower() for word in words if word):
            for offset in range(len(word)):
                before = word[offset - 1 : offset]
                for piece in {word[offset : offset + _PIECE], word[offset]}:
                    around.setdefault(piece, {}).setdefault(before, []).append((offset, word))
        self._around = {
            piece: {before: tuple(words) for before, words in found.items()}
            for piece, found in around.items()
        }

    def cover(self, text: str, start: int, end: int) -> bool:
        """Whether one of the words stands over all of `start` to `end`; `text` is in lower case."""
        around = self._around.get(text[start : min(end, start + _PIECE)])
        if around is None:
            return False
        before = text[start - 1 : start] if start else ""
        for offset, word in (*around.get("", ()), *(around.get(before, ()) if before else ())):
            if len(word) - offset >= end - start and text.startswith(word, start - offset):
                return True
        return False

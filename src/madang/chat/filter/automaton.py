"""Every place of every listed word, however many words there are.

An RE2 expression of how the words begin leaps from one place to the next, and says in microseconds that there
is none, which is so for nearly every message; which words begin there is looked up.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final, Generic, TypeVar

import re2

from madang.chat.filter.leap import Leap
from madang.chat.filter.marks import BETWEEN, MARK, MORE, unmarked

T = TypeVar("T")
_WINDOW: Final = 48
"""A word and the marks between its letters are looked for in so much."""
_WINDOW_MAX: Final = 256
"""The same for a word that goes on behind that."""
_KNOWN: Final = 4
"""By so many letters it is known how long the words are that may begin with them."""
_BEGINNING: Final = 7
"""So many letters of a word RE2 is asked for; expressions of whole words take twice the memory."""


class Words(Generic[T]):
    """Words in a text as it is, each with what it stands for."""

    def __init__(self, words: Mapping[str, Iterable[T]]) -> None:
        self._words = {word: tuple(meanings) for word, meanings in words.items()}
        self._lengths = sorted({len(word) for word in words})
        self._lengths_by_beginning = _lengths((word for word in words if len(word) >= _KNOWN), _KNOWN)
        self._short = tuple(sorted({len(word) for word in words if len(word) < _KNOWN}))

    def __bool__(self) -> bool:
        return bool(self._words)

    def find(self, text: str) -> Iterator[tuple[int, int, tuple[T, ...]]]:
        """All (start, end, meanings), overlapping ones too."""
        words, lengths, short = self._words, self._lengths_by_beginning, self._short
        for place in range(len(text)):
            for length in (*short, *lengths.get(text[place : place + _KNOWN], ())):
                if (found := words.get(text[place : place + length])) and place + length <= len(text):
                    yield place, place + length, found

    def covers(self, text: str, start: int, end: int) -> bool:
        """Whether one of the words stands over all of `start` to `end`."""
        if not self._lengths:
            return False
        words, lengths, short = self._words, self._lengths_by_beginning, self._short
        for place in range(max(0, end - self._lengths[-1]), start + 1):
            for length in (*short, *lengths.get(text[place : place + _KNOWN], ())):
                if place + length >= end and text[place : place + length] in words:
                    return True
        return False


class Automaton(Words[T]):
    """Words in the letters of a view, which are ASCII."""

    def __init__(
        self, words: Mapping[str, Iterable[T]], filler: Callable[[str], str] = lambda letter: ""
    ) -> None:
        """`filler` is an expression of what a writer may put in after a letter, for `is_near` alone."""
        super().__init__(words)
        self._any = Leap(MARK + _expression(sorted(words), filler, _BEGINNING)) if words else None

    def is_near(self, letters: str) -> bool:
        """Whether a word may be found, once what fills it out is gone; never wrong when it says no."""
        return self._any is not None and self._any.find(letters.encode()) >= 0

    def find(self, text: str) -> Iterator[tuple[int, int, tuple[T, ...]]]:
        """The same in the letters of a view: a word begins behind the mark of a code point."""
        if self._any is None:
            return
        raw, place = text.encode(), 0
        while place := self._any.find(raw, place) + 1:
            yield from self._read(text, place)

    def _read(self, text: str, place: int) -> list[tuple[int, int, tuple[T, ...]]]:
        """The words that begin at `place`, whatever marks are between their letters."""
        letters = unmarked(text[place : place + _WINDOW])
        lengths = self._lengths_by_beginning.get(letters[:_KNOWN], ())
        if len(letters) < (lengths[-1] if lengths else _KNOWN) and place + _WINDOW < len(text):
            letters = unmarked(text[place : place + _WINDOW_MAX])
            lengths = self._lengths_by_beginning.get(letters[:_KNOWN], ())
        found: list[tuple[int, int, tuple[T, ...]]] = []
        for length in (*self._short, *lengths):
            meanings = self._words.get(letters[:length])
            if meanings and length <= len(letters):
                found.append((place, _behind(text, place, length), meanings))
        return found


def _lengths(words: Iterable[str], letters: int) -> dict[str, tuple[int, ...]]:
    """How long words are that begin with these letters."""
    found: dict[str, set[int]] = {}
    for word in words:
        found.setdefault(word[:letters], set()).add(len(word))
    return {beginning: tuple(sorted(lengths)) for beginning, lengths in found.items()}


def _behind(text: str, place: int, length: int) -> int:
    """Where so many letters from `place` on end."""
    found = _so_many(length).match(text, place)
    return found.end() if found else len(text)


@lru_cache(maxsize=64)
def _so_many(letters: int) -> "re.Pattern[str]":
    return re.compile(f"(?:{BETWEEN}[^{MARK}{MORE}]){{{letters}}}")


def _expression(words: list[str], filler: Callable[[str], str], letters: int) -> str:
    """What sorted words begin with, up to the end of the first one on each way, or so many letters."""
    ways = []
    for letter, found in groupby(words, itemgetter(0)):
        rests = [word[1:] for word in found]
        ends = letters == 1 or not rests[0]
        more = "" if ends else filler(letter) + BETWEEN + _expression(rests, filler, letters - 1)
        ways.append(re2.escape(letter) + more)
    return f"(?:{'|'.join(ways)})" if len(ways) > 1 else ways[0]

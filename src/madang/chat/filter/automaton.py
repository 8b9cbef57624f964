"""Every place of every listed word, however many words there are.

An RE2 expression of how the words begin leaps from one place to the next, and says in microseconds that there
is none, which is so for nearly every message; which words begin there is looked up.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Final, Generic, TypeVar

import re2

from madang.chat.filter.marks import BETWEEN, MARK, MORE, unmarked

T = TypeVar("T")
_LEAPS: Final = 64
"""How often RE2 is asked for the next place in one text; one with more words in it is read mark by mark."""
_MEMORY: Final = 64 << 20
"""What RE2 may use for its automaton; only pages that messages touch are ever filled."""
_WINDOW: Final = 256
"""A word and the marks between its letters are looked for in so much."""
_BEGINNING: Final = 7
"""So many letters of a word RE2 is asked for; expressions of whole words take twice the memory."""


class Words(Generic[T]):
    """Words in a text as it is, each with what it stands for."""

    def __init__(self, words: Mapping[str, Iterable[T]]) -> None:
        self._words = {word: tuple(meanings) for word, meanings in words.items()}
        self._lengths = sorted({len(word) for word in words})
        self._firsts = frozenset(word[0] for word in words)

    def __bool__(self) -> bool:
        return bool(self._words)

    def find(self, text: str) -> list[tuple[int, int, tuple[T, ...]]]:
        """All (start, end, meanings), overlapping ones too."""
        return [
            (place, place + length, found)
            for place, letter in enumerate(text)
            if letter in self._firsts
            for length in self._lengths
            if (found := self._words.get(text[place : place + length])) and place + length <= len(text)
        ]

    def covers(self, text: str, start: int, end: int) -> bool:
        """Whether one of the words stands over all of `start` to `end`."""
        if not self._lengths:
            return False
        for place in range(max(0, end - self._lengths[-1]), start + 1):
            if text[place] in self._firsts:
                for length in self._lengths:
                    if place + length >= end and text[place : place + length] in self._words:
                        return True
        return False


class Automaton(Words[T]):
    """Words in the letters of a view, which are ASCII."""

    def __init__(
        self, words: Mapping[str, Iterable[T]], filler: Callable[[str], str] = lambda letter: ""
    ) -> None:
        """`filler` is an expression of what a writer may put in after a letter, for `is_near` alone."""
        super().__init__(words)
        self._by_beginning: dict[str, set[int]] = {}
        for word in words:
            self._by_beginning.setdefault(word[:2], set()).add(len(word))
        self._any = _compiled(MARK + _expression(sorted(words), filler, _BEGINNING)) if words else None

    def is_near(self, letters: str) -> bool:
        """Whether a word may be found, once what fills it out is gone; never wrong when it says no."""
        return self._any is not None and self._any.search(letters.encode()) is not None

    def find(self, text: str) -> list[tuple[int, int, tuple[T, ...]]]:
        """The same in the letters of a view: a word begins behind the mark of a code point."""
        hits: list[tuple[int, int, tuple[T, ...]]] = []
        if self._any is None:
            return hits
        raw, place = text.encode(), 0
        for _ in range(_LEAPS):
            leap = self._any.search(raw, place)
            if leap is None:
                return hits
            place = leap.start() + 1
            hits += self._read(text, place)
        while place := text.find(MARK, place) + 1:
            hits += self._read(text, place)
        return hits

    def _read(self, text: str, place: int) -> list[tuple[int, int, tuple[T, ...]]]:
        """The words that begin at `place`, whatever marks are between their letters."""
        letters = unmarked(text[place : place + _WINDOW])
        return [
            (place, _behind(text, place, length), self._words[letters[:length]])
            for beginning in (letters[:1], letters[:2])
            for length in self._by_beginning.get(beginning, ())
            if letters[:length] in self._words and length <= len(letters)
        ]


def _behind(text: str, place: int, length: int) -> int:
    """Where so many letters from `place` on end."""
    while length:
        length -= text[place] not in (MARK, MORE)
        place += 1
    return place


def _expression(words: list[str], filler: Callable[[str], str], letters: int) -> str:
    """What sorted words begin with, up to the end of the first one on each way, or so many letters."""
    ways = []
    for letter, found in groupby(words, itemgetter(0)):
        rests = [word[1:] for word in found]
        ends = letters == 1 or not rests[0]
        more = "" if ends else filler(letter) + BETWEEN + _expression(rests, filler, letters - 1)
        ways.append(re2.escape(letter) + more)
    return f"(?:{'|'.join(ways)})" if len(ways) > 1 else ways[0]


def _compiled(expression: str) -> "re2._Regexp[bytes]":
    options = re2.Options()
    options.max_mem = _MEMORY
    options.never_capture = True
    options.log_errors = False
    return re2.compile(expression.encode(), options)

"""Every place of every listed word, however many words there are.

An RE2 expression of how the words begin leaps from one place to the next, and says in microseconds that there
is none, which is so for nearly every message; which words begin there is read letter by letter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Final, Generic, TypeVar

import re2

from madang.chat.filter.leap import Leap
from madang.chat.filter.marks import BETWEEN, MARK, MORE

T = TypeVar("T")
_MARKS: Final = frozenset((MARK, MORE))
_KNOWN: Final = 4
"""By so many letters it is known how long the words are that may begin with them."""
_BEGINNING: Final = 7
"""So many letters of a word RE2 is asked for; expressions of whole words take twice the memory."""


class Words(Generic[T]):
    """Words in a text as it is, each with what it stands for."""

    def __init__(self, words: Mapping[str, Iterable[T]]) -> None:
        self._words = {word: tuple(meanings) for word, meanings in words.items()}
        self._short = tuple(sorted({len(word) for word in words if len(word) < _KNOWN}))
        self._lengths = _lengths((word for word in words if len(word) >= _KNOWN), self._short)
        """How long the words are that may begin with so many letters; others are short."""

    def __bool__(self) -> bool:
        return bool(self._words)

    def find(self, text: str) -> Iterator[tuple[int, int, tuple[T, ...]]]:
        """All (start, end, meanings), overlapping ones too."""
        words, lengths, short = self._words, self._lengths, self._short
        for place in range(len(text)):
            for length in lengths.get(text[place : place + _KNOWN], short):
                if (found := words.get(text[place : place + length])) and place + length <= len(text):
                    yield place, place + length, found


class Automaton(Generic[T]):
    """Words in the letters of a view, which are ASCII."""

    def __init__(
        self, words: Mapping[str, Iterable[T]], filler: Callable[[str], str] = lambda letter: ""
    ) -> None:
        """`filler` is an expression of what a writer may put in after a letter, for `first` alone."""
        self._any = Leap(MARK + _expression(sorted(words), filler, _BEGINNING)) if words else None
        self._root: _Node[T] = _Node()
        for word, meanings in words.items():
            node = self._root
            for letter in word:
                node = node.setdefault(letter, _Node())
            node.meanings = tuple(meanings)

    def first(self, letters: bytes) -> int:
        """Before which letter a word may begin, once what fills it out is gone; -1 if nowhere, surely."""
        return -1 if self._any is None else self._any.find(letters)

    def find(
        self, text: str, first: int | None = None, may_begin: Callable[[int], bool] | None = None
    ) -> Iterator[tuple[int, int, tuple[T, ...]]]:
        """All (start, end, meanings), overlapping ones too: a word begins behind the mark of a code point.
        `first` is known from `first`, if it was asked; only places that `may_begin` are looked at."""
        if self._any is None:
            return
        raw, find = text.encode(), self._any.find
        place = find(raw) if first is None else first
        while place >= 0:
            if may_begin is None or may_begin(place + 1):
                yield from self._read(text, place + 1)
            place = find(raw, place + 1)

    def _read(self, text: str, place: int) -> Iterator[tuple[int, int, tuple[T, ...]]]:
        """The words that begin at `place`, whatever marks are between their letters."""
        node = self._root
        for at in range(place, len(text)):
            letter = text[at]
            if letter in _MARKS:
                continue
            if (after := node.get(letter)) is None:
                return
            node = after
            if node.meanings:
                yield place, at + 1, node.meanings


class _Node(dict[str, "_Node[T]"], Generic[T]):
    """What may follow the letters that lead here, and the words that they are."""

    __slots__ = ("meanings",)

    def __init__(self) -> None:
        super().__init__()
        self.meanings: tuple[T, ...] = ()


def _lengths(words: Iterable[str], short: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """How long words are that begin with these letters, and with fewer."""
    found: dict[str, set[int]] = {}
    for word in words:
        found.setdefault(word[:_KNOWN], set()).add(len(word))
    return {beginning: (*short, *sorted(lengths)) for beginning, lengths in found.items()}


def _expression(words: list[str], filler: Callable[[str], str], letters: int) -> str:
    """What sorted words begin with, up to the end of the first one on each way, or so many letters."""
    ways = []
    for letter, found in groupby(words, itemgetter(0)):
        rests = [word[1:] for word in found]
        ends = letters == 1 or not rests[0]
        more = "" if ends else filler(letter) + BETWEEN + _expression(rests, filler, letters - 1)
        ways.append(re2.escape(letter) + more)
    return f"(?:{'|'.join(ways)})" if len(ways) > 1 else ways[0]

"""Aho-Corasick: every place of every listed word in one pass, however many words there are.

A compiled RE2 alternation of the same words stands before it and says in microseconds that there is none,
which is so for nearly every message.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import re2

T = TypeVar("T")
_LEAPS = 6
"""How often RE2 is asked for the next place in one text; a text with more words in it is walked through."""
_MEMORY = 64 << 20
"""What RE2 may use for its automaton; only pages that messages touch are ever filled."""


class Automaton(Generic[T]):
    """Finds words; each has what it stands for."""

    def __init__(self, words: Mapping[str, Sequence[T]]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._found: list[tuple[tuple[int, T], ...]] = [()]
        self._fail: list[int] = [0]
        for word, meanings in words.items():
            self._add(word, meanings)
        self._link()
        self._any = _alternation(words)

    @property
    def empty(self) -> bool:
        return self._any is None

    def _add(self, word: str, meanings: Sequence[T]) -> None:
        state = 0
        for letter in word:
            following = self._next[state].get(letter)
            if following is None:
                following = len(self._next)
                self._next[state][letter] = following
                self._next.append({})
                self._found.append(())
                self._fail.append(0)
            state = following
        self._found[state] += tuple((len(word), meaning) for meaning in meanings)

    def _link(self) -> None:
        queue = deque(self._next[0].values())
        while queue:
            state = queue.popleft()
            for letter, following in self._next[state].items():
                queue.append(following)
                fail = self._fail[state]
                while fail and letter not in self._next[fail]:
                    fail = self._fail[fail]
                self._fail[following] = self._next[fail].get(letter, 0)
                self._found[following] += self._found[self._fail[following]]

    def find(self, text: str) -> list[tuple[int, int, T]]:
        """All (start, end, meaning), overlapping ones too, by their end."""
        hits: list[tuple[int, int, T]] = []
        place, leaps = 0, 0
        while self._any is not None and place < len(text):
            leap = self._any.search(text, place) if leaps < _LEAPS else None
            if leap is not None:
                place = leap.start()
            elif leaps < _LEAPS:
                break
            leaps += 1
            place = self._walk(text, place, hits, leaps < _LEAPS)
        return hits

    def _walk(self, text: str, place: int, hits: list[tuple[int, int, T]], back_at_root: bool) -> int:
        """Walk from `place` to the end, or to where no word is under way any more."""
        following, fail, found = self._next, self._fail, self._found
        state = 0
        for at in range(place, len(text)):
            letter = text[at]
            while state and letter not in following[state]:
                state = fail[state]
            state = following[state].get(letter, 0)
            if found[state]:
                hits += [(at + 1 - length, at + 1, meaning) for length, meaning in found[state]]
            if state == 0 and back_at_root:
                return at + 1
        return len(text)


def _alternation(words: Mapping[str, object]) -> "re2._Regexp[str] | None":
    if not words:
        return None
    options = re2.Options()
    options.max_mem = _MEMORY
    options.never_capture = True
    options.log_errors = False
    return re2.compile("|".join(re2.escape(word) for word in sorted(words)), options)

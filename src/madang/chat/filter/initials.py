"""Words written by their initials (chosung): `ㅅㅂ`. They count only where the writer wrote loose consonants,
for every text is full of syllables that begin with these."""

import re
from collections.abc import Iterator
from typing import Final

KO: Final = frozenset((
    "ㅅㅂ", "ㅆㅂ", "ㅅㅍㄴ", "ㅂㅅ", "ㅄ", "ㅈㄹ", "ㅈㄴ", "ㅈㄴㄱ", "ㄲㅈ", "ㄷㅊ", "ㅁㅊㄴ",
    "ㅁㅊㅅㄲ", "ㅁㅊㅂㅅ", "ㅅㄲ", "ㄱㅅㄲ", "ㄱㅆㄲ", "ㅆㄴ", "ㅆㄹㄱ", "ㄴㄱㅁ", "ㄴㄱㅇㅁ",
    "ㄴㅇㅁ", "ㄴㅇㅂ", "ㅈㄲ", "ㅈㄲㄹ", "ㅅㅂㄴ", "ㅅㅂㄻ", "ㅅㅂㄹㅁ", "ㅅㅂㅅㄲ", "ㅆㅂㅅㄲ",
    "ㅆㅂㄴ", "ㅂㅅㅅㄲ", "ㅂㅅㄴ", "ㅂㅅㄱㅇ", "ㅇㅈㄹ", "ㅆㅅㄲ", "ㅈㄱㅌ", "ㅅㅂㅈㄴ", "ㅆㅂㄹㅁ",
    "ㄱㅂㅅ", "ㅁㅊㄱ", "ㄷㅈㄹ", "ㅈㅂㅅ", "ㄱㅈㄹ", "ㅌㄷㅊ",
))  # fmt: skip
_RUN: Final = re.compile(r"[ㄱ-ㅎ](?:(?:[^\w\n]{0,2}[0-9][^\w\n]?|[^\w\n]{0,3})[ㄱ-ㅎ])*")
_LAUGHTER: Final = "ㅋㅎㅠㅜ"
_APART: Final = {
    "ㄳ": "ㄱㅅ",
    "ㄵ": "ㄴㅈ",
    "ㄶ": "ㄴㅎ",
    "ㄺ": "ㄹㄱ",
    "ㄻ": "ㄹㅁ",
    "ㄼ": "ㄹㅂ",
    "ㅄ": "ㅂㅅ",
}
_DOUBLED: Final = re.compile(r"(.)\1+")
CONSONANTS: Final = re.compile("[ㄱ-ㅊㅌㅍ]")
"""Loose ones, without which nothing is to be found: all but those of laughter."""


def find(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, word) for every word of the list that stands in `text` by its initials."""
    for run in _RUN.finditer(text):
        if not CONSONANTS.search(text, *run.span()):
            continue
        places = [place for place in range(*run.span()) if "ㄱ" <= text[place] <= "ㅎ"]
        while places and text[places[0]] in _LAUGHTER:
            places.pop(0)
        while places and text[places[-1]] in _LAUGHTER:
            places.pop()
        if not places or _follows_vowel(text, places[-1] + 1) or _apart(text, places):
            continue
        letters = "".join(_APART.get(text[place], text[place]) for place in places)
        word = _listed(letters) or _listed(_DOUBLED.sub(r"\1", letters))
        if word:
            yield places[0], places[-1] + 1, word


def _listed(letters: str) -> str:
    """The listed word that `letters` are, or are but for one or two before or behind it."""
    for more in range(min(3, len(letters))):
        for word in (letters[: len(letters) - more], letters[more:]):
            if word in KO:
                return word
    return ""


def _follows_vowel(text: str, place: int) -> bool:
    """Whether the run is no run of initials, since a loose vowel goes on with it."""
    return place < len(text) and "ㅏ" <= text[place] <= "ㅣ" and text[place] not in "ㅠㅜ"


def _apart(text: str, places: list[int]) -> bool:
    """Whether spaces part groups of initials, which then are words of their own (`ㅇㅅ ㅂㄷ`)."""
    pieces = text[places[0] : places[-1] + 1].split()
    return len(pieces) > 1 and max(map(len, pieces)) > 1

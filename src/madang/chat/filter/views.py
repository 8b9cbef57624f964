"""The ways to read one text: each view is its letters in one alphabet, with the place that each came from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from madang.chat.filter.keys import HANGUL_KEYS, VOWELS, Folds, keys_of, squeeze_with
from madang.chat.filter.latin import VEIL, undouble_with

_KEY: Final = re.compile("[A-Za-z]")
_TENSE: Final = frozenset("RQWETOP")


@dataclass(frozen=True, slots=True)
class View:
    """`letters[i]` was read from `text[origins[i]]`."""

    letters: str
    origins: list[int]

    def begins_at_letter(self, place: int) -> bool:
        """Whether `place` is the first that its code point gave: no final consonant of the one before."""
        return place == 0 or self.origins[place - 1] != self.origins[place]

    def ends_at_letter(self, place: int) -> bool:
        """Whether nothing of the same code point follows `place` but what a particle or a slip of the finger
        adds: ㄴ, ㄹ or ㅁ after a vowel, another final consonant after one."""
        last, following = self.origins[place - 1], place
        while following < len(self.letters) and self.origins[following] == last:
            following += 1
        more = self.letters[place:following]
        if self.letters[place - 1] in VOWELS:
            return more in ("", "s", "f", "a")
        return not any(letter in VOWELS for letter in more)


def read(text: str, folds: Mapping[str, str]) -> View:
    """`text` letter by letter through a table."""
    parts: list[str] = []
    origins: list[int] = []
    for place, letter in enumerate(text):
        folded = folds[letter]
        if folded:
            parts.append(folded)
            origins += [place] * len(folded)
    return View("".join(parts), origins)


def squeezed(view: View) -> View:
    """Stretched vowels and stuttered consonants of keys as one."""
    return View(*squeeze_with(view.letters, view.origins))


def undoubled(view: View) -> View:
    """Every run of a Latin letter as one."""
    return View(*undouble_with(view.letters, view.origins))


def unveiled(view: View) -> View:
    """Every run of veils as one."""
    parts: list[str] = []
    origins: list[int] = []
    for letter, origin in zip(view.letters, view.origins, strict=True):
        if letter != VEIL or not parts or parts[-1] != VEIL:
            parts.append(letter)
            origins.append(origin)
    return View("".join(parts), origins)


def unspaced(view: View) -> View:
    """Without the spaces."""
    places = [at for at, letter in zip(view.origins, view.letters, strict=True) if letter != " "]
    return View(view.letters.replace(" ", ""), places)


def linked(text: str) -> View:
    """A loose consonant takes the vowel of the syllable after it: `ㅅ이발`."""
    parts: list[str] = []
    origins: list[int] = []
    for place, letter in enumerate(text):
        folded = HANGUL_KEYS[letter]
        if place and folded[:1] == "d" and len(folded) > 1 and "ㄱ" <= text[place - 1] <= "ㅎ":
            folded = folded[1:]
        parts.append(folded)
        origins += [place] * len(folded)
    return squeezed(View("".join(parts), origins))


# --- Hangul mixed with other scripts -------------------------------------------------------------------

_SHAPES: Final = {
    **dict.fromkeys("1lI|!iㅣ丨ⅼ¡", "l"), **dict.fromkeys("rR卜トㅏㅑ", "k"), **dict.fromkeys("Hh#", "o"),
    **dict.fromkeys("oO0ㅇ○◯", "d"), **dict.fromkeys("7フ力", "r"), **dict.fromkeys("^人入vV", "t"),
    **dict.fromkeys("己2", "f"), **dict.fromkeys("口□ㅁ", "a"), **dict.fromkeys("日ㅂ", "q"),
    **dict.fromkeys("T丁", "n"), **dict.fromkeys("L", "s"), **dict.fromkeys("E", "x"),
    **dict.fromkeys("スズ", "w"), "上": "h", "ネ": "w", "工": "h", "ㅢ": "ml",
}  # fmt: skip
_SOUNDS: Final = {
    "8": "팔", "4": "사", "2": "이", "5": "오", "c": "씨", "C": "씨", "m": "엠", "M": "엠", "b": "ㅂ",
    "B": "ㅂ", "s": "ㅅ", "S": "ㅅ", "d": "디", "q": "ㅂ", "k": "ㅋ", "g": "지", "G": "지",
}  # fmt: skip
_SYLLABLES: Final = {
    "18": "십팔", "10": "십", "bal": "발", "bar": "발", "val": "발", "ball": "발", "pal": "팔",
    "ssi": "씨", "si": "시", "shi": "쉬", "see": "시", "she": "쉬", "sin": "신", "shin": "신",
    "byung": "병", "byeong": "병", "bung": "병", "gae": "개", "dog": "개", "sae": "새", "kki": "끼",
    "ggi": "끼", "gi": "기", "ki": "키", "ral": "랄", "ji": "지", "zi": "지", "nyeon": "년",
    "nyun": "년", "nom": "놈", "jot": "좆", "jon": "존", "na": "나", "mi": "미", "chin": "친",
    "ba": "바", "bo": "보", "gat": "같", "ssang": "쌍", "ya": "야",
}  # fmt: skip
_SYLLABLE: Final = re.compile("|".join(sorted(_SYLLABLES, key=len, reverse=True)), re.IGNORECASE)


class _Shapes(Folds):
    """Signs and letters that look like Hangul letters; Hangul stays."""

    def fold(self, letter: str) -> str:
        return keys_of(letter) or _SHAPES.get(letter, "")


class _Sounds(Folds):
    """Digits and letters that sound like Hangul syllables; Hangul stays."""

    def fold(self, letter: str) -> str:
        return keys_of(letter) or "".join(keys_of(part) for part in _SOUNDS.get(letter, ""))


class _Typed(Folds):
    """Latin letters as the keys they are; Hangul stays."""

    def fold(self, letter: str) -> str:
        if letter in _TENSE:
            return letter
        return keys_of(letter) or (letter.lower() if _KEY.fullmatch(letter) else "")


class _Lax(Folds):
    """The same, with capitals meaning nothing."""

    def fold(self, letter: str) -> str:
        return keys_of(letter) or (letter.lower() if _KEY.fullmatch(letter) else "")


SHAPES: Final = _Shapes()
TYPED: Final = _Typed()
LAX: Final = _Lax()
_SOUND_KEYS: Final = _Sounds()


def sounded(text: str) -> View:
    """`text` with its digits and Latin syllables read aloud: `시8`, `18놈`, `시bal`."""
    parts: list[str] = []
    origins: list[int] = []
    for start, end, folded in _sounds(text):
        parts.append(folded)
        origins += [min(start + place, end - 1) for place in range(len(folded) - 1)]
        origins += [end - 1] * (folded != "")
    return squeezed(View("".join(parts), origins))


def _sounds(text: str) -> Iterator[tuple[int, int, str]]:
    place = 0
    while place < len(text):
        found = _SYLLABLE.match(text, place)
        if found is not None:
            syllables = _SYLLABLES[found[0].lower()]
            yield place, found.end(), "".join(keys_of(syllable) for syllable in syllables)
            place = found.end()
        else:
            yield place, place + 1, _SOUND_KEYS[text[place]]
            place += 1

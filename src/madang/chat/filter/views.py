"""The ways to read one text: each view is its letters in one alphabet, with the place that each came from."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from madang.chat.filter.keys import FILLED, HANGUL_KEYS, VOWELS, Folds, keys_of, may_be_filled

_KEY: Final = re.compile("[A-Za-z]")
_TENSE: Final = frozenset("RQWETOP")


class View:
    """A text in one alphabet: `letters`, and for each of them the place that it was read from.

    Places are worked out only when they are asked for: nearly every view is read, searched and forgotten.
    """

    __slots__ = ("_cuts", "_pieces", "_shifts", "_sums", "letters")

    def __init__(self, folded: Sequence[str], pieces: Sequence[tuple[int, int]] | None = None) -> None:
        """`folded[i]` is what `text[i]` became, or with `pieces` what `text[slice(*pieces[i])]` became."""
        self.letters = "".join(folded)
        self._sums = list(accumulate(map(len, folded)))
        self._pieces = pieces
        self._cuts: list[int] = []
        self._shifts: list[int] = []

    def dropped(self, pattern: "re.Pattern[str]") -> "View":
        """This view without what `pattern` finds, but for its matching group; once per view."""
        parts: list[str] = []
        at = gone = 0
        for found in pattern.finditer(self.letters):
            kept = found.end(found.lastindex) if found.lastindex else found.start()
            parts.append(self.letters[at:kept])
            at = found.end()
            self._cuts.append(kept - gone)
            gone += at - kept
            self._shifts.append(gone)
        if parts:
            self.letters = "".join((*parts, self.letters[at:]))
        return self

    def start(self, place: int) -> int:
        """Where in the text the letter at `place` begins."""
        piece = self._piece(place)
        return self._pieces[piece][0] if self._pieces else piece

    def end(self, place: int) -> int:
        """Where in the text the letter before `place` ends."""
        piece = self._piece(place - 1)
        return self._pieces[piece][1] if self._pieces else piece + 1

    def begins_at_letter(self, place: int) -> bool:
        """Whether `place` is the first that its code point gave: no final consonant of the one before."""
        return place == 0 or self._piece(place - 1) != self._piece(place)

    def ends_at_letter(self, place: int) -> bool:
        """Whether nothing of the same code point follows `place` but what a particle or a slip of the finger
        adds: ㄴ, ㄹ or ㅁ after a vowel, another final consonant after one."""
        last, following = self._piece(place - 1), place
        while following < len(self.letters) and self._piece(following) == last:
            following += 1
        more = self.letters[place:following]
        if self.letters[place - 1] in VOWELS:
            return more in ("", "s", "f", "a")
        return not any(letter in VOWELS for letter in more)

    def _piece(self, place: int) -> int:
        if self._cuts:
            cut = bisect_right(self._cuts, place)
            place += self._shifts[cut - 1] if cut else 0
        return bisect_right(self._sums, place)


def read(text: str, folds: Mapping[str, str]) -> View:
    """`text` letter by letter through a table."""
    return View([folds[letter] for letter in text])


def keyed(text: str, folds: Mapping[str, str]) -> View:
    """The same in keys, with stretched vowels and stuttered consonants as one."""
    view = read(text, folds)
    return view.dropped(FILLED) if may_be_filled(view.letters) else view


def linked(text: str) -> View:
    """A loose consonant takes the vowel of the syllable after it: `ㅅ이발`."""
    folded = [HANGUL_KEYS[letter] for letter in text]
    for place in range(1, len(folded)):
        if folded[place][:1] == "d" and len(folded[place]) > 1 and "ㄱ" <= text[place - 1] <= "ㅎ":
            folded[place] = folded[place][1:]
    return View(folded).dropped(FILLED)


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
_SYLLABLE_KEYS: Final = {
    letters: "".join(map(keys_of, syllables)) for letters, syllables in _SYLLABLES.items()
}
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
    folded: list[str] = []
    pieces: list[tuple[int, int]] = []
    place = 0
    while place < len(text):
        found = _SYLLABLE.match(text, place)
        folded.append(_SYLLABLE_KEYS[found[0].lower()] if found else _SOUND_KEYS[text[place]])
        pieces.append((place, found.end() if found else place + 1))
        place = pieces[-1][1]
    return View(folded, pieces).dropped(FILLED)

"""The ways to read one text: each view is its letters in one alphabet, with a mark for every code point."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from madang.chat.filter.keys import HANGUL, HANGUL_KEYS, VOWELS, Folds, keys_of
from madang.chat.filter.latin import VEILED, join_veils
from madang.chat.filter.marks import MARK, MORE, PAUSE, count

_KEY: Final = re.compile("[A-Za-z]")
_TENSE: Final = frozenset("RQWETOP")
_REST: Final = re.compile(f"[^{MARK}{PAUSE}]*")
_ENDS: Final = ("", MARK, PAUSE)


class View:
    """A text in one alphabet: `letters`, whose marks tell where each of them was read from."""

    __slots__ = ("_begun", "_counted", "_reading", "_starts", "letters")

    def __init__(self, letters: str, starts: tuple[int, ...] = (0,)) -> None:
        """`starts` says where in the text each reading begins, when there are several with pauses between."""
        self.letters = letters
        self._starts = starts
        self._counted, self._reading, self._begun = 0, 0, starts[0] if starts else 0
        """Up to which letter code points were counted, in which reading that is, and how many of the text
        begin before it: spans are asked for from left to right."""

    def span(self, first: int, last: int) -> tuple[int, int]:
        """(start, end) in the text of the letters from `first` up to `last`."""
        letters, counted = self.letters, self._counted
        if first < counted:
            counted, self._reading, self._begun = 0, 0, self._starts[0]
        pause = letters.rfind(PAUSE, counted, first)
        if pause >= 0:
            self._reading += letters.count(PAUSE, counted, first)
            counted, self._begun = pause + 1, self._starts[self._reading]
        self._begun = before = self._begun + count(letters, counted, first)
        self._counted = first
        return before - 1, before + count(letters, first, last + len(self._rest(last)))

    def is_whole(self, last: int) -> bool:
        """Whether of the code point that the letter before `last` is of nothing follows but what a particle
        or a slip of the finger adds: ㄴ, ㄹ or ㅁ after a vowel, another final consonant after one."""
        rest = self._rest(last)
        if not rest:
            return True
        more = rest.rstrip(MORE)
        if self.letters[last - 1] in VOWELS:
            return more in ("", "s", "f", "a")
        return not any(letter in VOWELS for letter in more)

    def _rest(self, place: int) -> str:
        if self.letters[place : place + 1] in _ENDS:  # nearly always
            return ""
        found = _REST.match(self.letters, place)
        return found[0] if found else ""


def read(text: str, folds: Folds) -> View:
    """`text` letter by letter through a table."""
    return View(text.translate(folds))


def words(text: str, pattern: "re.Pattern[str]") -> Iterator[tuple[int, int]]:
    """(start, end) of the written words in which `pattern` finds something."""
    end = 0
    while found := pattern.search(text, end):
        start = text.rfind(" ", 0, found.start()) + 1
        end = text.find(" ", found.end())
        end = len(text) if end < 0 else end
        yield start, end


def veiled(text: str, folds: Folds) -> View:
    """The words of `text` with letters left to the reader, through a table; any number of veils is one."""
    found = [(start, text[start:end].translate(folds)) for start, end in words(text, VEILED)]
    return View(join_veils(PAUSE.join(word for _, word in found)), tuple(start for start, _ in found))


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
_ALOUD: Final = re.compile(
    f"({'|'.join(sorted(_SYLLABLES, key=len, reverse=True))})|.", re.IGNORECASE | re.DOTALL
)


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


SHAPES: Final = _Shapes()
TYPED: Final = _Typed()
_SOUND_KEYS: Final = _Sounds()


_SIGNS: Final = "".join(re.escape(sign) for sign in _SHAPES if not HANGUL.match(sign))
_SHAPED: Final = re.compile(f"[{_SIGNS}]")
_LINKED: Final = re.compile("[ㄱ-ㅎ][아-잏]")
_HANGUL: Final = "[가-힣ㄱ-ㅣ]"
_MIXED: Final = re.compile(
    rf"{_HANGUL}[^\w\s]{{0,2}}[0-9A-Za-z{_SIGNS}]|[0-9A-Za-z{_SIGNS}][^\w\s]{{0,2}}{_HANGUL}|{_LINKED.pattern}"
)
_SOUNDING: Final = re.compile(f"[0-9A-Za-z]{_HANGUL}|{_HANGUL}[0-9A-Za-z]")


def mixed(text: str) -> View:
    """The words of `text` that mix Hangul with other signs, in every way in which their signs may be read:
    by shape, as keys, by sound, and with a silent ㅇ."""
    letters: list[str] = []
    starts: list[int] = []
    for start, end in words(text, _MIXED):
        word = text[start:end]
        for signs, reading in _READINGS:
            if signs.search(word):
                letters.append(reading(word))
                starts.append(start)
    return View(PAUSE.join(letters), tuple(starts))


def _sounded(word: str) -> str:
    """`word` with its digits and Latin syllables read aloud: `시8`, `18놈`, `시bal`."""
    return _ALOUD.sub(_aloud, word)


def _aloud(found: "re.Match[str]") -> str:
    if found[1]:
        return MARK + _SYLLABLE_KEYS[found[1].lower()] + MORE * (len(found[1]) - 1)
    return _SOUND_KEYS[ord(found[0])]


def _linked(word: str) -> str:
    """A loose consonant takes the vowel of the syllable after it: `ㅅ이발`."""
    folded = [HANGUL_KEYS[ord(letter)] for letter in word]
    for place in range(1, len(folded)):
        if folded[place][1:2] == "d" and len(folded[place]) > 2 and "ㄱ" <= word[place - 1] <= "ㅎ":
            folded[place] = MARK + folded[place][2:]
    return "".join(folded)


_READINGS: Final[tuple[tuple["re.Pattern[str]", Callable[[str], str]], ...]] = (
    (_SHAPED, lambda word: word.translate(SHAPES)),
    (_KEY, lambda word: word.translate(TYPED)),
    (_SOUNDING, _sounded),
    (_LINKED, _linked),
)
"""What calls for a reading, and the reading."""

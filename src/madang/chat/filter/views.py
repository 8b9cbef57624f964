"""The ways to read one text: each view is its letters in one alphabet, with a mark for every code point."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from madang.chat.filter.keys import HANGUL, HANGUL_KEYS, VOWELS, Folds, keys_of, squeeze
from madang.chat.filter.latin import LATIN, LATIN_LETTER, VEILED, is_rare, join_veils, marked
from madang.chat.filter.leap import Leap
from madang.chat.filter.marks import MARK, MORE, PAUSE

_KEY: Final = re.compile("[A-Za-z]")
_TENSE: Final = frozenset("RQWETOP")
_REST: Final = re.compile(f"[^{MARK}{PAUSE}]*")
_ENDS: Final = ("", MARK, PAUSE)
_SHORT: Final = 80
"""Texts of so many code points are read whole faster than in pieces."""


class View:
    """A text in one alphabet: `letters`, whose marks tell where each of them was read from."""

    __slots__ = ("_begun", "_counted", "_more", "_reading", "_squeezed", "_starts", "letters")

    def __init__(self, letters: str, starts: tuple[int, ...] = (0,)) -> None:
        """`starts` says where in the text each reading begins, when there are several with pauses between."""
        self.letters = letters
        self._starts = starts
        self._counted, self._reading, self._begun = 0, 0, starts[0] if starts else 0
        """Up to which letter code points were counted, in which reading that is, and how many of the text
        begin before it: spans are asked for from left to right."""
        self._more = MORE in letters
        self._squeezed = False

    def changed(self, letters: str) -> "View":
        """The same readings with other letters and the same marks."""
        return View(letters, self._starts)

    def squeeze(self) -> bool:
        """Take away what fills out the words, once; whether there was any."""
        if self._squeezed:
            return False
        before, self.letters, self._squeezed = self.letters, squeeze(self.letters), True
        return self.letters is not before

    def span(self, first: int, last: int) -> tuple[int, int]:
        """(start, end) in the text of the letters from `first` up to `last`."""
        letters, counted = self.letters, self._counted
        if first < counted:
            counted, self._reading, self._begun = 0, 0, self._starts[0]
        if len(self._starts) > 1 and (pause := letters.rfind(PAUSE, counted, first)) >= 0:
            self._reading += letters.count(PAUSE, counted, first)
            counted, self._begun = pause + 1, self._starts[self._reading]
        count = letters.count
        before, end = self._begun + count(MARK, counted, first), count(MARK, first, last)
        if self._more:
            before += count(MORE, counted, first)
            end += count(MORE, first, last + len(self._rest(last)))
        self._begun, self._counted = before, first
        return before - 1, before + end

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
    found = [(start, folds.read(text[start:end])) for start, end in words(text, VEILED)]
    return View(join_veils(PAUSE.join(word for _, word in found)), tuple(start for start, _ in found))


def latin(text: str) -> View:
    """What is not Hangul and holds a Latin letter, through its table; no Latin word goes on over Hangul."""
    if len(text) <= _SHORT or not is_rare(text):
        return View(marked(text))
    found = [(start, LATIN.read(text[start:end])) for start, end in _pieces(text)]
    return View(PAUSE.join(piece for _, piece in found), tuple(start for start, _ in found))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of those, each with the Hangul on both sides, at which a word ends."""
    hangul = 0
    while letter := LATIN_LETTER.search(text, hangul):
        at = letter.start()
        before = HANGUL.search(text[hangul:at][::-1])
        start = at - before.start() - 1 if before else 0
        after = HANGUL.search(text, at)
        if after is None:
            yield start, len(text)
            return
        hangul = after.start()
        yield start, hangul + 1


def hangul(text: str) -> View:
    """`text` as keys, and behind that its words that mix Hangul with other signs, in every way in which their
    signs may be read: by shape, as keys, by sound, and with a silent ㅇ."""
    letters, starts = [HANGUL_KEYS.read(text)], [0]
    for start, word in _mixed(text):
        for signs, reading in _READINGS:
            if signs.search(word):
                letters.append(reading(word))
                starts.append(start)
    return View(PAUSE.join(letters), tuple(starts))


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
_SYLLABLE: Final = re.compile("[A-Za-z]{2}|1[08]")
"""Without this no such syllable is there."""
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
_ANY_SIGN: Final = rf"[0-9A-Za-z{_SIGNS}]"
_PART: Final = r"[^\pL\pN_\pZ\s]{0,2}"
_MIXED: Final = Leap(rf"{_HANGUL}{_PART}{_ANY_SIGN}|{_ANY_SIGN}{_PART}{_HANGUL}|{_LINKED.pattern}")
"""Where Hangul and something else stand in one written word."""
_SOUNDING: Final = re.compile(f"[0-9A-Za-z]{_HANGUL}|{_HANGUL}[0-9A-Za-z]")


def _mixed(text: str) -> Iterator[tuple[int, str]]:
    """(start, word) of each written word that mixes Hangul with other signs."""
    raw = text.encode()
    before, start, at = 0, 0, _MIXED.find(raw)
    while at >= 0:
        begun, end = raw.rfind(b" ", 0, at) + 1, raw.find(b" ", at)
        end = len(raw) if end < 0 else end
        start += len(raw[before:begun].decode())
        before = begun
        yield start, raw[begun:end].decode()
        at = _MIXED.find(raw, end)


def _sounded(word: str) -> str:
    """`word` with its digits and Latin syllables read aloud: `시8`, `18놈`, `시bal`."""
    if not _SYLLABLE.search(word):
        return _SOUND_KEYS.read(word)
    return _ALOUD.sub(_aloud, word)


def _aloud(found: "re.Match[str]") -> str:
    if found[1]:
        return MARK + _SYLLABLE_KEYS[found[1].lower()] + MORE * (len(found[1]) - 1)
    return _SOUND_KEYS[found[0]]


def _linked(word: str) -> str:
    """A loose consonant takes the vowel of the syllable after it: `ㅅ이발`."""
    folded = [HANGUL_KEYS[letter] for letter in word]
    for place in range(1, len(folded)):
        if folded[place][1:2] == "d" and len(folded[place]) > 2 and "ㄱ" <= word[place - 1] <= "ㅎ":
            folded[place] = MARK + folded[place][2:]
    return "".join(folded)


_READINGS: Final[tuple[tuple["re.Pattern[str]", Callable[[str], str]], ...]] = (
    (_SHAPED, SHAPES.read),
    (_KEY, TYPED.read),
    (_SOUNDING, _sounded),
    (_LINKED, _linked),
)
"""What calls for a reading, and the reading."""

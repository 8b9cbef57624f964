"""Latin letters behind their disguises: capitals, full width, mathematical alphabets, Cyrillic and Greek
look-alikes (a part of Unicode TR39), and leet."""

import re
import unicodedata
from typing import Final

from madang.chat.filter.keys import Folds
from madang.chat.filter.leap import Leap
from madang.chat.filter.marks import BETWEEN, MARK, marks

BREAK: Final = "|"
"""Stands for a letter of another script: no word goes on over it."""
VEIL: Final = "*"
"""Stands for a letter that the writer left to the reader: `f*ck`."""

_ALIKE: Final = dict(
    zip(
        "абвгдеёзикмнорстухѕіјԁһӏԛԝүցոսɡɑɩιανεκμοπρτυχωβγδησ",
        "abbrдeeзuкmhopctyxsijdhiqwygnugaiiavekuoпptuxwbyδno".replace("к", "k")
        .replace("д", "d")
        .replace("з", "e")
        .replace("п", "n")
        .replace("δ", "d"),
        strict=True,
    )
)
_SMALL: Final = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))
_LEET: Final = {
    "0": "o", "1": "i", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "i", "|": "i", "+": "t", "€": "e", "£": "i", "(": "c", "¢": "c", "¡": "i",
    "æ": "a", "ц": "u", "ƒ": "f", "ø": "o", "đ": "d", "ł": "i", "ß": "s", "ı": "i", "¥": "y",
}  # fmt: skip
_VEIL_SIGNS: Final = frozenset("*#%✱∗⁎＊•●")
_SQUARED: Final = (0x1F130, 0x1F150, 0x1F170)
_REGIONAL: Final = 0x1F1E6


def letters_of(letter: str) -> str:
    """The plain letters of one code point; a space for spaces, a veil, or nothing for what only parts.

    `l` and `i` are one letter here, since `1`, `!` and `|` stand for both.
    """
    point = ord(letter)
    for first in (*_SQUARED, _REGIONAL):
        if first <= point < first + 26:
            return _plain(chr(97 + point - first))
    if letter in _VEIL_SIGNS:
        return VEIL
    if letter.isspace():
        return " "
    if "가" <= letter <= "힣":
        return BREAK
    folded = unicodedata.normalize("NFKD", letter).casefold()
    return "".join(_plain(part) for part in folded if not unicodedata.combining(part))


def _plain(part: str) -> str:
    part = _ALIKE.get(part) or _SMALL.get(part) or _LEET.get(part) or part
    if part == "l":
        return "i"
    if "a" <= part <= "z":
        return part
    return BREAK if part.isalpha() else ""


class _LatinFolds(Folds):
    def fold(self, letter: str) -> str:
        return letters_of(letter)


class _UnveiledFolds(Folds):
    """Signs that part letters stand for the letter they replace: `f-ck`, `sh.t`."""

    def fold(self, letter: str) -> str:
        return VEIL if letter in "-_.·~^?'’" else letters_of(letter)


LATIN: Final = _LatinFolds()
UNVEILED: Final = _UnveiledFolds()
_NOTHING: Final = "\0"
_HANGUL: Final = "가-힣ㄱ-ㅎㅏ-ㅣ"
_SIGNS: Final = (
    "?\u200b-\u200f\u2018-\u201f\u2026\u2600-\u2712\u2764\u3001\u3002\ufe0f\uff1f\uff5e\U0001f300-\U0001faff"
)
"""Signs that no letter is hidden in: what stands in every other message."""
_RARER: Final = re.compile(f"[^\0-\x7f{_HANGUL}{_SIGNS}]")
_SIGN: Final = re.compile(f"[{_SIGNS}]")
_UNKNOWN: Final = "?"
"""What a codec writes for what it does not know: Hangul, once signs are gone."""
_ASCII: Final = bytes(
    ord(BREAK if chr(point) == _UNKNOWN else letters_of(chr(point)) or _NOTHING) for point in range(128)
).ljust(256, b"\0")
LATIN_LETTER: Final = re.compile(
    "[A-Za-z@$\u00c0-\u02ff\u0370-\u058f\u1d00-\u1dbf\u2070-\u209f\u2100-\u214f\u2460-\u24ff\ua720-\ua7ff"
    "\uff21-\uff5a\U0001d400-\U0001f1ff]"
)
SPACED: Final = re.compile(r"(?<![^\W_])[^\W_](?:[^\S\n]*[\W_][^\S\n]*[^\W_](?![^\W_])){2,}")
"""`f u c k`, `s.h.i.t`: single letters with something between them."""
_NO_LETTER: Final = rf"{MARK}[ {VEIL}]?"
_RARE: Final = Leap(
    "|".join(
        [BETWEEN.join(letter * 3) for letter in "abcdefghijklmnopqrstuvwxyz"]
        + [f"(?:^|{_NO_LETTER}){MARK}[a-z](?:(?:{_NO_LETTER}){{1,3}}{MARK}[a-z]){{2,}}(?:{_NO_LETTER}|$)"]
    )
)
_DOUBLED: Final = re.compile(rf"([a-z])(?:{BETWEEN}\1)+")
_DOUBLED_HERE: Final = Leap("|".join(letter + BETWEEN + letter for letter in "abcdefghijklmnopqrstuvwxyz"))
"""Where `_DOUBLED` begins, without its back-reference: found in a tenth of the time."""
_VEILS: Final = re.compile(rf"(\*)(?:{BETWEEN}\*)+")
_SIGN_OF_VEIL, _LETTER_BY_IT = "[-_.·~^?'’*#%]", "[A-Za-z0-9@$]"
VEILED: Final = re.compile(rf"{_SIGN_OF_VEIL}(?<={_LETTER_BY_IT}.){_SIGN_OF_VEIL}*{_LETTER_BY_IT}")
"""From the first sign behind a letter up to the next letter."""


def marked(text: str) -> str:
    """`text` through `LATIN`; where it holds nothing but ASCII, Hangul and the usual signs, all at once: each
    of these is one letter at most."""
    if is_rare(text):
        return LATIN.read(text)
    folded = _SIGN.sub(_NOTHING, text).encode("ascii", "replace").translate(_ASCII)
    letters = bytearray(MARK.encode() * (2 * len(folded)))
    letters[1::2] = folded
    return letters.translate(None, _NOTHING.encode()).decode()


def is_rare(text: str) -> bool:
    """Whether `text` holds what only the table of all letters knows."""
    return _RARER.search(text) is not None


def spelled_latin(text: str) -> str:
    """A listed word in the letters of this alphabet."""
    return "".join(map(letters_of, text))


def is_stretched_or_spaced(letters: str) -> bool:
    """Whether in a view some letter stands three times in a row, or three single ones stand apart."""
    return _RARE.find(letters.encode()) >= 0


def undouble(letters: str) -> str:
    """Every run of a letter as one; marks stay."""
    raw, place = letters.encode(), 0
    parts: list[str] = []
    while (at := _DOUBLED_HERE.find(raw, place)) >= 0:
        run = _DOUBLED.match(letters, at)
        assert run
        parts += letters[place:at], _first(run)
        place = run.end()
    return "".join((*parts, letters[place:])) if parts else letters


def join_veils(letters: str) -> str:
    """Every run of veils as one; marks stay."""
    return _VEILS.sub(_first, letters)


def _first(run: "re.Match[str]") -> str:
    return run[1] + marks(run[0], 0, len(run[0]))

"""Hangul as keystrokes of the dubeolsik keyboard: the one alphabet in which syllables, loose letters, and
Hangul typed with the keyboard left on English are all the same.

`시발`, `ㅅㅣㅂㅏㄹ`, `시ㅂㅏㄹ` and `tlqkf` are all `tlqkf`. Compound vowels and compound finals are taken
apart, as one types them; tense consonants are keys of their own.
"""

import re
import unicodedata
from typing import Final

from madang.chat.filter.leap import Leap
from madang.chat.filter.marks import BETWEEN, MARK, marks


def _each(keys: str) -> tuple[str, ...]:
    return tuple(keys.split())


_LEADS: Final = _each("r R s e E f a q Q t T d w W c z x v g")
_VOWELS: Final = _each("k o i O j p u P h hk ho hl y n nj np nl b m ml l")
_TAILS: Final = ("", *_each("r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g"))
_LOOSE: Final = _each("r R rt s sw sg e E f fr fa fq ft fx fv fg a q Q qt t T d w W c z x v g") + _VOWELS
"""The compatibility letters U+3131 to U+3163, in their order."""

VOWELS: Final = "koiOjpuPhynbml"
CONSONANTS: Final = "rRseEfaqQtTdwWczxvg"
_COMPOUND: Final = _each("hk ho hl nj np nl ml")
_GLIDES: Final = ("ik", "uj", "yh", "bn", "Oo", "Pp")
"""A vowel with a glide, and the one that it ends in: `벼엉` stretches `병`."""
_FILLED: Final = re.compile(
    rf"({'|'.join(BETWEEN.join(vowel) for vowel in _COMPOUND)}|[{VOWELS}])(?:{BETWEEN}d?{BETWEEN}\1)+|"
    rf"([{CONSONANTS}])(?:{BETWEEN}\2){{2,}}|"
    + "|".join(f"({glide})(?:{BETWEEN}d{BETWEEN}{end})+" for glide, end in _GLIDES)
)
_FILLED_HERE: Final = Leap(
    "|".join(
        [f"{BETWEEN.join(vowel)}{BETWEEN}d?{BETWEEN}{vowel}" for vowel in (*VOWELS, *_COMPOUND)]
        + [BETWEEN.join(consonant * 3) for consonant in CONSONANTS]
        + [f"{glide}{BETWEEN}d{BETWEEN}{end}" for glide, end in _GLIDES]
    )
)
"""Where `_FILLED` may begin, without back-references: found in a tenth of the time."""
HANGUL: Final = re.compile("[가-힣ㄱ-ㅣᄀ-ᇿﾡ-ￜ]")
_PICTOGRAPHS: Final = range(0x1F000, 0x1FB00)
_LEAD_JAMO, _VOWEL_JAMO, _TAIL_JAMO = 0x1100, 0x1161, 0x11A7


def keys_of(letter: str) -> str:
    """The keystrokes of one code point: empty for what is no Hangul."""
    point = ord(letter)
    if 0xAC00 <= point <= 0xD7A3:
        lead, rest = divmod(point - 0xAC00, 588)
        return _LEADS[lead] + _VOWELS[rest // 28] + _TAILS[rest % 28]
    if 0x3131 <= point <= 0x3163:
        return _LOOSE[point - 0x3131]
    if 0x1100 <= point < 0x1100 + len(_LEADS):
        return _LEADS[point - _LEAD_JAMO]
    if 0x1161 <= point < 0x1161 + len(_VOWELS):
        return _VOWELS[point - _VOWEL_JAMO]
    if 0x11A8 <= point < 0x11A7 + len(_TAILS):
        return _TAILS[point - _TAIL_JAMO]
    if 0xFFA1 <= point <= 0xFFDC:
        plain = unicodedata.normalize("NFKC", letter)
        return keys_of(plain) if plain != letter else ""
    return ""


class Folds(dict[str, str]):
    """What each code point becomes in a view, with its mark: a table that is filled as texts bring them, for
    the basic plane and pictographs alone."""

    def __missing__(self, letter: str) -> str:
        folded = MARK + self.fold(letter)
        if ord(letter) <= 0xFFFF or ord(letter) in _PICTOGRAPHS:
            self[letter] = folded
        return folded

    def read(self, text: str) -> str:
        """All of a text; in half the time of `str.translate`."""
        return "".join(map(self.__getitem__, text))

    def fold(self, letter: str) -> str:
        """The letters of one code point; here its keystrokes."""
        return keys_of(letter)


HANGUL_KEYS: Final = Folds()


def filler(key: str) -> str:
    """An RE2 expression of all that may follow `key` of a word where `squeeze` will take it away."""
    if key not in VOWELS:
        return f"(?:{BETWEEN}{key})*"
    ends = [f"d?{BETWEEN}{key}"]
    ends += [f"d?{BETWEEN}{BETWEEN.join(vowel)}" for vowel in _COMPOUND if vowel[-1] == key]
    ends += [f"d{BETWEEN}{end}" for glide, end in _GLIDES if glide == key]
    return f"(?:{BETWEEN}(?:{'|'.join(ends)}))*"


def squeeze(keys: str) -> str:
    """Stretched vowels (`시이이발`) and stuttered consonants become one; marks stay."""
    raw, place = keys.encode(), 0
    at = _FILLED_HERE.find(raw)
    if at < 0:
        return keys
    parts: list[str] = []
    while at >= 0:
        filled = _FILLED.match(keys, at)
        kept = filled.end(filled.lastindex or 0) if filled else at + 1
        end = filled.end() if filled else kept
        parts += keys[place:kept], marks(keys, kept, end)
        place = end
        at = _FILLED_HERE.find(raw, place)
    return "".join((*parts, keys[place:]))


def spelled(text: str) -> str:
    """A listed word in keys: its Hangul typed, its ASCII letters as they are, stretched vowels squeezed."""
    return squeeze("".join(keys_of(letter) or letter for letter in text))

"""Texts that people write: cleaned, bounded, and compared by what they look like (A5, A13)."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

MARKS_PER_LETTER: Final = 3
# What needs no cleaning: printable ASCII, Hangul syllables and letters (NFC leaves them as they are).
_PLAIN: Final = re.compile("[\x20-\x7e\uac00-\ud7a3\u3131-\u3163]*")
# Letters that pass for a Latin one in most fonts (Unicode TR39, the part that names are forged with).
_CONFUSABLE: Final = str.maketrans(
    "аеорсухѕіјһԁԛԝкмтвнոսցօ" + "αορυνικχτ" + "01|ıłøđ",
    "aeopcyxsijhdqwkmtbhnugo" + "aopuvikxt" + "ollilod",
)
# What more fonts draw alike, or not at all; in names alone, so that it may be wide.
_ALIKE: Final = str.maketrans(
    "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡɩӏгԍǀ" + "\u1175\u110b" + "i",
    "abcdefghljklmnoprstuvwyzagllrgl" + "lo" + "l",
)
_UNSEEN: Final = re.compile(
    "[\u0300-\u036f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u2800\u3164\ufe00-\ufe0f\ufe20-\ufe2f\uffa0\U000e0100-\U000e01ef]"
)
# Flags of regions are a black flag and tags, which nobody sees: of these alone, three that fonts have.
_TAGS: Final = re.compile("\U0001f3f4?[\U000e0020-\U000e007f]+")
_FLAGS: Final = frozenset(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(tag)) for tag in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)


def clean_text(text: str, letters: int, *, lines: bool = False) -> str:
    """`text` in NFC without control and format letters, runs of spaces joined, at most 3 marks per letter."""
    if _PLAIN.fullmatch(text) and "  " not in text:
        return text.strip()[:letters].strip()
    kept: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(letter)
        if kind in ("Mn", "Me"):
            marks += 1
            if marks > MARKS_PER_LETTER or not kept:
                continue
        else:
            marks = 0
        if letter == "\n" and lines:
            kept.append(letter)
        elif kind[0] == "Z" or letter in "\t\r\n":
            kept.append(" ")
        elif kind[0] != "C" or letter == "\u200d" or "\U000e0020" <= letter <= "\U000e007f":
            kept.append(letter)
    joined = "\n".join(" ".join(line.split(" ")).strip() for line in "".join(kept).split("\n"))
    joined = _TAGS.sub(_flag, joined)
    return _collapse(joined).strip()[:letters].strip()


def _flag(found: "re.Match[str]") -> str:
    if found[0] in _FLAGS:
        return found[0]
    return "\U0001f3f4" if found[0][0] == "\U0001f3f4" else ""


def _collapse(text: str) -> str:
    while "  " in text:
        text = text.replace("  ", " ")
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def skeleton(name: str) -> str:
    """What a name looks like: two names with one skeleton cannot be told apart."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(letter for letter in folded if _counts(letter)).translate(_CONFUSABLE)
    return unicodedata.normalize("NFKC", plain)


def _counts(letter: str) -> bool:
    return unicodedata.category(letter)[0] not in "CZ" and not "\u0300" <= letter <= "\u036f"


@lru_cache(maxsize=16_384)
def looks(name: str) -> str:
    """What a name is taken for at a glance, wider than its skeleton: `AIice` and `Alice`, `rnina` and `mina`,
    small capitals, marks and letters that nobody sees. Empty where nothing is to be seen."""
    folded = skeleton(_UNSEEN.sub("", unicodedata.normalize("NFC", name))).translate(_ALIKE)
    return _UNSEEN.sub("", folded).replace("rn", "m").replace("vv", "w")

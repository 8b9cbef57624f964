"""Texts that people write: cleaned, bounded, and compared by what they look like (A5, A13)."""

import re
import unicodedata
from typing import Final

MARKS_PER_LETTER: Final = 3
# What needs no cleaning: printable ASCII, Hangul syllables and letters (NFC leaves them as they are).
_PLAIN: Final = re.compile("[\x20-\x7e\uac00-\ud7a3\u3131-\u3163]*")
# Letters that pass for a Latin one in most fonts (Unicode TR39, the part that names are forged with).
_CONFUSABLE: Final = str.maketrans(
    "аеорсухѕіјһԁԛԝкмтвнոսցօ" + "αορυνικχτ" + "01|ıłøđ",
    "aeopcyxsijhdqwkmtbhnugo" + "aopuvikxt" + "ollilod",
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
        elif kind[0] != "C" or letter == "\u200d":
            kept.append(letter)
    joined = "\n".join(" ".join(line.split(" ")).strip() for line in "".join(kept).split("\n"))
    return _collapse(joined).strip()[:letters].strip()


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

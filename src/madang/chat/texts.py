"""Texts of messages, looked at: how long they are to the eye, links, emoji, mentions. Pure."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from madang.base.limits import CHAT_MESSAGE_BYTES
from madang.base.texts import clean_text

_ZWJ: Final = "\u200d"
# Something with a dot and a known kind of ending, or with a scheme: what pages make a link of.
_ENDINGS: Final = (
    "com|net|org|info|biz|mobi|name|pro|app|dev|xyz|link|live|shop|site|store|online|club|top|vip|zip|fun|icu|blog|news|"
    "page|video|chat|game|games|bet|casino|click|win|loan|sex|porn|xxx|cam|space|tech|world|today|asia|"
    "io|kr|tv|gg|me|ly|co|to|cc|ai|be|im|fm|sh|la|gl|gd|ws|pw|su|ru|cn|jp|tw|hk|us|uk|de|fr|nl|ca|eu|au|br|es|pl|se|ch"
)
_LINK: Final = re.compile(
    r"(?:https?|ftp)://\S|www\.[\w-]|"
    r"(?<![\w@.])(?:[\w-]{1,63}\.){1,4}"
    rf"(?:(?:{_ENDINGS})(?![a-z0-9_-])(?!\.[a-z0-9])|[a-z]{{2,24}}/[a-z0-9])|"
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{2,5}|/\S)|"
    # What somebody writes who knows that links are off: `naver . com`, `naver[.]com`, `naver(dot)com`.
    r"[a-z0-9-]{2,63}(?:\s+\.\s*|\s*[\[({]\s*(?:\.|dot|점|쩜)\s*[\])}]\s*)(?:co\s?\.\s?)?"
    r"(?:com|net|org|kr|tv|gg|io|xyz|co|cc|info|ly)(?![a-z0-9_-])|"
    r"[a-z0-9-]{2,63}\.\s+com(?![a-z0-9_-])",
    re.IGNORECASE,
)
_DOT: Final = re.compile("[.．。｡․﹒]|://|dot|[점쩜]", re.IGNORECASE)
_DOTS: Final = {ord("。"): ".", ord(_ZWJ): None, 0xFE0E: None, 0xFE0F: None}
# Letters of which each is one to the eye: ASCII, Hangul syllables and letters, CJK.
_SINGLE: Final = re.compile("[\x20-\x7e\uac00-\ud7a3\u3131-\u3163\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]*")
_NOISE: Final = re.compile(r"[\s.,!?~^]+")
_RUN: Final = re.compile(r"(.)\1{2,}", re.DOTALL)
_KEYCAP: Final = re.compile("[0-9#*]\ufe0f?\u20e3")
_MENTION: Final = re.compile(r"@([^\s@]{1,40})")


def clean_message(text: str) -> str:
    """One line of text without what breaks a page; empty when nothing visible is left."""
    cleaned = clean_text(text, CHAT_MESSAGE_BYTES)
    for letter in cleaned:  # nearly always the first
        if _is_visible(letter):
            return cleaned
    return ""


def _is_visible(letter: str) -> bool:
    return letter not in " \u200d\u3164\uffa0\u115f\u1160\u2800" and not "\ufe00" <= letter <= "\ufe0f"


def graphemes(text: str) -> int:
    """Letters as people count them: UAX 29's rules for what chat has: marks, jamo, flags, emoji sequences."""
    if _SINGLE.fullmatch(text):
        return len(text)
    count, before, flags, joined = 0, "", 0, False
    for letter in text:
        flag = "\U0001f1e6" <= letter <= "\U0001f1ff"
        flags = flags + 1 if flag else 0
        extends = joined or _extends(letter) or (flag and flags % 2 == 0) or _same_syllable(before, letter)
        if not extends or not before:
            count += 1
        joined = letter == _ZWJ
        before = letter
    return count


def _extends(letter: str) -> bool:
    if letter < "\u0300":
        return False
    return (
        letter == _ZWJ
        or "\U0001f3fb" <= letter <= "\U0001f3ff"
        or "\U000e0020" <= letter <= "\U000e007f"
        or unicodedata.category(letter) in ("Mn", "Me", "Mc")
    )


def _same_syllable(before: str, letter: str) -> bool:
    """Hangul of conjoining jamo: a leading consonant takes a vowel, a vowel a final consonant."""
    if "\u1160" <= letter <= "\u11a7":
        return "\u1100" <= before <= "\u11a7"
    if "\u11a8" <= letter <= "\u11ff":
        return "\u1160" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return False


def has_link(text: str) -> bool:
    """Whether a reader would take a part of the text for an address."""
    if _DOT.search(text) is None:
        return False
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_DOTS)
    return _LINK.search(plain) is not None


def is_emoji(text: str) -> bool:
    """Whether there is nothing but emoji and spaces."""
    found = False
    if "\u20e3" in text:
        text, keys = _KEYCAP.subn("", text)
        found = keys > 0
    for letter in text:
        if letter == " " or letter in (_ZWJ, "\ufe0e", "\ufe0f") or "\U000e0020" <= letter <= "\U000e007f":
            continue
        if not _is_pictograph(letter):
            return False
        found = True
    return found


def _is_pictograph(letter: str) -> bool:
    return (
        "\U0001f000" <= letter <= "\U0001faff"
        or "\u2600" <= letter <= "\u27bf"
        or "\u2b00" <= letter <= "\u2bff"
        or letter in "\u00a9\u00ae\u203c\u2049\u2122\u2139\u24c2\u2934\u2935\u3030\u303d\u3297\u3299"
        or "\u2190" <= letter <= "\u21ff"
        or "\u2300" <= letter <= "\u23ff"
        or "\u25a0" <= letter <= "\u25ff"
    )


def mentioned(text: str) -> list[str]:
    """Names behind an @, as they were written, at most ten."""
    return _MENTION.findall(text)[:10] if "@" in text else []


@lru_cache(maxsize=256)  # of who speaks often, each text is asked for several times
def likeness(text: str) -> str:
    """What two texts have in common that say the same: letters without case, spaces and repeats."""
    return _RUN.sub(r"\1\1", _NOISE.sub("", text.casefold())) or text

"""Where a written word begins and ends, in scripts with spaces and in Korean with its endings."""

import re
import sys
from typing import Final

_LOOSE: Final = re.compile("[ㄱ-ㅎㅏ-ㅣ]")
TELLING: Final = re.compile("[ㄱ-ㅊㅌㅍㅏ-ㅛㅡ-ㅣ]")
"""All of them but laughter and tears, which stand in every other message."""
_SYLLABLE: Final = re.compile("[가-힣]")
_FORERUNNERS: Final = (
    "아", "와", "야", "이", "그", "저", "개", "존나", "진짜", "에이", "어휴", "하", "오", "헐", "뭐",
    "왜", "니", "너", "나", "미친", "병신", "이런", "저런", "그런", "에라이", "아이", "어이", "으", "악",
    "흐", "후", "참", "거", "또", "다", "좀", "걍", "그냥", "완전", "개같은", "졸라", "ㄹㅇ", "레알",
    "이새끼", "아오", "와우", "우와", "아니", "됐고", "네",
)  # fmt: skip
"""What people write before a curse without a space."""
_ENDINGS: Final = (
    "아", "야", "이", "놈", "년", "새", "련", "것", "거", "같", "럼", "롬", "들", "은", "는", "가", "을",
    "를", "도", "만", "요", "뭐", "왜", "진짜", "네", "냐", "의", "에", "와", "과", "랑", "로", "으로",
    "님", "다", "임", "인", "이다", "이네", "입니다", "이야", "이냐", "한테", "까지", "부터", "처럼",
    "보다", "하", "해", "했", "할", "함", "라", "란", "라고", "ㅋ", "ㅎ", "ㅠ", "ㅜ", "개", "존", "좀",
    "쫌", "끼", "그", "저",
)  # fmt: skip
"""What may follow a listed word within the same written word: particles, and more of the same."""
_FORERUNNERS_BY_END: Final = {
    end: tuple(word for word in _FORERUNNERS if word.endswith(end))
    for end in {word[-1] for word in _FORERUNNERS}
}
_ENDINGS_BY_BEGINNING: Final = {
    first: tuple(word for word in _ENDINGS if word.startswith(first)) for first in {w[0] for w in _ENDINGS}
}
_AFTER_APART: Final = ("놈", "년", "새끼", "아", "럼", "롬", "것", "련", "들아", "야")


def begins(text: str, place: int) -> bool:
    """Whether a written word begins at `place`; laughter and other loose letters before it do not count."""
    if place == 0:
        return True
    before = text[place - 1]
    return not before.isalnum() or _LOOSE.match(before) is not None


def begins_loosely(text: str, place: int) -> bool:
    """The same, or one of the usual forerunners stands before."""
    if begins(text, place):
        return True
    return any(
        text.endswith(word, 0, place) and begins(text, place - len(word))
        for word in _FORERUNNERS_BY_END.get(text[place - 1], ())
    )


def ends(text: str, place: int) -> bool:
    """Whether a written word ends at `place`."""
    if place >= len(text):
        return True
    after = text[place]
    return not after.isalnum() or _LOOSE.match(after) is not None


def ends_loosely(text: str, place: int) -> bool:
    """The same, or a Korean ending follows."""
    return ends(text, place) or text.startswith(_ENDINGS_BY_BEGINNING.get(text[place], ()), place)


def ends_apart(text: str, place: int) -> bool:
    """Whether a word that was written apart ends at `place`: little may follow without a space."""
    return ends(text, place) or text.startswith(_AFTER_APART, place)


def ends_latin(text: str, place: int) -> bool:
    """Whether no letter or digit of a Latin word follows; Hangul does not go on with one."""
    return place >= len(text) or not text[place].isalnum() or _hangul(text[place])


def begins_latin(text: str, place: int) -> bool:
    """Whether no letter or digit of a Latin word stands before."""
    return place == 0 or not text[place - 1].isalnum() or _hangul(text[place - 1])


def spread(text: str) -> bool:
    """Whether `text` is written apart on purpose: nowhere more than one syllable, or two loose letters."""
    return all(
        len(_SYLLABLE.findall(piece)) <= 1 and len(_LOOSE.findall(piece)) <= 2 for piece in text.split()
    )


def broken(text: str) -> bool:
    """Whether a word of three syllables or more is broken into pieces of at most two."""
    pieces = [len(_SYLLABLE.findall(piece)) for piece in text.split()]
    return sum(pieces) >= 3 and max(pieces) <= 2


def has_loose(text: str, start: int = 0, end: int = sys.maxsize) -> bool:
    """Whether `text` holds there a loose letter that is neither laughter nor tears."""
    return TELLING.search(text, start, end) is not None


def _hangul(letter: str) -> bool:
    return "가" <= letter <= "힣" or "ㄱ" <= letter <= "ㅣ"

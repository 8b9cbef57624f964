"""Listed words made ready to be searched: one automaton per alphabet, shared by every room that uses them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

from madang.chat.filter.automaton import Automaton, Words
from madang.chat.filter.edges import has_loose
from madang.chat.filter.innocent import Innocents
from madang.chat.filter.keys import HANGUL, filler, spelled
from madang.chat.filter.latin import BREAK, VEIL, join_veils, spelled_latin, undouble
from madang.chat.filter.lexicon import Entry, expand, read
from madang.chat.filter.rules import WordList

_LISTS = (
    ("ko", "ko"),
    ("ko-slurs", "slurs"),
    ("ko-sexual", "sexual"),
    ("romanised", "ko"),
    ("en", "en"),
    ("en-slurs", "slurs"),
    ("en-sexual", "sexual"),
)
_VEILED = (("en-veiled", "en"), ("en-veiled-slurs", "slurs"))
_SQUEEZABLE = 4
"""Latin words shorter than this keep their doubled letters: `ass` is no `as`."""
_NEVER_UNDOUBLED = frozenset(
    {"niger", "nigers", "con", "bob", "bobs", "tit", "god", "ho", "cok", "piss", "pis", "bobies"}
)
_SPLITTABLE = frozenset({"fuck", "bitch", "cunt", "nigger", "faggot", "asshole", "killyourself", "pussy"})
_TYPED_KEYS = 5
"""Shorter words typed on the English keyboard are too often something in English."""


class Listed:
    """The words of some lists, by the alphabet that finds them."""

    def __init__(self, entries: Iterable[Entry], veiled: Iterable[Entry] = ()) -> None:
        keys: dict[str, list[Entry]] = {}
        loose: dict[str, list[Entry]] = {}
        latin: dict[str, list[Entry]] = {}
        single: dict[str, list[Entry]] = {}
        plain: dict[str, list[Entry]] = {}
        for entry in dict.fromkeys(entries):
            alphabet, word = _spell(entry.spelling)
            if alphabet == "keys" and has_loose(entry.spelling):
                loose.setdefault(word, []).append(entry)
                continue
            {"keys": keys, "latin": latin, "plain": plain}[alphabet].setdefault(word, []).append(entry)
            if alphabet == "keys" and len(word) >= _TYPED_KEYS:
                latin.setdefault(spelled_latin(word.lower()), []).append(replace(entry, mode="typed"))
            if alphabet == "latin" and _may_be_split(entry):
                for spelling in _with_a_space(word):
                    latin.setdefault(spelling, []).append(replace(entry, mode="apart"))
            short = undouble(word)
            if alphabet == "latin" and len(short) >= _SQUEEZABLE and short not in _NEVER_UNDOUBLED:
                single.setdefault(short, []).append(replace(entry, spelling=short))
        self.keys = Automaton(keys, filler)
        self.loose = Automaton(loose, filler)
        """Spellings with loose letters in them, which count only where loose letters were written."""
        self.latin = Automaton(latin)
        """Also Hangul typed with the keyboard left on English, and strong words with a space in them."""
        self.single = Automaton(single)
        self.plain = Words(plain)
        self.veiled = Automaton(_veiled(veiled))


def _spell(spelling: str) -> tuple[str, str]:
    """(alphabet, word as it stands there)."""
    if HANGUL.search(spelling):
        return (
            ("keys", spelled(spelling)) if not any(map(_foreign, spelling)) else ("plain", spelling.lower())
        )
    letters = spelled_latin(spelling)
    if letters and BREAK not in letters and VEIL not in letters and any(map(str.isalpha, spelling)):
        return "latin", letters
    return "plain", spelling.lower()


def _may_be_split(entry: Entry) -> bool:
    return entry.mode == "split" or (entry.term in _SPLITTABLE and entry.mode == "any")


def _with_a_space(word: str) -> list[str]:
    """`fu ck`: in every place; a word that has spaces of its own is not parted."""
    return [] if " " in word else [f"{word[:place]} {word[place:]}" for place in range(1, len(word))]


def _foreign(letter: str) -> bool:
    return not HANGUL.match(letter)


def _veiled(entries: Iterable[Entry]) -> Mapping[str, list[Entry]]:
    words: dict[str, list[Entry]] = {}
    for entry in entries:
        words.setdefault(join_veils(spelled_latin(entry.spelling)), []).append(entry)
    return words


@lru_cache(maxsize=1)
def built_in() -> Listed:
    """All lists that come with the server; a room switches them on and off by their names."""
    return Listed(
        (entry for name, source in _LISTS for entry in read(source, _text(name))),
        (entry for name, source in _VEILED for entry in read(source, _text(name))),
    )


@lru_cache(maxsize=1)
def innocent() -> Innocents:
    """The innocent words that come with the server."""
    words = _text("innocent").split()
    return Innocents(word.replace("_", " ") for pattern in words for word in expand(pattern))


def _text(name: str) -> str:
    lines = files(__package__).joinpath("lists", f"{name}.txt").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def own(lists: Iterable[WordList]) -> Listed:
    """The words of a room's own lists. Stars at their ends say where they may stand in a written word."""
    return Listed(_entry(word, words.name) for words in lists for word in words.words if word.strip("* "))


def _entry(word: str, source: str) -> Entry:
    inner = word.strip("*")
    mode = {(False, False): "word", (False, True): "start", (True, False): "end", (True, True): "any"}[
        word.startswith("*"), word.endswith("*")
    ]
    return Entry(inner, word, source, mode)

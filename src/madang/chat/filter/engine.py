"""One text against all that a room forbids: views that may hold something are read, hits are judged by
where they stand, innocent words take theirs back, the hardest action wins.

Nearly every message is cleared by one table look-up per letter and one pass of RE2 per view; places,
edges and innocents are only worked out where that pass found something.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import re2

from madang.base.errors import PeerError
from madang.chat.filter import edges, initials, views
from madang.chat.filter.automaton import Automaton
from madang.chat.filter.keys import HANGUL, HANGUL_KEYS
from madang.chat.filter.latin import (
    DOUBLED,
    LATIN,
    LATIN_LETTER,
    MAY_BE_SPACED,
    SPACED,
    SPACES,
    UNVEILED,
    VEILED,
    VEILS,
    stretched,
)
from madang.chat.filter.lexicon import Entry
from madang.chat.filter.listed import Listed, allowed, built_in, innocent, own
from madang.chat.filter.rules import Rules
from madang.chat.filter.verdict import Action, Hit, Verdict, mask
from madang.chat.filter.views import View

_MIXED = re.compile(r"[가-힣ㄱ-ㅣ][^\s가-힣ㄱ-ㅣ]|[^\s가-힣ㄱ-ㅣ.,!?~][가-힣ㄱ-ㅣ]")
_SOUNDING = re.compile(r"[0-9A-Za-z][가-힣ㄱ-ㅣ]|[가-힣ㄱ-ㅣ][0-9A-Za-z]")
_LINKED = re.compile("[ㄱ-ㅎ][아-잏]")
_PATTERN_MEMORY = 1 << 20
_SPLITTABLE = frozenset({"fuck", "bitch", "cunt", "nigger", "faggot", "asshole", "killyourself", "pussy"})
_LETTER = re.compile(r"[^\W\d_]")

Found = tuple[int, int, Entry]


class Filter:
    """Compiled rules: immutable, and shared by all who use the same."""

    def __init__(self, rules: Rules) -> None:
        self._actions = dict(rules.built_in) | {words.name: words.action for words in rules.lists}
        self._actions |= {pattern.name: pattern.action for pattern in rules.patterns}
        self._timeouts = {words.name: words.timeout_s for words in rules.lists}
        self._timeouts |= {pattern.name: pattern.timeout_s for pattern in rules.patterns}
        self._listed: tuple[Listed, ...] = (built_in(),) if rules.built_in else ()
        if rules.lists:
            self._listed += (own(rules.lists),)
        self._innocent: tuple[Automaton[None], ...] = (innocent(), allowed(rules.allow))
        self._patterns = tuple((pattern, compile_pattern(pattern.expression)) for pattern in rules.patterns)

    def check(self, text: str) -> Verdict:
        """What to do with `text`; time is linear in its length."""
        hits = self._judged(_without_surrogates(text))
        if not hits:
            return Verdict(text=text)
        hardest = max(hits, key=lambda hit: hit.action.rank).action
        masked = mask(text, tuple(hit for hit in hits if hit.action is Action.MASK))
        timeout_s = max(self._timeouts.get(hit.source, 0) for hit in hits)
        return Verdict(hardest, masked, hits, timeout_s if hardest is Action.TIMEOUT else 0)

    def _judged(self, text: str) -> tuple[Hit, ...]:
        found = {
            (start, end, entry.term, entry.source)
            for start, end, entry in self._found(text)
            if self._actions.get(entry.source, Action.PASS) is not Action.PASS
        }
        if found:
            plain = _lowered(text)
            spans = [span for words in self._innocent for span in words.find(plain)]
            found = {hit for hit in found if not any(a <= hit[0] and hit[1] <= b for a, b, _ in spans)}
        for pattern, compiled in self._patterns:
            for match in compiled.finditer(text):
                found.add((*match.span(), pattern.name, pattern.name))
        return tuple(
            Hit(start, end, term, source, self._actions[source]) for start, end, term, source in sorted(found)
        )

    def _found(self, text: str) -> Iterator[Found]:
        hangul = HANGUL.search(text) is not None
        latin = LATIN_LETTER.search(text) is not None
        for listed in self._listed:
            if hangul:
                yield from _hangul(text, listed)
            if hangul and _MIXED.search(text):
                yield from _mixed(text, listed)
            if latin:
                yield from _latin(text, listed)
                yield from _typed(text, listed)
            yield from _plain(text, listed)
        if hangul and initials.CONSONANTS.search(text):
            for start, end, word in initials.find(text):
                yield start, end, Entry(word, word, "ko", "any")


def _without_surrogates(text: str) -> str:
    """Lone surrogates, which no encoding can hold, as question marks."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


# --- Hangul


def _hangul(text: str, listed: Listed) -> Iterator[Found]:
    yield from _korean(text, views.keyed(text, HANGUL_KEYS), listed)


def _korean(text: str, view: View, listed: Listed) -> Iterator[Found]:
    found = listed.keys.find(view.letters)
    if edges.has_loose(text):
        found += listed.loose.find(view.letters)
    for first, last, entry in found:
        if not view.begins_at_letter(first) or not view.ends_at_letter(last):
            continue
        start, end = view.start(first), view.end(last)
        if _stands(text, start, end, entry):
            yield start, end, entry


def _stands(text: str, start: int, end: int, entry: Entry) -> bool:
    """Whether a word of `entry` may be meant where it was found."""
    piece = text[start:end]
    if edges.has_loose(entry.spelling) and not edges.has_loose(piece):
        return False
    if any(letter.isspace() for letter in piece):
        return _apart(text, start, end, entry)
    if entry.mode in ("any", "end"):
        return entry.mode == "any" or edges.ends_loosely(text, end)
    begun = edges.begins_loosely(text, start)
    return begun and (entry.mode != "word" or edges.ends_loosely(text, end))


def _apart(text: str, start: int, end: int, entry: Entry) -> bool:
    """Whether a word with spaces in it was written apart on purpose, and not found across two others."""
    piece = text[start:end]
    if not edges.begins(text, start) or not edges.ends_apart(text, end):
        return False
    return edges.spread(piece) or (entry.mode in ("any", "split") and edges.broken(piece))


def _mixed(text: str, listed: Listed) -> Iterator[Found]:
    """Hangul with other signs in it: by shape, by sound, typed in part, and with a silent ㅇ."""
    found: list[Found] = []
    for folds in (views.SHAPES, views.TYPED):
        found += _korean(text, views.keyed(text, folds), listed)
    if _SOUNDING.search(text):
        found += _korean(text, views.sounded(text), listed)
    if _LINKED.search(text):
        found += _korean(text, views.linked(text), listed)
    for start, end, entry in found:
        piece = text[start:end]
        if not any(letter.isspace() for letter in piece):
            yield start, end, entry


def _typed(text: str, listed: Listed) -> Iterator[Found]:
    """Hangul typed with the keyboard left on English."""
    for folds in (views.TYPED, views.LAX) if text != text.lower() else (views.LAX,):
        view = views.keyed(text, folds)
        for first, last, entry in listed.typed.find(view.letters):
            start, end = view.start(first), view.end(last)
            piece = text[start:end]
            if edges.begins(text, start) and not any(map(str.isspace, piece)) and _LETTER.search(piece):
                yield start, end, entry


# --- Latin


def _latin(text: str, listed: Listed) -> Iterator[Found]:
    view = views.read(text, LATIN)
    yield from _western(text, view, listed.latin)
    if stretched(view.letters):
        yield from _western(text, views.read(text, LATIN).dropped(DOUBLED), listed.single)
    if MAY_BE_SPACED.search(text):
        yield from _spaced(text, listed)
    if " " in view.letters:
        yield from _across(text, view.dropped(SPACES), listed)
    if VEILED.search(text):
        yield from _behind_veils(text, listed)


def _western(text: str, view: View, words: "Automaton[Entry]") -> Iterator[Found]:
    for first, last, entry in words.find(view.letters):
        start, end = view.start(first), view.end(last)
        if _LETTER.search(text, start, end) and _stands_latin(text, start, end, entry):
            yield start, end, entry


def _stands_latin(text: str, start: int, end: int, entry: Entry) -> bool:
    if entry.mode in ("start", "word") and not edges.begins_latin(text, start):
        return False
    return entry.mode not in ("word", "end") or edges.ends_latin(text, end)


def _spaced(text: str, listed: Listed) -> Iterator[Found]:
    """`f u c k`: what single letters make together."""
    for run in SPACED.finditer(text):
        view = views.read(run[0], LATIN).dropped(SPACES)
        for first, last, entry in listed.latin.find(view.letters):
            start, end = run.start() + view.start(first), run.start() + view.end(last)
            whole = first == 0 and last == len(view.letters)
            if whole or entry.mode == "any" or (entry.mode == "start" and last - first > 4):
                yield start, end, entry


def _across(text: str, view: View, listed: Listed) -> Iterator[Found]:
    """`fu ck`: a strong word over one space, from the beginning of a written word to the end of another."""
    for first, last, entry in listed.latin.find(view.letters):
        start, end = view.start(first), view.end(last)
        split = entry.mode == "split" or entry.term in _SPLITTABLE and entry.mode == "any"
        if (
            split
            and text[start:end].count(" ") == 1
            and edges.begins_latin(text, start)
            and edges.ends_latin(text, end)
        ):
            yield start, end, entry


def _behind_veils(text: str, listed: Listed) -> Iterator[Found]:
    """`f*ck`, `sh-t`: letters left to the reader."""
    for folds, bare in ((LATIN, True), (UNVEILED, False)):
        view = views.read(text, folds).dropped(VEILS)
        for first, last, entry in listed.veiled.find(view.letters):
            start, end = view.start(first), view.end(last)
            long_enough = last - first > 3 or (bare and end - start > 3)
            whole = edges.begins_latin(text, start) and edges.ends_latin(text, end)
            if whole and long_enough and (bare or entry.spelling[-1] != "*" != entry.spelling[0]):
                yield start, end, entry


def _plain(text: str, listed: Listed) -> Iterator[Found]:
    """Words of other signs, as they are written."""
    if not listed.plain.empty:
        for start, end, entry in listed.plain.find(_lowered(text)):
            if _stands_latin(text, start, end, entry):
                yield start, end, entry


def _lowered(text: str) -> str:
    """In lower case, letter for letter."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def compile_pattern(expression: str) -> "re2._Regexp[str]":
    """A user's expression, compiled in bounded memory; PeerError `pattern` says what is wrong with it."""
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY
    options.log_errors = False
    options.case_sensitive = False
    try:
        compiled = re2.compile(expression, options)
    except re2.error as error:
        told = error.args[0] if error.args else "unreadable"
        told = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise PeerError("pattern", f"pattern: {told}") from None
    if compiled.match("") is not None:
        raise PeerError("pattern", "pattern matches the empty text")
    return compiled


@lru_cache(maxsize=1024)
def compile_rules(rules: Rules) -> Filter:
    """The filter of these rules; made once, however many rooms have them."""
    return Filter(rules)

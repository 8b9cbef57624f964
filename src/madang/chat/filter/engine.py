"""One text against all that a room forbids: views that may hold something are read, hits are judged by
where they stand, innocent words take theirs back, the hardest action wins.

Nearly every message is cleared by one table look-up per letter and one pass of RE2 per view; places,
edges and innocents are only worked out where that pass found something, and what only some words can hold
(signs for letters, veils) is looked for in those words alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import re2

from madang.base.errors import PeerError
from madang.base.limits import FILTER_HITS
from madang.chat.filter import edges, initials, views
from madang.chat.filter.automaton import Automaton
from madang.chat.filter.innocent import Innocents
from madang.chat.filter.keys import HANGUL
from madang.chat.filter.latin import (
    LATIN,
    LATIN_LETTER,
    SPACED,
    UNVEILED,
    VEILED,
    is_stretched_or_spaced,
    undouble,
)
from madang.chat.filter.lexicon import Entry
from madang.chat.filter.listed import Listed, built_in, innocent, own
from madang.chat.filter.marks import unmarked
from madang.chat.filter.rules import Rules
from madang.chat.filter.verdict import Action, Hit, Verdict, mask
from madang.chat.filter.views import View

_PATTERN_MEMORY = 1 << 20
_NEAR = 14
_LETTER = re.compile(r"[^\W\d_]")

Found = tuple[int, int, Entry]
Stands = Callable[[str, int, int, str], bool]
"""Whether a word may be meant at (text, start, end), by its mode."""


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
        self._innocent = (innocent(), Innocents(rules.allow)) if rules.allow else (innocent(),)
        self._patterns = tuple((pattern, compile_pattern(pattern.expression)) for pattern in rules.patterns)

    def check(self, text: str) -> Verdict:
        """What to do with `text`; time is linear in its length."""
        hits = self._judged(_without_surrogates(text))
        if not hits:
            return Verdict(text=text)
        hardest = max({hit.action for hit in hits}, key=lambda action: action.rank)
        masked = mask(text, tuple(hit for hit in hits if hit.action is Action.MASK))
        timeout_s = 0
        if hardest is Action.TIMEOUT:
            timeout_s = max(self._timeouts.get(hit.source, 0) for hit in hits)
        return Verdict(hardest, masked, hits, timeout_s)

    def _judged(self, text: str) -> tuple[Hit, ...]:
        found = self._forbidden(text)
        if found:
            plain = _lowered(text)
            innocent = {span for span in {hit[:2] for hit in found} if self._is_innocent(plain, *span)}
            found = {hit for hit in found if hit[:2] not in innocent}
        for pattern, compiled in self._patterns:
            for match in compiled.finditer(text):
                found.add((*match.span(), pattern.name, pattern.name))
        return tuple(
            Hit(start, end, term, source, self._actions[source]) for start, end, term, source in sorted(found)
        )

    def _forbidden(self, text: str) -> set[tuple[int, int, str, str]]:
        """(start, end, term, source) of each place; one over all of the text where there are too many."""
        found: set[tuple[int, int, str, str]] = set()
        places = 0
        for start, end, entry in self._found(text):
            if self._actions.get(entry.source, Action.PASS) is not Action.PASS:
                found.add((start, end, entry.term, entry.source))
                places += 1
                if places >= FILTER_HITS:
                    return {(0, len(text), entry.term, source) for _, _, _, source in found}
        return found

    def _is_innocent(self, plain: str, start: int, end: int) -> bool:
        return any(words.cover(plain, start, end) for words in self._innocent)

    def _found(self, text: str) -> Iterator[Found]:
        if HANGUL.search(text):
            loose = edges.has_loose(text)
            if loose and initials.CONSONANTS.search(text):
                for start, end, word in initials.find(text):
                    yield start, end, Entry(word, word, "ko", "any")
            yield from _korean(text, views.hangul(text), self._listed, loose)
        view = views.latin(text) if LATIN_LETTER.search(text) else None
        for listed in self._listed:
            if view is not None:
                yield from _latin(text, view, listed)
            yield from _plain(text, listed)


def _without_surrogates(text: str) -> str:
    """Lone surrogates, which no encoding can hold, as question marks."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


# --- Hangul


def _korean(text: str, view: View, lists: Iterable[Listed], loose: bool) -> Iterator[Found]:
    """`loose` says that there are loose letters in the text, and words that are made of them may be."""
    for start, end, entries in _typed(view, [listed.keys for listed in lists]):
        yield from _standing(_stands, text, start, end, entries)
    if not loose:
        return

    def near_loose(first: int) -> bool:
        start = view.span(first, first)[0]
        return edges.has_loose(text, start, start + 2 * _NEAR)

    for start, end, entries in _typed(view, [listed.loose for listed in lists], near_loose):
        # A word is no longer than that on either side of its loose letter, whatever is put in between.
        if edges.has_loose(text, max(start, end - _NEAR), min(end, start + _NEAR)):
            yield from _standing(_stands, text, start, end, entries)


def _typed(
    view: View, lists: Iterable["Automaton[Entry]"], may_begin: Callable[[int], bool] | None = None
) -> Iterator[tuple[int, int, tuple[Entry, ...]]]:
    """Words in keys with nothing behind them in their last code point, by their places in the text."""
    raw = view.letters.encode()
    near = [(words, at) for words in lists if (at := words.first(raw)) >= 0]
    if near and view.squeeze():
        raw = view.letters.encode()
        near = [(words, words.first(raw)) for words, _ in near]
    for words, at in near:
        for first, last, entries in words.find(view.letters, at, may_begin):
            if view.is_whole(last):
                yield *view.span(first, last), entries


def _standing(stands: Stands, text: str, start: int, end: int, entries: Iterable[Entry]) -> Iterator[Found]:
    """Those of a word's entries that may be meant where it was found: each mode is looked at once."""
    modes: dict[str, bool] = {}
    for entry in entries:
        if entry.mode not in modes:
            modes[entry.mode] = stands(text, start, end, entry.mode)
        if modes[entry.mode]:
            yield start, end, entry


def _stands(text: str, start: int, end: int, mode: str) -> bool:
    """Whether a Korean word may be meant where it was found."""
    piece = text[start:end]
    if not piece.isalnum() and len(piece.split()) > 1:
        return _apart(text, start, end, mode)
    if mode in ("any", "end"):
        return mode == "any" or edges.ends_loosely(text, end)
    begun = edges.begins_loosely(text, start)
    return begun and (mode != "word" or edges.ends_loosely(text, end))


def _apart(text: str, start: int, end: int, mode: str) -> bool:
    """Whether a word with spaces in it was written apart on purpose, and not found across two others."""
    piece = text[start:end]
    if not edges.begins(text, start) or not edges.ends_apart(text, end):
        return False
    return edges.spread(piece) or (mode in ("any", "split") and edges.broken(piece))


# --- Latin


def _latin(text: str, view: View, listed: Listed) -> Iterator[Found]:
    yield from _western(text, view, listed.latin)
    if is_stretched_or_spaced(view.letters):
        yield from _western(text, view.changed(undouble(view.letters)), listed.single)
        yield from _spaced(text, listed)
    if VEILED.search(text):
        yield from _behind_veils(text, listed)


def _western(text: str, view: View, words: "Automaton[Entry]") -> Iterator[Found]:
    for first, last, entries in words.find(view.letters):
        start, end = view.span(first, last)
        if _LETTER.search(text, start, end):
            yield from _standing(_stands_latin, text, start, end, entries)


def _stands_latin(text: str, start: int, end: int, mode: str) -> bool:
    if mode == "typed":
        return edges.begins(text, start)
    if mode in ("start", "word", "apart") and not edges.begins_latin(text, start):
        return False
    return mode not in ("word", "end", "apart") or edges.ends_latin(text, end)


def _spaced(text: str, listed: Listed) -> Iterator[Found]:
    """`f u c k`: what single letters make together."""
    for run in SPACED.finditer(text):
        view = View(LATIN.read(run[0]).replace(" ", ""), (run.start(),))
        letters = len(unmarked(view.letters))
        for first, last, entries in listed.latin.find(view.letters):
            start, end = view.span(first, last)
            long = len(unmarked(view.letters[first:last]))
            for entry in entries:
                if long == letters or entry.mode == "any" or (entry.mode == "start" and long > 4):
                    yield start, end, entry


def _behind_veils(text: str, listed: Listed) -> Iterator[Found]:
    """`f*ck`, `sh-t`: letters left to the reader."""
    for folds, bare in ((LATIN, True), (UNVEILED, False)):
        view = views.veiled(text, folds)
        for first, last, entries in listed.veiled.find(view.letters):
            start, end = view.span(first, last)
            long_enough = len(unmarked(view.letters[first:last])) > 3 or (bare and end - start > 3)
            whole = edges.begins_latin(text, start) and edges.ends_latin(text, end)
            for entry in entries if whole and long_enough else ():
                if bare or entry.spelling[-1] != "*" != entry.spelling[0]:
                    yield start, end, entry


def _plain(text: str, listed: Listed) -> Iterator[Found]:
    """Words of other signs, as they are written."""
    if listed.plain:
        for start, end, entries in listed.plain.find(_lowered(text)):
            yield from _standing(_stands_latin, text, start, end, entries)


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

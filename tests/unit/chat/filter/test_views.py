"""Views count places instead of keeping them, and what says that nothing is near is never wrong."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.chat.filter import views
from madang.chat.filter.automaton import Automaton, Words
from madang.chat.filter.innocent import Innocents
from madang.chat.filter.keys import HANGUL_KEYS, filler, spelled, squeeze
from madang.chat.filter.latin import (
    LATIN,
    VEILED,
    is_rare,
    join_veils,
    letters_of,
    marked,
    undouble,
)
from madang.chat.filter.listed import built_in
from madang.chat.filter.marks import unmarked

NEAR = st.text(alphabet="시이발병벼엉신미친놈개애새끼조오ㅈㅗㅅㅂㅣㅏㄹㅋㅋ씨바알지라랄 .1", max_size=24)


def test_every_code_point_has_its_mark() -> None:
    assert HANGUL_KEYS.read("시.발 a") == ",tl,,qkf,,"
    assert LATIN.read("f.Ü㉠k") == ",f,,u,|,k"


def test_places_are_counted() -> None:
    view = views.View(HANGUL_KEYS.read("아 시.발"))
    first = view.letters.index("tl")
    assert view.span(first, len(view.letters)) == (2, 5)


def test_what_several_letters_sound_like_takes_them_all() -> None:
    view = views.hangul("음 시bal아")
    ((first, last, _),) = Automaton({"tlqkf": ["word"]}).find(view.letters)
    assert view.span(first, last) == (2, 6)


def test_a_stretched_vowel_leaves_its_marks() -> None:
    assert squeeze(",tl,dl,dl,qkf") == ",tl,,,qkf"
    assert unmarked(squeeze(HANGUL_KEYS.read("벼엉신"))) == spelled("병신")


def test_runs_leave_their_marks() -> None:
    assert undouble(",f,u,u,u,c,k") == ",f,u,,,c,k"
    assert join_veils(",f,*,*,k") == ",f,*,,k"


def test_words_are_found_as_they_are_written() -> None:
    words = Words({"☠": ["one"], "☠☠☠☠☠": ["five"]})
    assert [hit[:2] for hit in words.find("a☠☠☠☠☠")] == [
        (1, 2),
        (1, 6),
        *((at, at + 1) for at in range(2, 6)),
    ]


def test_innocent_words_cover_what_stands_in_them() -> None:
    words = Innocents(["시발점", "Pass", "b"])
    for text, start, end in (("저 시발점은", 2, 4), ("시발점", 0, 3), ("a pass", 3, 6), ("abc", 1, 2)):
        assert words.cover(text, start, end), text
    for text, start, end in (
        ("저 시발은", 2, 4),
        ("저 시발점은", 1, 4),
        ("시발점은", 0, 4),
        ("ass", 0, 3),
        ("", 0, 0),
    ):
        assert not words.cover(text, start, end), text


WORDS = st.lists(st.text(alphabet="ab시발", min_size=1, max_size=5), max_size=5)


@given(WORDS, st.text(alphabet="ab시발", min_size=1, max_size=10), st.data())
def test_whatever_stands_in_an_innocent_word_is_covered(
    words: list[str], text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    stands = any(
        text.startswith(word, at) and at + len(word) >= end for word in words for at in range(start + 1)
    )
    assert Innocents(words).cover(text, start, end) is stands


def test_a_text_of_nothing_but_words_is_read_to_its_end() -> None:
    automaton = Automaton({"tlqkf": ["word"]})
    assert len(list(automaton.find(",tl,qkf" * 200))) == 200
    assert [hit[:2] for hit in Automaton({"a": ["one"], "ab": ["two"]}).find(",a,b")] == [(1, 2), (1, 4)]
    apart = ",a" + "," * 400 + ";b"
    assert [hit[:2] for hit in Automaton({"ab": ["two"]}).find(apart)] == [(1, len(apart))]


@given(NEAR)
def test_nothing_is_found_where_nothing_is_near(text: str) -> None:
    letters = HANGUL_KEYS.read(text)
    for words in (built_in().keys, built_in().loose):
        assert words.first(letters.encode()) >= 0 or not list(words.find(squeeze(letters)))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_has_a_mark_for_each_code_point(text: str) -> None:
    for folds in (HANGUL_KEYS, LATIN, views.SHAPES, views.TYPED):
        assert folds.read(text).count(",") == len(text)


def test_what_fills_out_a_vowel_ends_in_it() -> None:
    assert "k" in filler("k")
    assert filler("r") == "(?:[,;]*r)*"


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=60) | st.text(max_size=20))
def test_ascii_is_read_faster_and_alike(text: str) -> None:
    assert marked(text) == LATIN.read(text)


def test_what_is_read_at_once_is_read_alike() -> None:
    letters = [chr(point) for point in range(sys.maxunicode) if not 0xD800 <= point <= 0xDFFF]
    usual = [letter for letter in letters if not is_rare(letter)]
    assert len(usual) > 11_172
    assert marked("".join(usual)) == "".join("," + letters_of(letter) for letter in usual)
    assert marked("시f😀?u~가c k") == ",|,f,,,u,,|,c, ,k"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("f*ck off", ["f*ck"]),
        ("so sh-t, no", ["sh-t,"]),
        ("- a-  *b c*", []),
        ("what a b*tch?", ["b*tch?"]),
        ("x**y--z q", ["x**y--z"]),
    ],
)
def test_veiled_words_are_whole_words(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in views.words(text, VEILED)] == words

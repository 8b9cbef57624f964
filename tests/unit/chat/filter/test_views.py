"""Views count places instead of keeping them, and what says that nothing is near is never wrong."""

from hypothesis import given
from hypothesis import strategies as st

from madang.chat.filter import views
from madang.chat.filter.automaton import Automaton, Words
from madang.chat.filter.keys import HANGUL_KEYS, filler, spelled, squeeze
from madang.chat.filter.latin import LATIN, join_veils, marked, undouble
from madang.chat.filter.listed import built_in
from madang.chat.filter.marks import unmarked

NEAR = st.text(alphabet="시이발병벼엉신미친놈개애새끼조오ㅈㅗㅅㅂㅣㅏㄹㅋㅋ씨바알지라랄 .1", max_size=24)


def test_every_code_point_has_its_mark() -> None:
    assert HANGUL_KEYS.read("시.발 a") == ",tl,,qkf,,"
    assert LATIN.read("f.Ü㉠k") == ",f,,u,|,k"


def test_places_are_counted() -> None:
    view = views.read("아 시.발", HANGUL_KEYS)
    first = view.letters.index("tl")
    assert view.span(first, len(view.letters)) == (2, 5)


def test_what_several_letters_sound_like_takes_them_all() -> None:
    view = views.mixed("음 시bal아")
    ((first, last, _),) = Automaton({"tlqkf": ["word"]}).find(view.letters)
    assert view.span(first, last) == (2, 6)


def test_a_stretched_vowel_leaves_its_marks() -> None:
    assert squeeze(",tl,dl,dl,qkf") == ",tl,,,qkf"
    assert unmarked(squeeze(HANGUL_KEYS.read("벼엉신"))) == spelled("병신")


def test_runs_leave_their_marks() -> None:
    assert undouble(",f,u,u,u,c,k") == ",f,u,,,c,k"
    assert join_veils(",f,*,*,k") == ",f,*,,k"


def test_words_cover_what_stands_in_them() -> None:
    words = Words({"시발점": [None]})
    assert words.covers("저 시발점은", 2, 4)
    assert not words.covers("저 시발은", 2, 4)


def test_a_text_of_nothing_but_words_is_read_to_its_end() -> None:
    automaton = Automaton({"tlqkf": ["word"]})
    assert len(list(automaton.find(",tl,qkf" * 200))) == 200
    assert [hit[:2] for hit in Automaton({"a": ["one"], "ab": ["two"]}).find(",a,b")] == [(1, 2), (1, 4)]


@given(NEAR)
def test_nothing_is_found_where_nothing_is_near(text: str) -> None:
    letters = HANGUL_KEYS.read(text)
    for words in (built_in().keys, built_in().loose):
        assert words.is_near(letters) or not list(words.find(squeeze(letters)))


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

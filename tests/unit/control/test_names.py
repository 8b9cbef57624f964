"""A5, A13: names by what they look like, texts without what breaks a page."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.control.errors import Invalid
from madang.control.names import MARKS_PER_LETTER, clean_name, clean_text, skeleton


@pytest.mark.parametrize(
    "forged",
    [
        "Admin",
        "ADMIN",
        "ａｄｍｉｎ",
        "аdmin",  # Cyrillic a
        "adm\u200bin",
        "adm\u00adin",
        " admin ",
        "ad min",
        "àdmïn",
        "аԁmіn",
        "\u202eadmin",
        "𝐚𝐝𝐦𝐢𝐧",
    ],
)
def test_look_alikes_have_one_skeleton(forged: str) -> None:
    assert skeleton(forged) == skeleton("admin")


@pytest.mark.parametrize(
    ("one", "other"), [("admin", "admins"), ("소리마당", "소리마등"), ("a", "b"), ("한", "하")]
)
def test_different_names_have_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize(("letter", "digit"), [("o", "0"), ("l", "1"), ("l", "|")])
def test_letters_and_digits_that_look_alike(letter: str, digit: str) -> None:
    assert skeleton(f"x{letter}") == skeleton(f"x{digit}")


@pytest.mark.parametrize("nothing", ["", "   ", "\u200b", "\u202e\u2066", "\x00", "\u0301", "\t\n"])
def test_a_name_shows_something(nothing: str) -> None:
    with pytest.raises(Invalid):
        clean_name(nothing)


def test_zalgo_is_cut_and_korean_is_not() -> None:
    assert clean_text("z" + "\u0301" * 50, 40).count("\u0301") <= MARKS_PER_LETTER
    assert clean_text("해 질 녘 마당 콘서트", 40) == "해 질 녘 마당 콘서트"
    assert clean_text(unicodedata.normalize("NFD", "가야금"), 40) == "가야금"
    assert clean_text("👨‍👩‍👧 family", 40) == "👨‍👩‍👧 family"


def test_lines_stay_where_lines_are_meant() -> None:
    assert clean_text("a\r\n\n\n\nb\n", 40, lines=True) == "a\n\nb"
    assert clean_text("a\nb", 40) == "a b"


@given(st.text(max_size=200), st.integers(1, 80))
def test_cleaned_text_is_short_stable_and_without_control_letters(text: str, letters: int) -> None:
    cleaned = clean_text(text, letters)
    assert len(cleaned) <= letters
    assert clean_text(cleaned, letters) == cleaned
    assert not [
        c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs", "Co") or c in "\u202e\u2066\u200b"
    ]
    cleaned.encode()


@given(st.text(max_size=60))
def test_a_skeleton_is_its_own_skeleton(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)

"""Texts, looked at: letters of the eye, links, emoji, likeness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.chat import texts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abc", 3),
        ("한국어", 3),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", 2),
        ("e\u0301", 1),
        ("👍🏽", 1),
        ("👨‍👩‍👧‍👦", 1),
        ("🇰🇷🇯🇵", 2),
        ("❤️", 1),
        ("1️⃣", 1),
        ("ㅋㅋㅋ", 3),
    ],
)
def test_letters_of_the_eye(text: str, count: int) -> None:
    assert texts.graphemes(text) == count


@given(st.text(max_size=80))
def test_never_more_than_code_points(text: str) -> None:
    assert 0 <= texts.graphemes(text) <= len(text)
    texts.has_link(text), texts.is_emoji(text), texts.mentioned(text), texts.likeness(text)


@given(st.text(max_size=80))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = texts.clean_message(text)
    assert texts.clean_message(once) == once
    assert "\n" not in once and "\u202e" not in once and "\x00" not in once


@pytest.mark.parametrize(
    "text",
    [
        "https://x.y",
        "see example.com",
        "www.x",
        "bit.ly/abc",
        "a naver.com!",
        "HTTP://X.Y",
        "t.me/x",
        "evil.co.kr/a",
    ],
)
def test_links(text: str) -> None:
    assert texts.has_link(text)


@pytest.mark.parametrize(
    "text", ["no link.", "3.14", "hello...world", "ㅋㅋ.ㅋㅋ", "v1.2.3", "e.g. this", "me@home"]
)
def test_no_links(text: str) -> None:
    assert not texts.has_link(text)


def test_links_are_looked_for_in_linear_time() -> None:
    import time

    for text in ("a" * 4096, "a." * 2048, "www" * 1300, "@" * 4096, ".com" * 1000):
        began = time.process_time()
        texts.has_link(text)
        texts.likeness(text)
        assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("🎉", True),
        ("🎉 🎊", True),
        ("👍🏽❤️", True),
        ("🇰🇷", True),
        ("🎉 a", False),
        ("1", False),
        ("", False),
    ],
)
def test_emoji_alone(text: str, only: bool) -> None:
    assert texts.is_emoji(text) is only


@pytest.mark.parametrize(
    ("one", "other"),
    [("hello", "HELLO"), ("ㅋㅋㅋㅋ", "ㅋㅋㅋㅋㅋㅋㅋㅋ"), ("a b c", "abc"), ("wow!", "wow"), ("!!", "!!")],
)
def test_likeness(one: str, other: str) -> None:
    assert texts.likeness(one) == texts.likeness(other)
    assert texts.likeness("yes") != texts.likeness("no")


def test_mentions_are_few() -> None:
    assert texts.mentioned("@미나 and @yuna!") == ["미나", "yuna!"]
    assert len(texts.mentioned("@a " * 100)) == 10

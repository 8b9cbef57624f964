"""Texts, looked at: letters of the eye, links, emoji, likeness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.texts import looks
from madang.chat import texts

ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


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
        (ENGLAND, 1),
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
        "youtu.be/abc",
        "discord.gg/abc",
        "example.zone/x",
        "네이버.com",
        "여기naver.com에서 봐요",
        "보세요 example.com.",
        "naver．com",
        "naver。com",
        "ｎａｖｅｒ．ｃｏｍ",
        "na\u200dver\u200d.com",
        "naver . com",
        "naver. com",
        "my-site .co.kr",
        "naver[.]com",
        "naver(dot)com",
        "naver (점) com",
        "1.2.3.4:8080",
        "1.2.3.4/abc",
    ],
)
def test_links(text: str) -> None:
    assert texts.has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "no link.",
            "3.14",
            "hello...world",
            "ㅋㅋ.ㅋㅋ",
            "v1.2.3",
            "e.g. this",
            "me@home",
            "a@example.com",
        ),
        *("좋아요. tv 봤어?", "안녕. kr서버", "점심 먹자 . 컴 켜", "ok. net result", "so cute . me too"),
        *("1.2.3.4", "and/or", "멋져요。정말", "what a dot", "소수점 .5", "gg .", "1.5km/h"),
    ],
)
def test_no_links(text: str) -> None:
    assert not texts.has_link(text)


def test_links_are_looked_for_in_linear_time() -> None:
    import time

    for text in ("a" * 4096, "a." * 2048, "www" * 1300, "@" * 4096, ".com" * 1000, "a" + " " * 4000 + "."):
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
        ("👨‍👩‍👧‍👦 ❤️‍🔥", True),
        ("1️⃣ #️⃣ *⃣", True),
        ("▶️◀️ Ⓜ️ ⤴️", True),
        (ENGLAND, True),
        ("1️⃣2", False),
        ("∀", False),
        ("\ufe0f", False),
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


def test_flags_of_regions_stay_and_other_tags_go() -> None:
    assert texts.clean_message(f"a{ENGLAND}b") == f"a{ENGLAND}b"
    assert texts.clean_message("🏴\U000e0067\U000e0062x\U000e0041") == "🏴x"
    assert texts.clean_message("\U000e0041") == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AIice", "Alice"),
        ("rnina", "mina"),
        ("MINA", "mina"),
        ("admin\ufe0f", "admin"),
        ("\u3164admin", "admin"),
        ("ᴀᴅᴍɪɴ", "admin"),
        ("аdmіn", "admin"),
        ("a\u20dddmin", "admin"),
        ("ㅣee", "lee"),
        ("관\u115f리자", "관리자"),
        ("하트❤️", "하트❤"),
    ],
)
def test_names_that_are_taken_for_another(one: str, other: str) -> None:
    assert looks(one) == looks(other)


@pytest.mark.parametrize(("one", "other"), [("미나", "미니"), ("か", "が"), ("한", "하"), ("mina", "mino")])
def test_names_that_are_told_apart(one: str, other: str) -> None:
    assert looks(one) != looks(other)


@pytest.mark.parametrize("name", ["\u3164", "\u2800", "\ufe0f", "\u115f", "\u200d", " "])
def test_names_that_nobody_sees(name: str) -> None:
    assert looks(name) == ""

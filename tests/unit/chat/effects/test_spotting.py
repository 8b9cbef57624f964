"""Emoji in messages: which one is found, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.chat.effects.kinds import DEFAULT
from madang.chat.effects.spotting import Spotter, may_have_emoji
from madang.chat.texts import is_emoji

SPOTTER = Spotter([*DEFAULT, "💻", "👨"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("🎉", "🎉"),
        ("well done 👏👏👏 🎉", "👏"),
        ("❤️", "❤️"),
        ("❤ without its selector", "❤️"),
        ("👏🏽 in another skin", "👏"),
        ("안녕하세요", None),
        ("", None),
        ("🍕 is not of the map", None),
        ("👩‍💻 is no computer", None),
        ("👨🏽‍🌾 is no man alone", None),
        ("👨 is", "👨"),
        ("❤️‍🔥 is neither heart nor fire", None),
        ("👩‍💻💻", "💻"),
    ],
)
def test_the_first_emoji_of_the_map(text: str, found: str | None) -> None:
    assert SPOTTER.first(text) == found
    assert found is None or may_have_emoji(text)


def test_a_map_without_emoji_finds_nothing() -> None:
    assert Spotter([]).first("🎉") is None


def test_the_longest_emoji_is_meant() -> None:
    assert Spotter(["👨", "👨‍👩‍👧"]).first("👨‍👩‍👧") == "👨‍👩‍👧"


@pytest.mark.parametrize("text", ["plain", "평범한 말", "日本語", "ça va", "ㅋㅋㅋ"])
def test_most_messages_are_not_looked_at(text: str) -> None:
    assert not may_have_emoji(text)


@given(st.text(max_size=60), st.sampled_from(sorted(DEFAULT)), st.text(max_size=60))
def test_any_text_is_taken(before: str, emoji: str, after: str) -> None:
    assert SPOTTER.first(f"{before} {emoji} {after}") is not None
    assert may_have_emoji(emoji) and is_emoji(emoji)

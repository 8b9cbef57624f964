"""What the filter finds behind disguises, what it leaves alone, and what rules make of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import PeerError
from madang.chat.filter import Action, Pattern, Rules, WordList, compile_rules, engine

EVERYTHING = compile_rules(Rules())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("시발", "시발"),
        ("ㅅㅣㅂㅏㄹ", "ㅅㅣㅂㅏㄹ"),
        ("ㅅ ㅣ ㅂ ㅏ ㄹ", "ㅅ ㅣ ㅂ ㅏ ㄹ"),
        ("아 시 발 진짜", "시 발"),
        ("시\u200b발", "시\u200b발"),
        ("시1발", "시1발"),
        ("시이이발", "시이이발"),
        ("\u1109\u1175\u1107\u1161\u11af", "\u1109\u1175\u1107\u1161\u11af"),
        ("tlqkf", "tlqkf"),
        ("ㅋㅋㅅㅂㅋㅋ", "ㅅㅂ"),
        ("야 이 개새끼야", "개새끼"),
        ("ㅂㅕㅇ신", "ㅂㅕㅇ신"),
        ("f u c k", "f u c k"),
        ("ｆｕｃｋ", "ｆｕｃｋ"),
        ("fuсk", "fuсk"),
        ("sh1t", "sh1t"),
        ("f*ck", "f*ck"),
        ("fuuuuuck", "fuuuuuck"),
        ("fu ck you", "fu ck"),
    ],
)
def test_finds_what_is_disguised(text: str, found: str) -> None:
    verdict = EVERYTHING.check(text)
    assert verdict.action is not Action.PASS
    assert found in {text[hit.start : hit.end] for hit in verdict.hits}


@pytest.mark.parametrize(
    "text",
    [
        "다시 발표할게요",
        "시발점",
        "깃발",
        "십만 원",
        "Scunthorpe",
        "assassin",
        "이 새끼 고양이",
        "ㅋㅋㅋㅋ",
        "ㄱㅅ",
        "",
    ],
)
def test_leaves_innocents_alone(text: str) -> None:
    assert EVERYTHING.check(text).action is Action.PASS


def test_masks_the_word_as_it_was_written() -> None:
    assert EVERYTHING.check("아 시.발 뭐야").text == "아 *** 뭐야"


def test_a_rooms_own_words_with_stars() -> None:
    words = WordList("own", ("바나나", "spoil*", "*ending", "*leak*", "ㅍㅌㅊ!"), Action.REFUSE)
    room = compile_rules(Rules(built_in=(), lists=(words,)))
    for bad in ("바나나", "바나나는", "ㅂㅏ나나", "SPOILER", "badending", "bigleaks", "ㅍㅌㅊ!"):
        assert room.check(bad).action is Action.REFUSE, bad
    for good in ("왕바나나킥", "unspoilt", "endings", "ㅍㅌㅊ", "시발"):
        assert room.check(good).action is Action.PASS, good


def test_the_hardest_action_wins_and_only_masking_lists_mask() -> None:
    rules = Rules(
        lists=(WordList("slow down", ("불꽃",), Action.TIMEOUT, 30),),
        patterns=(Pattern("calls", r"\d{3}-\d{4}"),),
    )
    verdict = compile_rules(rules).check("시발 불꽃 555-1234")
    assert (verdict.action, verdict.timeout_s) == (Action.TIMEOUT, 30)
    assert verdict.text == "** 불꽃 555-1234"
    assert {hit.source for hit in verdict.hits} == {"ko", "slow down", "calls"}


def test_an_allowed_word_takes_its_hits_back() -> None:
    rules = Rules(lists=(WordList("own", ("*banana*",)),), allow=("bananarama",))
    assert compile_rules(rules).check("Bananarama!").passes
    assert not compile_rules(rules).check("Bananaboat").passes


def test_lists_that_are_not_named_are_off() -> None:
    assert compile_rules(Rules(built_in=(("en", Action.HOLD),))).check("시발").passes
    assert compile_rules(Rules(built_in=(("en", Action.HOLD),))).check("fuck").action is Action.HOLD


@pytest.mark.parametrize("bad", ["(", "a{9999}", "(?=x)", r"(a)\1", "x*"])
def test_patterns_are_re2_and_match_something(bad: str) -> None:
    with pytest.raises(PeerError):
        compile_rules(Rules(patterns=(Pattern("bad", bad),)))


def test_equal_rules_are_compiled_once() -> None:
    assert compile_rules(Rules(allow=("a b",))) is compile_rules(Rules(allow=("a b",)))


@given(st.text(max_size=80))
def test_any_text_has_a_verdict_within_it(text: str) -> None:
    verdict = EVERYTHING.check(text)
    assert len(verdict.text) == len(text)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in verdict.hits)


@given(st.text(alphabet="시발ㅅㅂㅣㅏ1 .fuck*tlq\u200b\ud800", max_size=40))
def test_text_near_listed_words_has_a_verdict_too(text: str) -> None:
    assert len(EVERYTHING.check(text).text) == len(text)


@pytest.mark.parametrize("many", ["시발" * 120, "시1발 " * 120, "fuck " * 100, "병1신" * 120])
def test_a_flood_of_words_is_one_hit_and_read_no_further(many: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FILTER_HITS", 50)
    read: list[tuple[int, int]] = []
    standing = engine._standing

    def counted(stands: Any, text: str, start: int, end: int, entries: Any) -> Iterator[engine.Found]:
        read.append((start, end))
        return standing(stands, text, start, end, entries)

    monkeypatch.setattr(engine, "_standing", counted)
    verdict = EVERYTHING.check(many)
    assert {(hit.start, hit.end) for hit in verdict.hits} == {(0, len(many))}
    assert not verdict.text.strip("* ") and len(read) < len(many) / 2


def test_words_of_lists_that_are_off_make_no_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FILTER_HITS", 5)
    english = compile_rules(Rules(built_in=(("en", Action.MASK),)))
    assert english.check("시발 " * 20 + "fuck").text == "시발 " * 20 + "****"

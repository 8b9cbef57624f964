"""A46: no expression of ours takes longer than its text is long, whoever wrote the text."""

import importlib
import re
import time
from pathlib import Path
from typing import Any

import pytest

import madang

ROOT = Path(madang.__file__).parent
OPERATORS_OWN = "madang.app.migrating"
"""Reads the operator's own file, once."""
SEEDS = (
    *(
        "a",
        "0",
        " ",
        "=",
        "/",
        ".",
        "-",
        "_",
        "@",
        "&",
        ";",
        '"',
        "\t",
        "\n",
        "\0",
        "\u200b",
        "한",
        "ㄱ",
        "😀",
    ),
    *("a ", "a.", ". ", "x=", "ㄱ1", "ㄱ ", "-a", "aa1", "a@", "://", "http://a", "www.", "a b", "%2e", "é"),
)
TAILS = ("", "!", "\0", "\n")
SHORT, LONG = 256, 4096
QUICK_S = 0.02
LINEAR = 3.0
"""How much more than sixteen times as long sixteen times as much may take."""


def _patterns() -> dict[str, "re.Pattern[Any]"]:
    """Every expression that a module keeps, by where it stands."""
    found: dict[str, re.Pattern[Any]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        if "re.compile(" not in path.read_text(encoding="utf-8") or "migrations" in path.parts:
            continue
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        if name.startswith(OPERATORS_OWN):
            continue
        for key, value in vars(importlib.import_module(name)).items():
            for number, each in enumerate(value if isinstance(value, tuple | list) else (value,)):
                for part in each if isinstance(each, tuple) else (each,):
                    if isinstance(part, re.Pattern):
                        found.setdefault(f"{name}.{key}[{number}]", part)
    return found


PATTERNS = _patterns()


def _seconds(pattern: "re.Pattern[Any]", text: Any) -> float:
    """The best of a few: the machine's pauses are not the expression's."""
    best = float("inf")
    for _ in range(3):
        began = time.thread_time()
        pattern.search(text)
        pattern.fullmatch(text)
        best = min(best, time.thread_time() - began)
        if best < QUICK_S:
            break
    return best


@pytest.mark.parametrize("name", PATTERNS)
def test_an_expression_is_linear(name: str) -> None:
    pattern = PATTERNS[name]
    for seed in SEEDS:
        for tail in TAILS:
            short, long = (seed * (size // len(seed)) + tail for size in (SHORT, LONG))
            texts: tuple[Any, Any] = (short, long)
            if isinstance(pattern.pattern, bytes):
                texts = short.encode(), long.encode()
            took = _seconds(pattern, texts[1])
            if took > QUICK_S:
                share = took / max(_seconds(pattern, texts[0]), 1e-6)
                assert share < LINEAR * LONG / SHORT, f"{pattern.pattern!r} on {seed!r}: {took:.3f} s"


def test_there_are_expressions() -> None:
    assert len(PATTERNS) > 30

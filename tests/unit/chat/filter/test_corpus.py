"""Precision and recall on the committed corpus: printed, and held, on the half that no rule was tuned on.

A line belongs to one half or the other by its checksum. Rules and lists were written looking at the misses
of the tuned half alone.
"""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from madang.chat.filter import Action, Filter, Rules, compile_rules

CORPUS = Path(__file__).parents[3] / "corpus" / "filter"
PRECISION, RECALL = 0.95, 0.85


def _compose() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compose", CORPUS / "compose.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(kind: str) -> list[str]:
    compose = _compose()
    return sorted({*compose.written(f"{kind}.written.txt"), *compose.written(f"{kind}.composed.txt")})


def caught(filter_: Filter, text: str) -> bool:
    return filter_.check(text).action is not Action.PASS


@pytest.mark.parametrize("half", ["tuned", "measured"])
def test_precision_and_recall(half: str, capsys: pytest.CaptureFixture[str]) -> None:
    measured, filter_ = _compose().measured, compile_rules(Rules())
    evasions = [line for line in lines("evasions") if measured(line) is (half == "measured")]
    innocents = [line for line in lines("innocent") if measured(line) is (half == "measured")]
    missed = [line for line in evasions if not caught(filter_, line)]
    wronged = [line for line in innocents if caught(filter_, line)]
    found = len(evasions) - len(missed)
    precision, recall = found / (found + len(wronged)), found / len(evasions)
    with capsys.disabled():
        print(
            f"\nword filter, {half} half: precision {precision:.1%}, recall {recall:.1%} "
            f"({len(evasions)} evasions, {len(innocents)} innocent lines, {len(wronged)} of them caught)"
        )
        if half == "tuned" and os.environ.get("MADANG_SHOW_MISSES"):
            print(*(f"missed  {line}" for line in missed), *(f"wronged {line}" for line in wronged), sep="\n")
    assert precision >= PRECISION
    assert recall >= RECALL


def test_the_corpus_is_large_enough() -> None:
    assert len(lines("evasions")) >= 500
    assert len(lines("innocent")) >= 2000

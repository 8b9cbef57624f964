"""Attacks and faults: what the page lists has a test that names it, what the program names is on the page."""

import re
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "5-inside" / "attacks-and-faults.md"
_ROW = re.compile(r"\b([AF])(\d{1,2})\b")
_RANGE = re.compile(r"\b([AF])(\d{1,2})(?: to |–)\1(\d{1,2})\b")
PLACES = {ROOT / "tests": "*.py", ROOT / "web" / "src": "*.test.ts"}
# In the word list of bases, in a capture, in a colour.
_NO_ROW = re.compile(r"0x[0-9A-Fa-f]+|#[0-9A-F]{3,8}|\\x..|[\"'][AF]\d+[\"']")


def rows_in(text: str) -> set[str]:
    """Every row that a text names: `A6`, `A35–A39`, `A6 to A9`."""
    text = _NO_ROW.sub("", text)
    found = {f"{letter}{int(number)}" for letter, number in _ROW.findall(text)}
    for letter, first, last in _RANGE.findall(text):
        found |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return found


def listed() -> set[str]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return set().union(*(rows_in(line.split("|")[1]) for line in lines if line.startswith("| ")))


def _tests() -> list[Path]:
    here = Path(__file__)
    return [path for place, kind in PLACES.items() for path in place.rglob(kind) if path != here]


TESTED = set().union(*(rows_in(path.read_text(encoding="utf-8")) for path in _tests()))


@pytest.mark.parametrize("row", sorted(listed()))
def test_a_row_has_a_test(row: str) -> None:
    assert row in TESTED, f"no test says that it is about {row}"


def test_what_the_program_answers_is_on_the_page() -> None:
    comments = [
        line
        for path in (ROOT / "src").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"#.*\b[AF]\d{1,2}\b|^\s*\"\"\".*\b[AF]\d{1,2}\b|\([AF]\d{1,2}(, [AF]\d{1,2})*\)", line)
    ]
    assert rows_in("\n".join(comments)) <= listed()


def test_every_limit_is_used() -> None:
    from madang.base import limits

    program = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src").rglob("*.py")
        if path != Path(limits.__file__)
    )
    words = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", program))
    assert {name for name in vars(limits) if name.isupper()} <= words

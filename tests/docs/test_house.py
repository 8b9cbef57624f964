"""The map of the house names every room that there is, and what pages name is there."""

import re
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT, pages

HOUSE = ROOT / "docs" / "5-inside" / "house.md"
SOURCE = ROOT / "src" / "madang"
_NAMED = re.compile(
    r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|ts|tsx|js|c|md|yaml|json|service|conf)|[\w-]+\.(?:tsx?|py))`"
)


def rooms() -> dict[str, set[str]]:
    """The packages in the house by room; migrations have one of their own."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("__init__.py"):
        room, *within = path.parent.relative_to(SOURCE).parts or ("",)
        if room:
            found.setdefault(room, set()).update(within[:1])
    return found


def drawn() -> dict[str, set[str]]:
    """The same, as the map has it."""
    found: dict[str, set[str]] = {}
    for line in HOUSE.read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if len(cells) == 6 and "`" in cells[2]:
            for room in re.findall(r"`(\w+)`", cells[2]):
                found[room] = set(re.findall(r"`(\w+)`", cells[4]))
    return found


def test_the_map_has_every_room() -> None:
    assert drawn() == rooms()


def test_empty_rooms_say_so() -> None:
    packages = {path.parent for path in SOURCE.rglob("__init__.py")}
    bare = {path for path in packages if [each.name for each in path.rglob("*.py")] == ["__init__.py"]}
    says = {
        path for path in packages if "Empty so far." in (path / "__init__.py").read_text(encoding="utf-8")
    }
    assert says == bare


FILES = {
    str(path.relative_to(ROOT))
    for place in ("src/madang/**", "web", "web/src/**", "tests/**", "docs/**", "deploy/**", "bench")
    for path in ROOT.glob(f"{place}/*.*")
}


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(page: Path) -> None:
    for name in _NAMED.findall(page.read_text(encoding="utf-8")):
        assert name in FILES or any(path.endswith(f"/{name}") for path in FILES), name

"""Generated pages say what the program says."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from madang.app.explanations import explanations
from madang.app.metrics import numbers
from madang.base import limits

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Path(limits.__file__).parents[1]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["configuration.md", "limits.md", "metrics.md", "command-line.md"])
def test_a_page_is_not_stale(page: str) -> None:
    """When this fails, run `.venv/bin/python docs/generate.py`."""
    made = {path.name: text for path, text in generator().pages().items()}
    assert (DOCS / "3-operate" / page).read_text() == made[page]


def test_every_limit_has_its_reason() -> None:
    source = Path(limits.__file__).read_text()
    told = {limit.name: limit for _, inner in generator().groups(source) for limit in inner}
    assert set(told) == {name for name in vars(limits) if name.isupper()}
    assert [name for name, limit in told.items() if not limit.why] == []


def test_every_counter_is_on_the_page_with_its_words_and_is_counted() -> None:
    made = generator()
    wired = re.findall(r'\bcount\("(\w+)"', made.WIRING.read_text(encoding="utf-8"))
    assert set(wired) == set(made.COUNTED)
    program = "\n".join(
        path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path.name != "counters.py"
    )
    counted = set(re.findall(r"counters\.(\w+) \+= ", program))
    for room, (_, *kinds) in made.COUNTED.items():
        told: dict[str, str] = {}
        for kind in kinds:
            fields = {name for name, _ in numbers(kind())}
            assert fields == set(explanations(kind)), room
            assert fields <= counted, room
            assert told == {name: explanations(kind).get(name, words) for name, words in told.items()}, (
                f"{room}: one family, one help text"
            )
            told |= explanations(kind)

"""Generated pages say what the program says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from madang.base import limits

DOCS = Path(__file__).parents[2] / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["configuration.md", "limits.md"])
def test_a_page_is_not_stale(page: str) -> None:
    """When this fails, run `.venv/bin/python docs/generate.py`."""
    made = {path.name: text for path, text in generator().pages().items()}
    assert (DOCS / "3-operate" / page).read_text() == made[page]


def test_every_limit_has_its_reason() -> None:
    source = Path(limits.__file__).read_text()
    told = {limit.name: limit for _, inner in generator().groups(source) for limit in inner}
    assert set(told) == {name for name in vars(limits) if name.isupper()}
    assert [name for name, limit in told.items() if not limit.why] == []

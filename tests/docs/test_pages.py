"""Pages: links lead somewhere, generated marks are known, every page is reachable from the index."""

import re
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT, blocks, pages

_LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
NEEDS = {"server", "live", "token"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Headings as their links name them."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for found in _LINK.finditer(page.read_text()):
        target = (page.parent / found["path"]).resolve() if found["path"] else page
        assert target.exists(), f"{name(page)}: {found[0]}"
        if found["anchor"]:
            assert found["anchor"] in anchors(target), f"{name(page)}: {found[0]}"


def test_every_page_is_reachable_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / found["path"]).resolve() for found in _LINK.finditer(index.read_text())}
    written = {page for page in pages() if "docs" in page.parts and "decisions" not in page.parts} - {index}
    assert written <= listed


def test_blocks_need_only_what_there_is() -> None:
    found = [block for page in pages() for block in blocks(page)]
    assert len(found) > 10
    assert {need for block in found for need in block.needs} <= NEEDS

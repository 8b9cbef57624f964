"""Shell blocks of the documentation that a test runs.

A block that begins with ```` ```sh run ```` is run; words after `run` say what it needs: `server` a running
server, `live` the demo on the air, `token` an API token of an admin in `$TOKEN`. Other blocks change the
machine they run on and are shown only.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```sh run(?P<needs>[a-z ]*)\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One block: where it stands, what it needs, what it says."""

    page: str
    line: int
    needs: frozenset[str]
    script: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """The blocks of one page that are run, in order."""
    text = path.read_text(encoding="utf-8")
    page = str(path.relative_to(ROOT))
    return [
        Block(
            page, text.count("\n", 0, found.start()) + 1, frozenset(found["needs"].split()), found["script"]
        )
        for found in _FENCE.finditer(text)
    ]


def pages() -> list[Path]:
    """Every page, the README included."""
    return [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


_SETTINGS = re.compile(r"^```toml\n(?P<settings>.*?)^```$", re.MULTILINE | re.DOTALL)


def settings(path: Path) -> list[str]:
    """The settings that a page shows, block by block."""
    return [found["settings"] for found in _SETTINGS.finditer(path.read_text(encoding="utf-8"))]

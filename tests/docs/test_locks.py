"""A67: what is installed is what was locked, and nothing of it runs while it is installed."""

import json
import re

import pytest
from tests.docs.blocks import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock", "requirements-node.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_its_hashes(name: str) -> None:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9_.\[\]-]+==[^ ;]+", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line
        assert "://" not in line, "packages come from the index that whoever installs has chosen"


def test_every_package_of_the_pages_is_pinned_with_its_hash() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    packages = {name: of for name, of in lock["packages"].items() if name}
    assert packages
    for name, of in packages.items():
        assert of.get("inBundle") or re.match(r"sha(256|384|512)-", of.get("integrity", "")), name
        assert "resolved" not in of, name
    wanted = json.loads((ROOT / "web" / "package.json").read_text())
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*", version), f"{name} is not pinned: {version}"


def test_the_setup_takes_nothing_else() -> None:
    script = (ROOT / "scripts" / "setup").read_text()
    installs = re.findall(r".*\bpip install\b.*", script)
    assert installs
    for line in installs:
        assert "--require-hashes" in line or "--no-deps -e ." in line, line
    for line in re.findall(r".*\bnpm (?:ci|install|i)\b.*", script):
        assert "npm ci --ignore-scripts" in line, line

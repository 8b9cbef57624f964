"""Centrifugo configurations as files, and what becomes of them."""

import json
from pathlib import Path

import pytest

from madang.app.migrating import centrifugo
from madang.app.sections import Settings
from madang.app.settings import SettingsError, load


def write(folder: Path, tree: object, name: str = "config.json") -> Path:
    path = folder / name
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    return path


def migrate(folder: Path, tree: object, name: str = "config.json") -> Settings:
    return load(migrated=write(folder, tree, name))


def problems(folder: Path, tree: object, name: str = "config.json") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        migrate(folder, tree, name)
    return [problem.removeprefix(f"{folder / name}: ") for problem in caught.value.problems]


def ignored(folder: Path, tree: object) -> list[str]:
    path = write(folder, tree)
    return [line.removeprefix(f"{path}: ignored, ") for line in centrifugo.read(path).ignored]

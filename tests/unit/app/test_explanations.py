"""Docstrings of counters are their help texts."""

import dataclasses

import msgspec

from madang.app.explanations import explanations


@dataclasses.dataclass(slots=True)
class Plain:
    """A class."""

    told: int = 0
    """Told once,
    in two lines."""
    silent: int = 0


class Struct(msgspec.Struct):
    told: int = 0
    """A struct's."""


class Slotted:
    __slots__ = ("silent", "told")

    def __init__(self) -> None:
        self.silent = 0
        self.told = 0
        """Given in __init__."""


def test_fields_are_explained_however_a_room_wrote_them() -> None:
    assert explanations(Plain) == {"told": "Told once, in two lines."}
    assert explanations(Struct) == {"told": "A struct's."}
    assert explanations(Slotted) == {"told": "Given in __init__."}


def test_without_a_source_nothing_is_explained() -> None:
    assert explanations(type("Made", (), {})) == {}
    assert explanations(int) == {}

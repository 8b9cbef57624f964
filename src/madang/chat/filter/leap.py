"""RE2 over ASCII, asked without its Python wrapper, which takes longer to ask than RE2 to answer."""

from collections.abc import Callable
from typing import Final

import re2

_MEMORY: Final = 64 << 20
"""What RE2 may use for an automaton; only pages that messages touch are ever filled."""
_ANYWHERE: Final = re2._Anchor.UNANCHORED


class Leap:
    """An expression without groups that leaps to the next place where it matches."""

    __slots__ = ("_match", "_regexp")

    def __init__(self, expression: str) -> None:
        options = re2.Options()
        options.max_mem = _MEMORY
        options.never_capture = True
        options.log_errors = False
        self._regexp = re2.compile(expression.encode(), options)
        self._match: Callable[..., list[tuple[int, int]]] = self._regexp._regexp.Match

    def find(self, raw: bytes, place: int = 0) -> int:
        """Where it matches next, from `place` on; -1 for nowhere."""
        return self._match(_ANYWHERE, raw, place, len(raw))[0][0]

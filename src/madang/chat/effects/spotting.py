"""Which emoji of a channel's map a message has: the first one that stands for itself."""

import re
from collections.abc import Iterable
from typing import Final

_VARIATION: Final = "\ufe0f"
"""Asks for the coloured picture; people's keyboards leave it out as they like."""
# Every emoji that a map may have has one of these letters; a text without any is not looked at further.
_MAYBE: Final = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u23ff\u2600-\u27bf\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
# A joiner makes of two emoji a third one: a woman at a computer is no computer.
_ALONE: Final = "(?<!\u200d)(?:%s)(?![\U0001f3fb-\U0001f3ff]?\u200d)"


def may_have_emoji(text: str) -> bool:
    """Whether it is worth a look; most messages end here."""
    return not text.isascii() and _MAYBE.search(text) is not None


class Spotter:
    """Looks for the emoji of one map."""

    def __init__(self, emoji: Iterable[str]) -> None:
        self._known = {each.replace(_VARIATION, ""): each for each in emoji}
        longest_first = sorted(self._known, key=lambda bare: (-len(bare), bare))
        found = "|".join(re.escape(bare) for bare in longest_first)
        self._pattern = re.compile(_ALONE % found) if found else None

    def first(self, text: str) -> str | None:
        """The first emoji of the map in a text, as the map writes it."""
        if self._pattern is None:
            return None
        found = self._pattern.search(text.replace(_VARIATION, ""))
        return self._known[found.group()] if found else None

"""What the filter answers: what to do with a text, and why, in the text's own code points."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

MASK = "*"


class Action(StrEnum):
    """What becomes of a message, from mildest to hardest."""

    PASS = "pass"
    MASK = "mask"
    HOLD = "hold"
    REFUSE = "refuse"
    TIMEOUT = "timeout"

    @property
    def rank(self) -> int:
        """0 for passing, rising with hardness."""
        return _RANKS[self]


_RANKS = {action: place for place, action in enumerate(Action)}


class Hit(msgspec.Struct, frozen=True):
    """One listed word that was found: `text[start:end]` holds it, however it was disguised."""

    start: int
    end: int
    term: str
    """The word as it stands in the list."""
    source: str
    """The list's name; those that come with the server are called `ko`, `en`, `slurs`, `sexual`."""
    action: Action


@dataclass(frozen=True, slots=True)
class Verdict:
    """The hardest action of all hits, and the text as it may be shown when that action is `mask`."""

    action: Action = Action.PASS
    text: str = ""
    """What was checked, with the hits of masking lists masked."""
    hits: tuple[Hit, ...] = ()
    """By their place in the text."""
    timeout_s: int = 0
    """For how long the sender may not write, when `action` is `timeout`."""

    @property
    def passes(self) -> bool:
        """Whether `text` may be shown to everybody now."""
        return self.action in (Action.PASS, Action.MASK)


def mask(text: str, hits: tuple[Hit, ...]) -> str:
    """`text` with every code point of `hits` replaced; spaces stay, so that lines break as before."""
    for hit in hits:
        piece = text[hit.start : hit.end]
        masked = MASK * len(piece) if piece.isalnum() else "".join(map(_masked, piece))
        text = text[: hit.start] + masked + text[hit.end :]
    return text


def _masked(letter: str) -> str:
    return letter if letter.isspace() else MASK

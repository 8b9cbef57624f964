"""What a room forbids and allows: its lists, the lists that come with the server, and patterns."""

from dataclasses import dataclass, field

from madang.chat.filter.verdict import Action


@dataclass(frozen=True, slots=True)
class WordList:
    """Words of a room with one action. `word*` and `*word` match beginnings and ends, `*word*` anywhere."""

    name: str
    words: tuple[str, ...]
    action: Action = Action.HOLD
    timeout_s: int = 0
    """For `timeout`: for how long."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression in RE2's syntax, which is matched in time linear in the text."""

    name: str
    expression: str
    action: Action = Action.HOLD
    timeout_s: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """All that a room's filter is compiled from; equal rules are one compiled filter."""

    built_in: tuple[tuple[str, Action], ...] = field(
        default=(
            ("ko", Action.MASK),
            ("en", Action.MASK),
            ("slurs", Action.REFUSE),
            ("sexual", Action.HOLD),
        )
    )
    """The lists that come with the server, each with the room's action; a list that is not named is off."""
    lists: tuple[WordList, ...] = ()
    allow: tuple[str, ...] = ()
    """Words in which nothing is found."""
    patterns: tuple[Pattern, ...] = ()

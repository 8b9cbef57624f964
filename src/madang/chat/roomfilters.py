"""The filters of rooms: each channel's rules, kept as one row, compiled when they are first asked for."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import msgspec

from madang.base import limits
from madang.chat.filter.engine import Filter, compile_pattern, compile_rules
from madang.chat.filter.rules import Pattern, Rules, WordList
from madang.chat.filter.verdict import Action, Verdict
from madang.chat.ports import Change, Log, Put, Query

TABLE: Final = "chat_extras"
_KIND: Final = "filter"
_PAGE: Final = 500
BUILT_IN: Final = ("ko", "en", "slurs", "sexual")
Word = Annotated[str, msgspec.Meta(min_length=2, max_length=limits.FILTER_WORD_LETTERS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Timeout = Annotated[int, msgspec.Meta(ge=0, le=1_209_600)]


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of a room."""

    name: Name
    words: Annotated[tuple[Word, ...], msgspec.Meta(max_length=limits.FILTER_WORDS)]
    action: Action = Action.HOLD
    timeout_s: Timeout = 0


class Expression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pattern of a room."""

    name: Name
    expression: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.FILTER_PATTERN_LETTERS)]
    action: Action = Action.HOLD
    timeout_s: Timeout = 0


class RoomRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a room's managers set, as it stands in its row and on the wire."""

    built_in: dict[str, Action] = msgspec.field(default_factory=lambda: dict(Rules().built_in))
    lists: Annotated[tuple[Words, ...], msgspec.Meta(max_length=20)] = ()
    allow: Annotated[tuple[Word, ...], msgspec.Meta(max_length=limits.FILTER_WORDS)] = ()
    patterns: Annotated[tuple[Expression, ...], msgspec.Meta(max_length=limits.FILTER_PATTERNS)] = ()

    def rules(self) -> Rules:
        """PeerError `pattern` for an expression that RE2 does not take."""
        for pattern in self.patterns:
            compile_pattern(pattern.expression)
        return Rules(
            built_in=tuple((name, self.built_in[name]) for name in BUILT_IN if name in self.built_in),
            lists=tuple(WordList(made.name, made.words, made.action, made.timeout_s) for made in self.lists),
            allow=self.allow,
            patterns=tuple(
                Pattern(made.name, made.expression, made.action, made.timeout_s) for made in self.patterns
            ),
        )


_read = msgspec.json.Decoder(RoomRules).decode


class RoomFilters:
    """Implements `chat.ports.TextFilter`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._rules: dict[str, RoomRules] = {}
        self._compiled: dict[str, Filter] = {}
        self._common = Rules()
        self.on_set: Callable[[str], None] = lambda channel: None
        """Hears of a room whose rules were set."""

    async def reload(self, channel: str) -> None:
        """Another node may have set this room's rules."""
        query = Query(table=TABLE, where={"kind": _KIND, "channel": channel}, order="channel", limit=1)
        before = self._rules.get(channel)
        rows = await self._log.find(query)
        if self._rules.get(channel) is not before:
            return  # others were set while these were read
        made = _read(rows[0]["data"]) if rows else None
        if made != self._rules.get(channel):
            self._compiled.pop(channel, None)
            self._rules.pop(channel, None)
            if made is not None:
                self._rules[channel] = made

    async def load(self) -> None:
        """Rooms that have rules of their own; the others use the server's."""
        above: str | None = None
        while True:
            query = Query(
                table=TABLE, where={"kind": _KIND}, order="channel", newest=False, above=above, limit=_PAGE
            )
            rows = await self._log.find(query)
            self._rules |= {row["channel"]: _read(row["data"]) for row in rows}
            if len(rows) < _PAGE:
                return
            above = rows[-1]["channel"]

    def warm(self) -> None:
        """Compile what every room shares; takes a fifth of a second, in whichever thread calls."""
        compile_rules(self._common)

    def judge(self, channel: str, text: str) -> Verdict:
        found = self._compiled.get(channel)
        if found is None:
            own = self._rules.get(channel)
            found = self._compiled[channel] = compile_rules(own.rules() if own else self._common)
        return found.check(text)

    def rules_of(self, channel: str) -> RoomRules:
        return self._rules.get(channel) or RoomRules()

    async def set_rules(
        self, channel: str, made: RoomRules, commit: Callable[[str, list[Change]], Awaitable[None]]
    ) -> None:
        """Compile first, then keep: a pattern that cannot be is refused."""
        compiled = compile_rules(made.rules())
        row = {"channel": channel, "kind": _KIND, "data": msgspec.json.encode(made).decode()}
        await commit(channel, [Put(TABLE, row, ("channel", "kind"))])
        self._rules[channel] = made
        self._compiled[channel] = compiled
        self.on_set(channel)

    def try_out(self, made: RoomRules, text: str) -> Verdict:
        """What rules would say, before they are set."""
        return compile_rules(made.rules()).check(text)

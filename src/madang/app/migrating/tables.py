"""A foreign configuration that is asked key by key, in its file and in variables named by its keys: what
nobody asked for is reported as unknown."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from madang.app.migrating import values

_T = TypeVar("_T")
UNKNOWN: Final = "not known here, or of the PRO edition"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9]+")
# Kubernetes gives every pod variables for every service.
_SERVICE_LINKS: Final = re.compile(r"SERVICE_|PORT")


class Report:
    """What came of a file and of variables, which win over it: `client.token.audience` is
    PREFIX_CLIENT_TOKEN_AUDIENCE there."""

    def __init__(self, env: Mapping[str, str] | None = None, prefix: str = "") -> None:
        self._env = {name: told for name, told in (env or {}).items() if name.startswith(prefix) and told}
        self._prefix = prefix
        self._asked: set[str] = set()
        self.given: dict[str, tuple[object, str]] = {}
        """Our keys: the value, and the foreign key that gave it."""
        self.problems: list[str] = []
        """Half a sentence behind its key, for each mistake."""
        self.ignored: dict[str, list[str]] = {}
        """Keys that nothing comes of, by the reason."""

    def variable(self, key: str) -> str | None:
        """What a variable says about a key."""
        name = self._name(key)
        self._asked.add(name)
        return self._env.get(name)

    def has_within(self, key: str) -> bool:
        """Whether variables say something about what is within a table."""
        names = [name for name in self._env if name.startswith(self._name(key) + "_")]
        self._asked.update(names)
        return any(not _is_idle(self._env[name]) for name in names)

    def _name(self, key: str) -> str:
        return self._prefix + _NOT_IN_NAMES.sub("_", key).strip("_").upper()

    def close(self) -> None:
        """Report variables that nobody has asked for."""
        for name in self._env:
            if name not in self._asked and not _SERVICE_LINKS.match(name.removeprefix(self._prefix)):
                self.ignore(name, UNKNOWN)

    def give(self, ours: str, value: object, key: str) -> None:
        self.given[ours] = value, key

    def wrong(self, key: str, sentence: str) -> None:
        self.problems.append(f"{key} {sentence}")

    def ignore(self, key: str, reason: str) -> None:
        self.ignored.setdefault(reason, []).append(key)


class Table:
    """One table of the file. `close` the outermost one at the end."""

    def __init__(self, report: Report, key: str, found: Mapping[str, object]) -> None:
        self.key = key
        self.report = report
        self._left = {name: value for name, value in found.items() if value is not None}
        self._within: list[Table] = []

    def __contains__(self, name: str) -> bool:
        return name in self._left or self.report.variable(self.where(name)) is not None

    def where(self, name: str) -> str:
        """The whole key of one of the table's."""
        return f"{self.key}.{name}" if self.key else name

    def take(self, name: str, convert: Callable[[object], _T], default: _T) -> _T:
        """A value; the default where it is absent or wrong."""
        told: object = self.report.variable(self.where(name))
        found = self._left.pop(name, None)
        found = found if told is None else told
        if found is None:
            return default
        try:
            return convert(found)
        except ValueError as error:
            self.report.wrong(self.where(name), str(error))
            return default

    def listed(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where it is absent."""
        none: tuple[str, ...] = ()
        return self.take(name, values.listed, none)

    def give(self, name: str, ours: str, convert: Callable[[object], object]) -> None:
        """Take a value over as one of our settings."""
        value = self.take(name, convert, None)
        if value is not None:
            self.report.give(ours, value, self.where(name))

    def within(self, name: str) -> "Table":
        """A table in the table; empty where it is absent."""
        found = Table(self.report, self.where(name), self.take(name, values.table, {}))
        self._within.append(found)
        return found

    def each(self, name: str) -> list["Table"]:
        """A list of tables, each known by its `name` or its place."""
        none: list[dict[str, object]] = []
        listed = self.take(name, values.tables, none)
        found = [
            Table(self.report, f"{self.where(name)}[{one.get('name', at)}]", one)
            for at, one in enumerate(listed)
        ]
        self._within += found
        return found

    def ignore(self, reason: str, **defaults: object) -> None:
        """Keys that nothing comes of: named in the report, unless they say what is the default anyway."""
        for name, default in defaults.items():
            value: object = self._left.pop(name, None)
            value = self.report.variable(self.where(name)) or value
            within = isinstance(default, dict) and self.report.has_within(self.where(name))
            if within or (not _is_idle(value) and value != default):
                self.report.ignore(self.where(name), reason)

    def forget(self) -> None:
        """Nothing of it is reported any more."""
        self._left.clear()
        for one in self._within:
            one.forget()

    def close(self, reason: str = UNKNOWN) -> None:
        """Report what nobody has asked for."""
        for name, value in self._left.items():
            if not _is_idle(value):
                self.report.ignore(self.where(name), reason)
        for one in self._within:
            one.close(reason)


def _is_idle(value: object) -> bool:
    """Whether a value asks for nothing: absent, empty, off, or a table of such values."""
    if isinstance(value, Mapping):
        switched_off = "enabled" in value and _is_idle(value["enabled"])
        return switched_off or all(_is_idle(one) for one in value.values())
    return value in (None, False, 0, "", "0", "0s", "false") or value == []

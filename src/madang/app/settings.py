"""Settings: one TOML file, then `MADANG_*` variables, then the command line; the later one wins.

A section's key is `section.key` in the words of this room, `[section] key = …` in the file and
`MADANG_SECTION__KEY` in the environment. Every mistake names its source, its key and what is allowed.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from madang.app.keys import Endpoint, Section
from madang.app.sample import render
from madang.app.sections import Settings, fields

__all__ = ["Endpoint", "Reloaded", "Settings", "SettingsError", "find", "load", "reload", "show"]

PREFIX = "MADANG_"
FILE_VARIABLE = "MADANG_CONFIG"
FILE_NAME = "madang.toml"
# Kubernetes gives every pod variables for every service; a service named madang gives these.
_SERVICE_LINKS = re.compile(r"MADANG_(SERVICE_|PORT)")
# What operators call what pydantic calls otherwise.
_WORDS = {
    "string_type": "must be a text",
    "is_instance_of": "must be a text",
    "path_type": "must be a text",
    "tuple_type": "must be a text, or a list of texts",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
}
_PATHS = (
    "data.dir",
    "tls.certificate",
    "tls.key",
    "realtime.grpc_certificate",
    "realtime.grpc_key",
    "realtime.grpc_client_ca",
)


class SettingsError(Exception):
    """The settings cannot be used; `problems` has one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Given(NamedTuple):
    value: object
    source: str


class Reloaded(NamedTuple):
    """What a reload brought: the settings to go on with, and the changed keys that wait for a restart."""

    settings: Settings
    applied: tuple[str, ...]
    waiting: tuple[str, ...]


def find(path: Path | None, env: Mapping[str, str], overrides: Mapping[str, object]) -> Path | None:
    """The settings file: the one named, else MADANG_CONFIG's, else `madang.toml` in the data directory."""
    if path is not None:
        return path
    if env.get(FILE_VARIABLE):
        return Path(env[FILE_VARIABLE])
    directory = overrides.get("data.dir") or env.get(f"{PREFIX}DATA__DIR") or Settings().data.dir
    beside = Path(cast(str, directory)) / FILE_NAME
    return beside if beside.is_file() else None


def load(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    migrated: Path | None = None,
) -> Settings:
    """Read the settings. `overrides` are dotted keys from the command line; None means not given. `migrated`
    is a configuration of Centrifugo, over which all other sources win.

    Raises SettingsError with every mistake that was found.
    """
    env, overrides = env or {}, overrides or {}
    given: dict[str, _Given] = _from_centrifugo(migrated, env) if migrated is not None else {}
    if (file := find(path, env, overrides)) is not None:
        given |= _from_file(file)
    given |= _from_env(env)
    given |= {key: _Given(value, "command line") for key, value in overrides.items() if value is not None}
    if unknown := [_unknown(key, was.source) for key, was in given.items() if key not in fields()]:
        raise SettingsError(unknown)
    try:
        return Settings.model_validate(_nest(given))
    except ValidationError as error:
        raise SettingsError([_sentence(detail, given) for detail in error.errors()]) from None


def reload(
    old: Settings,
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    migrated: Path | None = None,
) -> Reloaded:
    """Read again (SIGHUP) and take over what may change at run time; SettingsError leaves `old` in force."""
    new = load(path, env, overrides, migrated)
    before, after = dict(flatten(old)), dict(flatten(new))
    changed = [key for key in after if before[key] != after[key]]
    # Doors with TLS are opened at the start alone; what changes at run time is which certificate they show.
    tls_switched = (old.tls.certificate is None) != (new.tls.certificate is None)
    applied = tuple(k for k in changed if reloads(k) and not (tls_switched and k.startswith("tls.")))
    kept = {key: _Given(after[key] if key in applied else before[key], "") for key in after}
    settings = Settings.model_validate(_nest(kept))
    return Reloaded(settings, applied, tuple(key for key in changed if key not in applied))


def show(settings: Settings) -> str:
    """The settings in force as TOML; secrets are `***`."""
    return render(dict(flatten(settings)))


def reloads(key: str) -> bool:
    """Whether SIGHUP applies this key without a restart."""
    return bool(fields()[key].json_schema_extra)


def flatten(settings: Settings) -> Iterator[tuple[str, object]]:
    """Every key by its dotted name, with its value."""
    for name, value in settings:
        if isinstance(value, Section):
            yield from ((f"{name}.{key}", inner) for key, inner in value)
        else:
            yield name, value


def _from_file(path: Path) -> dict[str, _Given]:
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: is not TOML: {error}"]) from None
    given: dict[str, _Given] = {}
    for name, value in tree.items():
        inner = (
            {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        )
        given |= {key: _Given(_beside(path, key, one), str(path)) for key, one in inner.items()}
    return given


def _from_centrifugo(path: Path, env: Mapping[str, str]) -> dict[str, _Given]:
    from madang.app.migrating import centrifugo  # for migrants alone

    try:
        found = centrifugo.read(path, env).given
    except centrifugo.MisreadError as error:
        raise SettingsError(error.problems) from None
    return {
        key: _Given(_beside(path, key, value), f"{path}: {where}") for key, (value, where) in found.items()
    }


def _beside(file: Path, key: str, value: object) -> object:
    """Relative paths in the file are relative to the file."""
    return file.parent / value if key in _PATHS and isinstance(value, str) and value else value


def _from_env(env: Mapping[str, str]) -> dict[str, _Given]:
    given: dict[str, _Given] = {}
    for variable, text in env.items():
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE or _SERVICE_LINKS.match(variable):
            continue
        key = variable.removeprefix(PREFIX).lower().replace("__", ".")
        # A variable without __ may belong to something else than the server, unless it looks like a key.
        if key in fields() or "." in key or _closest(key):
            given[key] = _Given(text, variable)
    return given


def _nest(given: Mapping[str, _Given]) -> dict[str, object]:
    tree: dict[str, object] = {}
    for key, was in given.items():
        section, _, name = key.rpartition(".")
        inner = tree.setdefault(section, {}) if section else tree
        cast(dict[str, object], inner)[name] = was.value
    return tree


def _closest(key: str) -> str:
    names = list(fields())
    for name in names:
        if key.rpartition(".")[2] == name.rpartition(".")[2] or key.replace("_", ".") == name:
            return name
    return next(iter(difflib.get_close_matches(key, names, 1, 0.7)), "")


def _unknown(key: str, source: str) -> str:
    if key in {name.partition(".")[0] for name in fields() if "." in name}:
        return f"{source}: {key}: is a section: [{key}] stands on a line of its own, its keys below"
    closest = _closest(key)
    hint = f"did you mean {closest}?" if closest else "`madang config sample` prints every key."
    return f"{source}: {key}: there is no such setting; {hint}"


def _sentence(detail: ErrorDetails, given: Mapping[str, _Given]) -> str:
    """One mistake as a sentence. The value is repeated only where it cannot be a secret."""
    location = [part for part in detail["loc"] if isinstance(part, str)]
    key = next((k for k in (".".join(location[:2]), *location[:1]) if k in given), ".".join(location[:2]))
    source = given[key].source if key in given else _source_of_section(key, given)
    allowed = _WORDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ").replace(
        "Input should be", "must be"
    )
    return ": ".join(part for part in (source, key, allowed) if part)


def _source_of_section(section: str, given: Mapping[str, _Given]) -> str:
    """Who set keys of a section that is wrong as a whole."""
    sources = dict.fromkeys(was.source for key, was in given.items() if section and key.startswith(section))
    return ", ".join(sources)

"""The settings as text: the commented sample file, the settings in force, and the page in the docs."""

import json
import textwrap
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import msgspec

from madang.app.sections import sections
from madang.base.secret import Secret

SAMPLE = Path(__file__).with_name("sample.toml")
_HEAD = """\
# Settings of Madang. Every key is here with its default: take the # away to change it.
# The same key can be given as a variable: [http] listen is MADANG_HTTP__LISTEN, public_url is
# MADANG_PUBLIC_URL. The command line wins over variables, variables win over this file.
# `madang config check` reads this file and says what is wrong; `madang config show` prints what is in force.
"""


def toml(value: object) -> str:
    """One value as TOML. A secret is shown as `***` when it is set."""
    if isinstance(value, Secret):
        return '"***"' if value else '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple) and type(value) is tuple:
        return toml(value[0]) if len(value) == 1 else f"[{', '.join(toml(one) for one in value)}]"
    if isinstance(value, msgspec.Struct):
        value = {k: one for k, one in msgspec.structs.asdict(value).items() if one != _default(value, k)}
    if is_dataclass(value):
        told = ((field.name, getattr(value, field.name), field.default) for field in fields(value))
        value = {name: one for name, one, default in told if one != default}
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{json.dumps(name)} = {toml(one)}' for name, one in value.items())}}}"
    return json.dumps("" if value is None else str(value), ensure_ascii=False)


def _default(options: msgspec.Struct, name: str) -> object:
    return next(field.default for field in msgspec.structs.fields(options) if field.name == name)


def render(values: Mapping[str, object]) -> str:
    """Dotted keys and their values as a TOML file."""
    lines: list[str] = []
    section = ""
    for key, value in values.items():
        head, _, name = key.rpartition(".")
        if head != section:
            section = head
            lines += ["", f"[{head}]"]
        lines.append(f"{name} = {toml(value)}")
    return "\n".join(lines) + "\n"


def sample() -> str:
    """The sample file: every key commented out with its default, under its explanation."""
    lines = [_HEAD]
    for head, words, inner in sections():
        if head:
            lines += ["", f"# {words}", f"[{head}]", ""]
        for name, field in inner.items():
            lines += [
                f"# {line}" for line in textwrap.wrap(field.description or "", 98, break_on_hyphens=False)
            ]
            lines += [f"#{name} = {toml(field.default)}", ""]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def page() -> str:
    """The table of all settings for `docs/3-operate/configuration.md`."""
    lines: list[str] = []
    for head, words, inner in sections():
        lines += [f"### `[{head}]`" if head else "### At the top of the file", "", words, ""]
        lines += ["| key | default | meaning |", "|---|---|---|"]
        for name, field in inner.items():
            again = " Applied by SIGHUP." if field.json_schema_extra else ""
            lines.append(f"| `{name}` | `{toml(field.default)}` | {field.description}{again} |")
        lines.append("")
    return "\n".join(lines)

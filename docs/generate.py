"""Writes the pages that are made from the program: `.venv/bin/python docs/generate.py`.

A test holds them to the program and fails when they are stale.
"""

import ast
from pathlib import Path
from typing import Any, NamedTuple

import typer

import madang.app.commands  # noqa: F401 (its commands join the command line)
from madang.app import cli, sample
from madang.app.counters import AppCounters
from madang.app.explanations import explanations
from madang.base import limits
from madang.chat.counters import ChatCounters
from madang.control.counters import ControlCounters
from madang.hub.counters import HubCounters
from madang.ingest.rtmp.counters import IngestCounters
from madang.ingest.whip.counters import WhipCounters
from madang.net.counters import NetCounters
from madang.net.fanout.counters import FanoutCounters
from madang.net.rtmp.counters import RtmpCounters
from madang.net.webrtc.counters import WebRtcCounters
from madang.realtime.counters import RealtimeCounters
from madang.transcoding.counters import PosterCounters, RenditionCounters

DOCS = Path(__file__).parent
CONFIGURATION = DOCS / "3-operate" / "configuration.md"
LIMITS = DOCS / "3-operate" / "limits.md"
METRICS = DOCS / "3-operate" / "metrics.md"
COMMANDS = DOCS / "3-operate" / "command-line.md"
WIRING = DOCS.parent / "src" / "madang" / "app" / "wiring.py"
MARK = "<!-- made by docs/generate.py: edit the program, not this page -->"

_CONFIGURATION_HEAD = f"""{MARK}
# Configuration

Madang runs without any configuration. What you want otherwise stands in one TOML file, in `MADANG_*`
variables, or on the command line; the command line wins over variables, variables win over the file.

```sh run
madang config sample > madang.toml     # every key, commented out, with its default
madang config check --config madang.toml
madang config show --config madang.toml
```

The file is the one given by `--config`, else by `MADANG_CONFIG`, else `madang.toml` in the data directory.
Relative paths in it are relative to the file. `[http] listen` is `MADANG_HTTP__LISTEN` as a variable, and
`public_url` is `MADANG_PUBLIC_URL`; lists have commas there. A key that does not exist is an error, with a
suggestion. `madang config show` hides secrets.

`systemctl reload madang` (SIGHUP) reads the file again. Keys marked *applied by SIGHUP* take effect at
once, the log names those that wait for a restart, and a file with a mistake changes nothing.

What is unsafe needs two keys: the setting itself, and its name under `[unsafe] allow`. It is told at every
start.

"""

_LIMITS_HEAD = f"""{MARK}
# Limits

Everything has a bound. A peer that reaches one is told so in its own protocol and counted in
[the metrics](operations.md#metrics); limits per address never apply to loopback and to `trusted_proxies`.
The letters name the attack (A) or the fault (F) that a limit answers.

"""

_METRICS_HEAD = f"""{MARK}
# Metrics

What `/metrics` shows, beside `process_*` and `python_gc_*`. Every `_total` rises from the start of the
process on; the `HELP` lines say the same as this page. How to scrape it: [operations](operations.md#metrics).

| metric | shows |
|---|---|
| `madang_stream_live{{channel}}` | 1 while frames arrive, 0 while reconnecting |
| `madang_stream_viewers{{channel}}` | playback sessions of a stream |
| `madang_stream_in_bytes_total{{channel}}` | payload bytes from the publisher |
| `madang_loop_lag_seconds` | a histogram: how much later than asked the event loop came |
"""

_COMMANDS_HEAD = f"""{MARK}
# The command line

`madang serve` is the server; the other commands are for operators and scripts, on the same machine. Unless
they say otherwise they work while the server runs, on the same data, and take effect at once.

Every command that touches data takes `--data DIR`, the data directory, and `--config FILE`, the settings
file. One that fails says why in one sentence on standard error and ends with a code other than 0; what
scripts want (a key, a link, a name) is alone on standard output. In a checkout the program is
`.venv/bin/madang`.
"""
_EVERYWHERE = {"data", "config", "help"}

# Which counters a room shows, in the words of `app/wiring.py`; a test compares the two.
COUNTED: dict[str, tuple[str, type] | tuple[str, type, type]] = {
    "app": ("The program", AppCounters),
    "net": ("Sockets and HTTP", NetCounters),
    "rtmp": ("RTMP connections", RtmpCounters),
    "ingest": ("Publishers, with the label `protocol`: `rtmp` or `whip`", IngestCounters, WhipCounters),
    "webrtc": ("WebRTC", WebRtcCounters),
    "hub": ("Broadcasts", HubCounters),
    "control": ("Accounts and keys", ControlCounters),
    "realtime": ("Realtime channels", RealtimeCounters),
    "chat": ("Chat", ChatCounters),
    "posters": ("Posters", PosterCounters),
    "audio": ("Sound made anew", RenditionCounters),
    "pictures": ("Pictures made anew", RenditionCounters),
    "fanout": ("FLV and RTMP viewers, with the label `format`", FanoutCounters),
}


class Limit(NamedTuple):
    """One constant of `base/limits.py` with the comment above it."""

    name: str
    value: str
    why: str


def groups(source: str) -> list[tuple[str, list[Limit]]]:
    """The limits by the heading comments of their file: a comment explains all constants up to the next."""
    values = {node.target.id: node.value for node in ast.parse(source).body if isinstance(node, ast.AnnAssign)
              and isinstance(node.target, ast.Name)}  # fmt: skip
    found: list[tuple[str, list[Limit]]] = []
    why: list[str] = []
    fresh = True
    for line in source.splitlines():
        if line.startswith("# ---"):
            found.append((line.strip("# -"), []))
            why = []
        elif line.startswith("#"):
            why = [*([] if fresh else why), line.removeprefix("# ")]
            fresh = False
        else:
            fresh = True
            name = line.partition(":")[0]
            if name in values and found:
                found[-1][1].append(Limit(name, _shown(name), " ".join(why)))
                continue
        if not line:
            why = []
    return found


def _shown(name: str) -> str:
    """A value with its unit, from the name's ending."""
    value = getattr(limits, name)
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    for part in (name, name.removesuffix("_MAX")):
        if part.endswith("_BYTES_PER_S"):
            return f"{_size(value)}/s"
        if part.endswith("_PER_S"):
            return f"{value:,} a second"
        if part.endswith("_BYTES"):
            return _size(value)
        if part.endswith("_S"):
            return _duration(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _size(value: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= size and value % size == 0:
            return f"{value // size:,} {unit}"
    return f"{value:,} bytes"


def _duration(value: float) -> str:
    if value >= 3600 and value % 3600 == 0:
        return f"{value / 3600:g} h"
    if value >= 120 and value % 60 == 0:
        return f"{value / 60:g} min"
    return f"{value:g} s"


def limits_page() -> str:
    lines = [_LIMITS_HEAD.rstrip(), ""]
    for head, inner in groups(Path(limits.__file__).read_text(encoding="utf-8")):
        lines += [f"## {head[:1].upper()}{head[1:]}", "", "| limit | value | why |", "|---|---|---|"]
        lines += [f"| `{limit.name}` | {limit.value} | {limit.why} |" for limit in inner]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def configuration_page() -> str:
    return _CONFIGURATION_HEAD + sample.page().rstrip() + "\n"


def gauges() -> dict[str, str]:
    """Numbers that rise and fall, and what they are: the calls of `gauge` in the program's wiring."""
    tree = ast.parse(WIRING.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "gauge"]
    return {ast.literal_eval(call.args[0]): ast.literal_eval(call.args[1]) for call in calls}


def metrics_page() -> str:
    lines = [_METRICS_HEAD.rstrip()]
    lines += [f"| `madang_{name}` | {_sentence(words)} |" for name, words in gauges().items()]
    for room, (head, *kinds) in COUNTED.items():
        lines += ["", f"## {head}", "", "| metric | counts |", "|---|---|"]
        told = {name: words for kind in kinds for name, words in explanations(kind).items()}
        lines += [f"| `madang_{room}_{name}_total` | {_sentence(words)} |" for name, words in told.items()]
    return "\n".join(lines) + "\n"


def _sentence(words: str) -> str:
    """As a cell of a table: the first letter small, unless it begins a name, and no full stop."""
    first = words.split()[0]
    begun = (
        words
        if any(letter.isupper() or letter.isdigit() for letter in first[1:])
        else words[:1].lower() + words[1:]
    )
    return begun.removesuffix(".")


def commands() -> dict[str, Any]:
    """Every command by its words, as `madang --help` has them."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: str) -> None:
        if not hasattr(command, "commands"):
            found[words] = command
            return
        for name, inner in command.commands.items():
            walk(inner, f"{words} {name}".strip())

    walk(typer.main.get_command(cli.app), "")
    return found


def command_line_page() -> str:
    lines = [_COMMANDS_HEAD.rstrip()]
    for words, command in commands().items():
        own = [each for each in command.params if each.name not in _EVERYWHERE]
        arguments = [_shown_parameter(each) for each in own if each.param_type_name == "argument"]
        lines += ["", f"## {words}", "", f"`{' '.join(['madang', words, *arguments])}`", ""]
        lines += [" ".join((command.help or "").split())]
        if own:
            lines += ["", "| | |", "|---|---|"]
            lines += [f"| `{_shown_parameter(each)}` | {each.help or ''} |" for each in own]
    return "\n".join(lines) + "\n"


def _shown_parameter(one: Any) -> str:
    """`NAME` of an argument, `--name VALUE` of an option, `--name` of a switch."""
    if one.param_type_name == "argument":
        return str(one.metavar or one.name.upper())
    value = "" if one.is_flag else f" {one.metavar or one.name.upper()}"
    return f"{one.opts[-1]}{value}"


def pages() -> dict[Path, str]:
    """Every generated page."""
    return {
        CONFIGURATION: configuration_page(),
        LIMITS: limits_page(),
        METRICS: metrics_page(),
        COMMANDS: command_line_page(),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")

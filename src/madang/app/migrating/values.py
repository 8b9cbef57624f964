"""Values as Centrifugo's configuration writes them: durations, flags, numbers, lists, places to listen.

Each function raises ValueError with half a sentence for the operator.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


def text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("is a text")


def flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0", ""):
        return value.lower() in ("true", "1")
    raise ValueError("is true or false")


def count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value, re.ASCII):
        return int(value)
    raise ValueError("is a whole number")


def port(value: object) -> int:
    """0 for none."""
    return 0 if value == "" else count(value)


def duration(value: object) -> float:
    """Seconds of `1m30s` or `500ms`; negative for `-1` and `-1s`, which switch things off."""
    told = text(value).strip()
    if told in ("", "0"):
        return 0.0
    if told.startswith("-"):
        return -1.0
    parts = _PART.findall(told)
    if not parts or "".join(number + unit for number, unit in parts) != told:
        raise ValueError("is a duration like 500ms, 25s or 720h")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def switched(value: object) -> float:
    """A duration, 0 where it is switched off."""
    return max(duration(value), 0.0)


def listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list):
        return tuple(text(one) for one in value)
    raise ValueError("is a list of texts")


def texts(value: object) -> dict[str, str]:
    """A table of texts; as JSON in a variable."""
    return {name: text(one) for name, one in table(value).items()}


def table(value: object) -> dict[str, object]:
    """Also as JSON."""
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError("is a table")
    return dict(value)


def tables(value: object) -> list[dict[str, object]]:
    """A list of tables; as JSON, or their names alone, in a variable."""
    if isinstance(value, str):
        value = json.loads(value) if value.startswith("[") else [{"name": name} for name in value.split()]
    if not isinstance(value, list):
        raise ValueError("is a list of tables")
    return [table(one) for one in value]


def place(address: str, port: int) -> str:
    """Where to listen; an empty address means all."""
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}"

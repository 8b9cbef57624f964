"""Every bound is a constant with a reason, and they fit together."""

import ast
import re
from pathlib import Path

import pytest

from madang.base import limits

SOURCE = Path(limits.__file__).read_text(encoding="utf-8")
NAMES = [name for name in vars(limits) if name.isupper()]


@pytest.mark.parametrize("name", NAMES)
def test_a_bound_is_final_positive_and_named_with_its_unit(name: str) -> None:
    value = getattr(limits, name)
    for number in value if isinstance(value, tuple) else (value,):
        assert number > 0
    assert re.search(rf"^{name}: Final = ", SOURCE, re.MULTILINE)
    if isinstance(value, float):
        assert "_S" in name or "PER" in name or "SHARE" in name


def test_each_group_of_bounds_has_its_reason() -> None:
    lines = SOURCE.splitlines()
    for node in ast.parse(SOURCE).body:
        if isinstance(node, ast.AnnAssign):
            before = lines[node.lineno - 2]
            assert before.startswith("#") or ": Final" in before, lines[node.lineno - 1]


def test_the_bounds_fit_together() -> None:
    assert limits.TAKEOVER_SILENCE_S < limits.PUBLISHER_SILENT_S < limits.RECONNECT_WINDOW_S
    assert limits.TAKEOVER_GUARD_S < limits.TAKEOVER_REFUSAL_S
    assert limits.AUDIENCE_FORGET_S < 60
    assert limits.RTMP_MESSAGE_BYTES <= limits.RTMP_CONNECTION_BYTES
    assert limits.RTMP_MESSAGE_BYTES <= limits.GOP_BYTES
    assert limits.FORCED_EXIT_S < limits.DRAIN_S
    assert limits.FD_RESERVE < limits.CONNECTIONS_TOTAL

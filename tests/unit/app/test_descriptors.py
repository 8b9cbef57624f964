"""The process takes the descriptors that it may have."""

import resource

import pytest

from madang.app import descriptors
from madang.app.descriptors import WANTED, raise_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, WANTED * 2), WANTED),
        ((1024, 4096), 4096),
        ((1024, UNLIMITED), WANTED),
        ((WANTED + 1, WANTED + 1), None),
        ((256, 256), None),
        ((UNLIMITED, UNLIMITED), None),
    ],
)
def test_the_soft_limit_is_raised(
    monkeypatch: pytest.MonkeyPatch, before: tuple[int, int], after: int | None
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: before)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    granted = raise_limit()
    assert asked == ([(after, before[1])] if after else [])
    assert granted == (after or descriptors.limits()[0])

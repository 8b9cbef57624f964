"""Modules that are loaded when they are first needed."""

import sys

import pytest

from madang.base.later import declared, later

NAME = "xml.dom.domreg"


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    monkeypatch.setattr("madang.base.later._declared", {})


def test_a_module_is_loaded_by_the_first_use() -> None:
    domreg = later(NAME)
    assert NAME not in sys.modules
    assert callable(domreg.registerDOMImplementation)
    assert NAME in sys.modules


def test_each_name_is_looked_up_once() -> None:
    domreg = later(NAME)
    first = domreg.registered
    del sys.modules[NAME]
    assert domreg.registered is first
    assert NAME not in sys.modules


def test_what_is_not_there_is_said_as_a_module_says_it() -> None:
    with pytest.raises(AttributeError, match="nothing_such"):
        later(NAME).nothing_such  # noqa: B018
    with pytest.raises(ModuleNotFoundError):
        later("madang_has_no_such_module").anything  # noqa: B018


def test_everything_that_waits_is_known() -> None:
    later(NAME)
    assert declared() == (NAME,)

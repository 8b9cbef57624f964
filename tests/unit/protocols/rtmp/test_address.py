"""Application, name and parameters out of what encoders write into their URLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.protocols.rtmp.address import locate
from madang.protocols.rtmp.command import Connect


@pytest.mark.parametrize(
    ("tc_url", "app", "name", "expected"),
    [
        ("rtmp://h/live", "live", "key", ("live", "key")),
        ("rtmp://h:1935/live/", "live/", "key", ("live", "key")),
        ("rtmp://[::1]:1935/live", "live", "key", ("live", "key")),
        ("", "live", "key", ("live", "key")),
        ("rtmp://h", "live", "key", ("live", "key")),
        ("rtmp://h/app/a", "app/a", "b", ("app/a", "b")),
        ("rtmp://h/app", "app", "a/b", ("app/a", "b")),
        ("rtmp://h/live/name", "live/name", "", ("live", "name")),
        ("rtmp://h/live", "live", "", ("live", "")),
        ('"rtmp://h/live"', "live", "'key'", ("live", "key")),
        ("rtmp://h/live", "live", "key \0", ("live", "key")),
        ("rtmp://h/live", "live", "/key", ("live", "key")),
        ("rtmp://h/live", "live", "k%20y", ("live", "k y")),
        ("rtmp://h//live//", "/live/", "key", ("live", "key")),
        ("nonsense", "", "", ("", "")),
    ],
)
def test_encoders_split_it_differently(tc_url: str, app: str, name: str, expected: tuple[str, str]) -> None:
    address = locate(Connect(app=app, tc_url=tc_url), name)
    assert (address.app, address.name) == expected


@pytest.mark.parametrize(
    ("tc_url", "app", "name", "parameter", "value"),
    [
        ("rtmp://h/live", "live", "name?key=K", "key", "K"),
        ("rtmp://h/live?token=T", "live?token=T", "name", "token", "T"),
        ("rtmp://h/live/name?key=K", "live/name?key=K", "", "key", "K"),
        ("", "live?token=T", "name", "token", "T"),
        ("rtmp://u:p%40ss@h/live", "live", "name", "pass", "p@ss"),
        ("rtmp://u:p@h/live", "live", "name?pass=q", "pass", "q"),
        ("rtmp://h/live", "live", "name?a=1&key=K+/=&b", "key", "K+/="),
        ("rtmp://h/live", "live", "name?key=K\0 ", "key", "K"),
        ("rtmp://h/live", "live", "name?a=1?key=K", "key", "K"),
    ],
)
def test_parameters_stand_in_three_places(
    tc_url: str, app: str, name: str, parameter: str, value: str
) -> None:
    assert locate(Connect(app=app, tc_url=tc_url), name).parameter(parameter) == value


def test_first_parameter_that_is_there_counts() -> None:
    address = locate(Connect(app="live"), "name?key=&pass=P&token=T")
    assert address.parameter("key", "pass", "token") == "P"
    assert address.parameter("sign") == ""


def test_parameters_are_bounded_and_secret() -> None:
    address = locate(Connect(app="live"), "n?" + "&".join(f"k{i}=v" for i in range(1000)))
    assert len(address.parameters) == 32
    assert "v" not in repr(list(address.parameters.values()))


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_gives_some_address(tc_url: str, app: str, name: str) -> None:
    assert "/" not in locate(Connect(app=app, tc_url=tc_url), name).name or "%" in tc_url + app + name

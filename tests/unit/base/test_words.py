"""Names, ids, roles, secrets and errors: what they let through and what they hide."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import Bug, Overloaded, PeerError, Refused
from madang.base.ids import encode_id, is_slug
from madang.base.roles import ChannelRole, SiteRole, Visibility
from madang.base.secret import Secret


@pytest.mark.parametrize("name", ["a", "0", "my-show", "a_b-c", "x" * 64, "9lives"])
def test_names_that_may_be(name: str) -> None:
    assert is_slug(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "_a",
        "A",
        "a.b",
        "a/b",
        "..",
        "a b",
        "a\n",
        "\na",
        "a\x00",
        "x" * 65,
        "마당",
        "a\u0301",
        "١",
        "ſ",
        "a%2f",
        "CON ",
    ],
)
def test_names_that_may_not_be(name: str) -> None:
    assert not is_slug(name)


@given(st.text())
def test_a_name_is_safe_in_a_path_and_in_a_url(name: str) -> None:
    if is_slug(name):
        assert name.isascii() and name == name.lower() and not set(name) & set("/\\.%?#& \r\n\0")


@given(st.binary(min_size=1, max_size=32), st.binary(min_size=1, max_size=32))
def test_ids_are_short_and_as_different_as_their_bytes(one: bytes, other: bytes) -> None:
    assert len(encode_id(one)) == -(-len(one) * 8 // 5)
    assert is_slug(encode_id(one)[:64])
    if len(one) == len(other):
        assert (encode_id(one) == encode_id(other)) == (one == other)
        assert (encode_id(one) < encode_id(other)) == (one < other)


def test_an_id_by_the_table() -> None:
    assert encode_id(b"\x00") == "00"
    assert encode_id(b"\xff\xff\xff\xff\xff") == "zzzzzzzz"
    assert encode_id(bytes(16)) == "0" * 26


def test_ranks_fall_from_owner_to_guest() -> None:
    roles = list(ChannelRole)
    assert [role.rank for role in roles] == list(range(len(roles)))
    assert ChannelRole.OWNER.at_least(ChannelRole.GUEST)
    assert ChannelRole.MANAGER.at_least(ChannelRole.MANAGER)
    assert not ChannelRole.VIEWER.at_least(ChannelRole.SUBSCRIBER)
    assert {str(SiteRole.ADMIN), str(Visibility.PRIVATE)} == {"admin", "private"}


def test_a_secret_is_shown_to_nobody_who_does_not_ask() -> None:
    secret = Secret("live_abc123")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        "{}".format(secret),  # noqa: UP032
        repr([secret]),
        repr({"key": secret}),
    ]
    assert not any("abc" in text for text in shown)
    assert secret.reveal() == "live_abc123"
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert not Secret("") and Secret("x")


def test_errors_say_to_each_what_is_theirs() -> None:
    error = PeerError("malformed", "length 70000 over 65536 in chunk 7")
    assert error.told == error.reason
    assert str(error) == "malformed: length 70000 over 65536 in chunk 7"
    refused = Refused("busy", "holder k1", "Another encoder is live.")
    assert isinstance(refused, PeerError) and refused.told == "Another encoder is live."
    full = Overloaded("500 pending", retry_after_s=7)
    assert (full.code, full.retry_after_s) == ("overloaded", 7)
    assert not issubclass(Bug, PeerError)

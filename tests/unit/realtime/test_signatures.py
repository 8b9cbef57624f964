"""Signatures of tracked keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.realtime.polls import SECRET, sign

from madang.base.limits import REALTIME_SIGNATURE_BYTES
from madang.base.secret import Secret
from madang.realtime.ports import ReplyError
from madang.realtime.settings import SharedPollSettings
from madang.realtime.signatures import check

SETTINGS = SharedPollSettings(hmac_secret=Secret(SECRET))
WHOM = "ann", "votes:1"


def refused(settings: SharedPollSettings, signature: str, now: float = 1000.0) -> int:
    """The error's number; 0 for a good one."""
    try:
        check(settings, signature, ["a", "b"], WHOM, now)
    except ReplyError as error:
        return error.number
    return 0


def test_the_form_is_centrifugos() -> None:
    """Made by hand: NUL between iat, exp, user, channel and the digest of the keys."""
    made = "1000:1600:52ffc2e8b2fa1c6ffd2d3ec21dac2e04c8e4ec5da8b5eb1ce5be1b7c1bbfd36a"
    assert sign(["a", "b"], user="ann", issued=1000, expires=1600).partition(":")[0] == "1000"
    assert refused(SETTINGS, made) == 103
    assert check(SETTINGS, sign(["a", "b"], user="ann", expires=1600), ["a", "b"], WHOM, 1000) == 1600
    assert check(SETTINGS, sign(["a", "b"], user="ann"), ["a", "b"], WHOM, 1e12) == 0


def test_an_expired_one_is_taken_for_five_seconds_more() -> None:
    signature = sign(["a", "b"], user="ann", expires=1000)
    assert [refused(SETTINGS, signature, now) for now in (1000, 1005, 1005.5)] == [0, 0, 109]
    forged = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    assert refused(SETTINGS, forged, 2000) == 103, "a forged one is not said to have expired"


def test_the_secret_before_is_taken_until_its_time() -> None:
    rotated = SharedPollSettings(Secret("new"), Secret(SECRET), 1000.0)
    early, late = (sign(["a", "b"], user="ann", issued=issued) for issued in (900, 1001))
    assert refused(rotated, early, 999) == 0
    assert refused(rotated, early, 1001) == 103, "by our clock, whatever the signature says"
    assert refused(rotated, late, 999) == 103
    endless = SharedPollSettings(Secret("new"), Secret(SECRET))
    assert refused(endless, late, 1e9) == 0
    assert refused(SharedPollSettings(), sign(["a", "b"], user="ann", secret="")) == 103, "no secret, no key"


@pytest.mark.parametrize(
    "signature",
    ["", ":", "::", "1:2", "a:0:00", "-1:0:00", "0:0:" + "0" * REALTIME_SIGNATURE_BYTES, "٣:0:00", "0:0:é"],
)
def test_bad_ones(signature: str) -> None:
    assert refused(SETTINGS, signature) == 103


@given(st.text(max_size=200))
def test_any_text_is_refused(signature: str) -> None:
    assert refused(SETTINGS, signature) == 103


@given(st.lists(st.text(max_size=9), max_size=5), st.text(max_size=9), st.text(max_size=9))
def test_what_is_signed_is_taken(keys: list[str], user: str, channel: str) -> None:
    whom = user.replace("\ud800", ""), channel
    signature = sign(keys, user=whom[0], channel=channel, expires=2000)
    assert check(SETTINGS, signature, keys, whom, 1000) == 2000

"""Tokens under HMAC, beside PyJWT: what it signs is read, and nothing that it would refuse."""

import base64
import contextlib
import hmac
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.realtime.compact import CompactError, check_hmac, read_header

SECRET = "s" * 64


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@given(
    claims=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4),
    algorithm=st.sampled_from(("HS256", "HS384", "HS512")),
)
def test_what_pyjwt_signs_is_read(claims: dict[str, str], algorithm: str) -> None:
    token = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, algorithm, headers={"kid": "x"})
    assert read_header(token) == {"alg": algorithm, "kid": "x", "typ": "JWT"}
    assert json.loads(check_hmac(token, SECRET, algorithm)) == claims


@given(place=st.integers(min_value=0, max_value=200), letter=st.sampled_from("AZaz09-_.=+/ "))
def test_no_other_letter_is_let_through(place: int, letter: str) -> None:
    token = jwt.encode({"sub": "ann"}, SECRET, "HS256")
    forged = token[: place % len(token)] + letter + token[place % len(token) + 1 :]
    if forged != token:
        with pytest.raises(CompactError):
            check_hmac(forged, SECRET, "HS256")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "e30", "é..", "bnVsbA..", "W10..", "*.."])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(CompactError):
        read_header(token)
        check_hmac(token, SECRET, "HS256")


@pytest.mark.parametrize(
    "key", ["-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "ssh-ed25519 AAAA", " ssh-rsa AAAA"]
)
def test_a_public_key_is_no_secret(key: str) -> None:
    signed = f"{_segment(b'{}')}.{_segment(b'{}')}"
    token = f"{signed}.{_segment(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"
    with pytest.raises(CompactError):
        check_hmac(token, key, "HS256")


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for look in (read_header, _check):
        with contextlib.suppress(CompactError):
            look(text)


def _check(text: str) -> Any:
    return check_hmac(text, SECRET, "HS256")

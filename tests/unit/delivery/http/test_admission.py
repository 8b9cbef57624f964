"""What a request shows to the play gate."""

import json

import pytest

from madang.base.limits import TOKEN_BYTES
from madang.delivery.http.admission import NOT_FOUND, check_method, play_request


class FakeRequest:
    method = "GET"
    path = "/live/main.flv"
    client = "192.0.2.7"
    secure = False
    host = "localhost"
    http_1_0 = False

    def __init__(self, query: bytes = b"", **headers: bytes) -> None:
        self.query = query
        self.headers = headers

    def header(self, name: bytes) -> bytes:
        return self.headers.get(name.decode(), b"")


@pytest.mark.parametrize(
    ("query", "authorization", "token"),
    [
        (b"", b"", ""),
        (b"token=a.b%2Ec", b"", "a.b.c"),
        (b"x=1&token=abc&y=2", b"", "abc"),
        (b"mytoken=abc", b"", ""),
        (b"", b"Bearer abc", "abc"),
        (b"", b"bearer  abc ", "abc"),
        (b"", b"Basic abc", ""),
        (b"token=query", b"Bearer header", "query"),
        (b"token=" + b"x" * (TOKEN_BYTES + 1), b"", ""),
    ],
)
def test_a_token_is_found_in_the_query_or_as_a_bearer(query: bytes, authorization: bytes, token: str) -> None:
    asked = play_request("flv", "main", FakeRequest(query, authorization=authorization))
    assert asked.token.reveal() == token
    assert (asked.door, asked.name, asked.peer) == ("flv", "main", "192.0.2.7")


@pytest.mark.parametrize(
    ("cookie", "session"),
    [
        (b"", ""),
        (b"madang_session=abc", "abc"),
        (b'a=b; madang_session="abc"; c=d', "abc"),
        (b"not_madang_session=abc", ""),
        (b"madang_session=" + b"x" * (TOKEN_BYTES + 1), ""),
    ],
)
def test_a_session_is_found_in_its_own_cookie_alone(cookie: bytes, session: str) -> None:
    assert play_request("flv", "main", FakeRequest(cookie=cookie)).session.reveal() == session


def test_pages_of_other_sites_may_read_why_not() -> None:
    assert json.loads(NOT_FOUND.body)["type"] == "not_found"
    assert (b"Access-Control-Allow-Origin", b"*") in NOT_FOUND.headers


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 0), ("HEAD", 0), ("OPTIONS", 204), ("POST", 405), ("", 405)]
)
def test_methods_of_media(method: str, status: int) -> None:
    refusal = check_method(method)
    assert (refusal.status if refusal is not None else 0) == status

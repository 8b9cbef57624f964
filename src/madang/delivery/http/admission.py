"""What a viewer's HTTP request shows to the play gate, and the answers to those who may not watch."""

import re
from typing import Final
from urllib.parse import unquote_plus

from madang.base.limits import TOKEN_BYTES
from madang.base.secret import Secret
from madang.base.session import SESSION_COOKIE
from madang.hub.gate import PlayRequest
from madang.net.http.problem import problem
from madang.net.http.routes import Answer, Request

CORS: Final = (
    (b"Access-Control-Allow-Origin", b"*"),
    (b"Access-Control-Expose-Headers", b"Content-Length, Content-Range, Date, Age, ETag"),
)

_TOKEN = re.compile(rb"(?:^|&)token=([^&]*)")
_COOKIE = re.compile(rb"(?:^|;)\s*" + SESSION_COOKIE.encode() + rb"=([^;]*)")


def play_request(door: str, name: str, request: Request) -> PlayRequest:
    """The credentials of a request: `token` in the query or as a bearer, and the session cookie."""
    return PlayRequest(
        door=door, name=name, peer=request.client, token=_token(request), session=_session(request)
    )


def check_method(method: str) -> Answer | None:
    """The answer to a method that media has no use for, None for GET and HEAD."""
    if method in ("GET", "HEAD"):
        return None
    return PREFLIGHT if method == "OPTIONS" else WRONG_METHOD


NOT_FOUND: Final = problem(404, "not_found", "No such channel, or it is not live.", *CORS)
WRONG_METHOD: Final = problem(
    405, "wrong_method", "Use GET or HEAD.", *CORS, (b"Allow", b"GET, HEAD, OPTIONS")
)
PREFLIGHT: Final = Answer(
    204,
    (
        *CORS,
        (b"Access-Control-Allow-Methods", b"GET, HEAD, OPTIONS"),
        (b"Access-Control-Allow-Headers", b"Authorization, Range"),
        (b"Access-Control-Max-Age", b"86400"),
    ),
)


def _token(request: Request) -> Secret:
    found = _TOKEN.search(request.query)
    if found is None:
        scheme, _, bearer = request.header(b"authorization").partition(b" ")
        text = bearer.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
    else:
        text = unquote_plus(found[1].decode("latin-1"))
    return Secret(text if len(text) <= TOKEN_BYTES else "")


def _session(request: Request) -> Secret:
    found = _COOKIE.search(request.header(b"cookie"))
    return Secret(found[1].decode("latin-1").strip('"') if found and len(found[1]) <= TOKEN_BYTES else "")

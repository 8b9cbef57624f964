"""Who calls: session cookie or bearer token, the client's address; foreign pages are refused (A17)."""

from urllib.parse import urlsplit

from fastapi import Request

from madang.api.problems import ProblemError
from madang.base.secret import Secret
from madang.base.session import SESSION_COOKIE
from madang.control import Control
from madang.control.rights import Actor

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def peer_of(request: Request) -> str:
    """The client's address, as the HTTP front resolved it."""
    return request.client.host if request.client else ""


def user_agent_of(request: Request) -> str:
    return request.headers.get("user-agent", "")[:300]


def play_token_of(request: Request) -> Secret:
    """A play token from the query or the bearer: a JWT, by its two dots; empty without one."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    shown = request.query_params.get("token", "") or (bearer.strip() if scheme.lower() == "bearer" else "")
    return Secret(shown if shown.count(".") == 2 else "")


async def actor_of(request: Request) -> Actor | None:
    """Who is signed in; asked once per request. A wrong bearer is an error, a stale cookie is a guest."""
    if not hasattr(request.state, "actor"):
        request.state.actor = await _find_actor(request)
    found: Actor | None = request.state.actor
    return found


async def _find_actor(request: Request) -> Actor | None:
    control: Control = request.app.state.control
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        actor = await control.authenticate_bearer(Secret(bearer.strip()), peer_of(request))
        if actor is None and play_token_of(request):
            return None  # a guest with a play token, which opens one channel and nothing else
        if actor is None:
            raise ProblemError(401, "bad_token", "This API token is unknown, expired or revoked.")
        return actor
    cookie = request.cookies.get(SESSION_COOKIE, "")
    refuse_foreign_pages(request)
    if not cookie:
        return None
    return await control.authenticate_session(Secret(cookie), peer_of(request))


def refuse_foreign_pages(request: Request) -> None:
    """A state-changing request that may ride on a cookie shows `X-Madang: 1`, which no form and no foreign
    page without a preflight can, or JSON from our own origin."""
    if request.method in _SAFE or request.headers.get("x-madang") == "1":
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" and is_own_origin(request, request.headers.get("origin", "")):
        return
    raise ProblemError(403, "foreign_page", "State-changing requests carry the header `X-Madang: 1`.")


def is_own_origin(request: Request, origin: str) -> bool:
    """Whether `origin` is this site: compared exactly, `null` and an absent one are not."""
    control: Control = request.app.state.control
    return control.is_own_origin(origin, request.headers.get("host", "")) if _is_origin(origin) else False


def _is_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not (parts.path or parts.query)

"""The session cookie: HttpOnly, SameSite=Lax, Secure where the page came by HTTPS."""

from fastapi import Request, Response

from madang.base.secret import Secret
from madang.base.session import SESSION_COOKIE
from madang.control import Control


def give(response: Response, request: Request, cookie: Secret) -> None:
    """Sign the browser in."""
    control: Control = request.app.state.control
    response.set_cookie(
        SESSION_COOKIE,
        cookie.reveal(),
        max_age=int(control.settings.session_s),
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def take(response: Response, request: Request) -> None:
    """Sign the browser out."""
    response.delete_cookie(
        SESSION_COOKIE, path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def _is_secure(request: Request) -> bool:
    control: Control = request.app.state.control
    return request.url.scheme == "https" or control.settings.public_url.startswith("https://")

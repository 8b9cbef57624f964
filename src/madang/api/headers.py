"""Headers that every answer carries, and who from elsewhere may ask (A15, A16, A20, A22)."""

import re
from collections.abc import Callable

from madang.api.asgi import App, Headers, Message, Receive, Reply, Scope, Send, header
from madang.control import Control
from madang.control.urls import base_of

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED = "Authorization, Content-Type, Idempotency-Key, X-Madang"
_TOLD = "Retry-After, Idempotency-Replayed"
_ORDER_PAGE = re.compile(r"/pay/[0-9a-z]{26}", re.ASCII)
_OPEN = frozenset({"/oembed", "/openapi.json"})
_SECRET_PATHS = ("/login/", "/invite/", "/pay/", "/overlay/")
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def page_policy(own: str, public: str, *, framed: bool, pay: tuple[str, ...] = ()) -> str:
    """The content security policy of a page at `own`; media may also come from the public URL, and on an
    order's page the payment providers' scripts and frames from `pay`."""
    host = own.partition("://")[2]
    connect = " ".join(
        dict.fromkeys(["'self'", f"ws://{host}", f"wss://{host}", *([public] if public else [])])
    )
    images = f"'self' data: blob: {public}".strip()
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *pay)),
            "style-src 'self'",
            f"img-src {images}",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "font-src 'self'",
            " ".join((f"connect-src {connect}", *pay)),
            " ".join(("frame-src 'self'", *pay)),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {'*' if framed else chr(39) + 'none' + chr(39)}",
            # A provider's script knows nothing of trusted types.
            *(() if pay else ("require-trusted-types-for 'script'", "trusted-types default")),
        )
    )


class SecureHeaders:
    """Wraps the application: adds the headers, answers preflights."""

    def __init__(self, app: App, control: Control, pay: Callable[[], tuple[str, ...]] = tuple) -> None:
        """`pay` tells whose scripts an order's page may load."""
        self._app = app
        self._pay = pay
        self._origins = frozenset(control.settings.cors_origins)
        self._public = control.settings.public_url.rstrip("/")
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = self._extra(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _joined(list(message["headers"]), extra)
            await send(message)

        if scope["method"] == "OPTIONS":
            await self._preflight(scope).send(scope, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _extra(self, scope: Scope) -> dict[bytes, bytes]:
        path: str = scope["path"]
        api = path.startswith("/api/") or path in _OPEN
        framed = path.startswith("/embed/")
        own = base_of(scope.get("scheme", "http"), header(scope, b"host"))
        pay = self._pay() if _ORDER_PAGE.fullmatch(path) else ()
        policy = _API_POLICY if api else page_policy(own, self._public, framed=framed, pay=pay)
        extra = {
            b"x-content-type-options": b"nosniff",
            b"referrer-policy": b"no-referrer"
            if api or any(secret in path for secret in _SECRET_PATHS)
            else b"strict-origin-when-cross-origin",
            b"content-security-policy": policy.encode("latin-1", "replace"),
            b"permissions-policy": b"geolocation=(), usb=()" + (b"" if pay else b", payment=()"),
        }
        if not framed:
            extra[b"x-frame-options"] = b"DENY"
            extra[b"cross-origin-opener-policy"] = b"same-origin-allow-popups" if pay else b"same-origin"
        if api:
            extra[b"cache-control"] = b"no-store"
        return extra | self._cross_origin(scope, path)

    def _cross_origin(self, scope: Scope, path: str) -> dict[bytes, bytes]:
        """CORS: origins are compared exactly with the list; `*` never goes with credentials."""
        if path in _OPEN:
            return {b"access-control-allow-origin": b"*"}
        if not path.startswith("/api/"):
            return {}
        origin = header(scope, b"origin")
        if origin not in self._origins:
            return {b"vary": b"Origin"}
        return {
            b"access-control-allow-origin": origin.encode("latin-1"),
            b"access-control-allow-credentials": b"true",
            b"access-control-expose-headers": _TOLD.encode(),
            b"vary": b"Origin",
        }

    def _preflight(self, scope: Scope) -> Reply:
        origin = header(scope, b"origin")
        allowed = scope["path"] in _OPEN or origin in self._origins
        headers = {"allow": f"{_METHODS}, OPTIONS"}
        if allowed and header(scope, b"access-control-request-method"):
            headers |= {
                "access-control-allow-methods": _METHODS,
                "access-control-allow-headers": _ASKED,
                "access-control-max-age": "600",
            }
        return Reply(204, b"", "", headers)


def _joined(headers: Headers, extra: dict[bytes, bytes]) -> Headers:
    """The answer's own headers stay; what it does not say is added. `Vary` is joined."""
    said = {name.lower() for name, _ in headers}
    joined = [(name, value) for name, value in headers]
    for name, value in extra.items():
        if name not in said or name == b"vary":
            joined.append((name, value))
    return joined

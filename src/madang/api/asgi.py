"""As much of ASGI as pages and headers need, so that neither waits for the API's framework to load."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, scope: Scope, send: Send) -> None:
        """Write it; HEAD gets the head alone."""
        head = {"content-type": self.kind, **self.headers} if self.kind else dict(self.headers)
        if self.status != 304:
            head["content-length"] = str(len(self.body))
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": lines})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> str:
    """The first header of this lower-case name, or empty."""
    found: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in found if key == name), "")


def cookie(scope: Scope, name: str) -> str:
    """The value of a cookie, or empty."""
    for part in header(scope, b"cookie").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def peer(scope: Scope) -> str:
    """The client's address, as the HTTP front resolved it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def base(scope: Scope) -> str:
    """`scheme://host` as asked."""
    return f"{scope.get('scheme', 'http')}://{header(scope, b'host')}"

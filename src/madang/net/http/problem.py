"""Refusals that say why, in problem+json (RFC 9457)."""

from typing import Final

import msgspec

from madang.base.problem import document
from madang.net.http.routes import Answer

NO_STORE: Final = (b"Cache-Control", b"no-store")
_TYPE: Final = (b"Content-Type", b"application/problem+json")


def problem(status: int, kind: str, detail: str, *headers: tuple[bytes, bytes]) -> Answer:
    """An answer of `status` that no cache keeps; `headers` come behind its own."""
    body = msgspec.json.encode(document(status, kind, detail))
    return Answer(status, (_TYPE, NO_STORE, *headers), body)

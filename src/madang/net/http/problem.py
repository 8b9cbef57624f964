"""Refusals that say why: problem+json (RFC 9457) with a word for programs and a sentence for people."""

from typing import Final

import msgspec

from madang.net.http.routes import Answer

NO_STORE: Final = (b"Cache-Control", b"no-store")
_TYPE: Final = (b"Content-Type", b"application/problem+json")


def problem(status: int, code: str, detail: str, *headers: tuple[bytes, bytes]) -> Answer:
    """An answer of `status` that no cache keeps; `headers` come behind its own."""
    body = msgspec.json.encode({"type": "about:blank", "status": status, "code": code, "detail": detail})
    return Answer(status, (_TYPE, NO_STORE, *headers), body)

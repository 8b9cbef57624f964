"""Bodies read strictly: small, shallow, JSON and nothing else (A17, A45); creations may be repeated."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from madang.api.idempotency import repeated
from madang.api.problems import ProblemError
from madang.base.limits import API_BODY_BYTES, JSON_DEPTH, UPLOAD_BYTES

_DIGITS_MAX = 20
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
type_of_answer = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose body is bounded and whose JSON is unambiguous."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_body(self, API_BODY_BYTES)
            kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
            if self._body and kind != "application/json":
                raise ProblemError(415, "not_json", "The body must be application/json.")
        return self._body

    async def json(self) -> object:
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route of the API: strict bodies, and `Idempotency-Key` on POST."""

    def get_route_handler(self) -> type_of_answer:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            own = StrictRequest(request.scope, request.receive)
            if request.method == "POST" and "idempotency-key" in request.headers:
                return await repeated(own, handler)
            return await handler(own)

        return strict


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes."""
    too_large = ProblemError(413, "too_large", f"The body may have at most {limit} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise too_large
        pieces.append(piece)
    return b"".join(pieces)


async def read_picture(request: Request) -> bytes:
    """An uploaded picture, as the whole body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _PICTURES:
        raise ProblemError(415, "not_a_picture", "Send a PNG, JPEG, WebP or GIF picture.")
    return await read_body(request, UPLOAD_BYTES)


def parse_json(body: bytes) -> object:
    """JSON without NaN, duplicate keys, endless digits, lone surrogates, or depth beyond JSON_DEPTH."""
    try:
        text = body.decode()
        _check_depth(text)
        value: object = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_int, parse_float=_float
        )
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, "bad_json", "The body is not acceptable JSON.") from error
    return value


def _check_depth(text: str) -> None:
    depth, quoted, escaped = 0, False, False
    for letter in text:
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            depth += 1
            if depth > JSON_DEPTH:
                raise ValueError("too deep")
        elif letter in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _int(digits: str) -> int:
    if len(digits) > _DIGITS_MAX:
        raise ValueError("too many digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("too large")
    return value

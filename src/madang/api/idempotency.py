"""`Idempotency-Key`: a creation sent twice happens once, and is answered the same twice."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from madang.api.callers import actor_of
from madang.api.problems import ProblemError
from madang.control import Control
from madang.control.idempotency import Answered

_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def repeated(request: Request, handler: Handler) -> Response:
    """Answer by `handler`, or as this key was answered before. Guests have no keys: the header is ignored."""
    control: Control = request.app.state.control
    text = request.headers["idempotency-key"]
    if _KEY.fullmatch(text) is None:
        raise ProblemError(400, "bad_idempotency_key", "Idempotency-Key is 1 to 128 visible ASCII letters.")
    actor = await actor_of(request)
    if actor is None:
        return await handler(request)
    digest = hashlib.sha256(request.url.path.encode() + b"\0" + await request.body()).hexdigest()
    name = f"{actor.account}\n{text}"
    async with control.answers.turn(name):
        kept = await control.answers.find(name, digest)
        if kept is not None:
            return _again(kept)
        response = await handler(request)
        if response.status_code < 400:
            answered = Answered(response.status_code, bytes(response.body))
            await asyncio.shield(control.answers.keep(name, digest, answered))
        return response


def _again(kept: Answered) -> Response:
    headers = {"Idempotency-Replayed": "true", "Cache-Control": "no-store"}
    return Response(kept.body, kept.status, headers, media_type="application/json")

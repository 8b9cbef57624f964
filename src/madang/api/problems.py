"""Errors on the wire: RFC 9457 problem+json, whatever went wrong, without a word of our insides (A14)."""

import logging
import re
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from madang.base.errors import Overloaded, PeerError
from madang.base.problem import TITLES, document
from madang.control.errors import (
    Conflict,
    FieldFault,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
)

log = logging.getLogger("madang.api")

_STATUS: dict[type[PeerError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    TooMany: 429,
    Overloaded: 503,
}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class ProblemError(HTTPException):
    """A problem found at the door itself."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        fields: Sequence[FieldFault] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind
        self.fields = fields


def problem(
    status: int,
    kind: str,
    detail: str,
    fields: Sequence[FieldFault] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The answer itself."""
    faults = [{"field": f.field, "code": f.code, "message": f.message} for f in fields]
    body = document(status, kind, detail, faults)
    extra = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(body, status, extra, media_type="application/problem+json")


def from_peer_error(error: PeerError) -> JSONResponse:
    """What a use-case refused, as a problem."""
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
    retry = getattr(error, "retry_after_s", 0)
    headers = {"Retry-After": str(retry)} if retry else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(status, error.code, error.told, getattr(error, "fields", ()), headers)


def from_validation(error: RequestValidationError) -> JSONResponse:
    """What pydantic found, field by field; the input is not reflected."""
    faults = [
        FieldFault(_field(found["loc"][1:]), str(found["type"]), str(found["msg"]))
        for found in error.errors()
    ]
    if any(fault.code == "json_invalid" for fault in faults):
        return problem(400, "bad_json", "The body is not JSON.")
    return problem(422, "invalid", "Some fields are not acceptable.", faults)


def _field(place: Sequence[object]) -> str:
    """Where in the request; a name that only the request knows is not repeated (A14)."""
    name = ".".join(str(part) for part in place)
    return name if _NAME.fullmatch(name) else ""


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""

    async def on_peer_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, PeerError)
        return from_peer_error(error)

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return from_validation(error)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        kind = getattr(error, "kind", TITLES.get(error.status_code, "error").lower().replace(" ", "_"))
        headers = dict(error.headers or {})
        return problem(error.status_code, kind, error.detail, getattr(error, "fields", ()), headers)

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        log.error("api_bug", extra={"route": request.scope.get("path", "")}, exc_info=error)
        return problem(500, "bug", "Something went wrong here; it has been written down.")

    app.add_exception_handler(PeerError, on_peer_error)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)

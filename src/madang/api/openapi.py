"""The OpenAPI document: `python -m madang.api.openapi` prints it for the pages' type generator."""

import json
import sys
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from madang import __version__
from madang.api.guard import Guard
from madang.api.problems import install
from madang.api.routes import v1
from madang.base.errors import Bug
from madang.base.session import SESSION_COOKIE
from madang.control.rights import Right

_REPEAT = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 128 visible ASCII letters: what is sent again with them happens once, and is "
    "answered the same, for 24 hours. Guests have none.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
_ABOUT = """\
Everything that the pages can do, by HTTP. Sign in with a session cookie (the pages do; state-changing
requests then carry the header `X-Madang: 1`), or send an API token as `Authorization: Bearer`. Errors are
`application/problem+json` (RFC 9457). Creations accept `Idempotency-Key`. Lists are paged by `limit` and
`cursor`; `next` of a page is the cursor of the one behind it, null at the end.

`/api/v1/events/ws` is a websocket with the same messages as `/api/v1/events/stream`.
"""


def bare_app() -> FastAPI:
    """The routes and their document, without anything behind them."""
    app = FastAPI(
        title="Madang",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    install(app)
    # Flat: an included router is resolved afresh for each request.
    app.router.routes.extend(v1())
    _write_rights(app)
    return app


def guard_of(route: APIRoute) -> Guard:
    """The guard of a route; one without is our own fault, and does not start."""
    for dependant in route.dependant.dependencies:
        if isinstance(dependant.call, Guard):
            return dependant.call
    raise Bug(f"{route.path} declares no right")


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every API route of the app."""
    return [route for route in app.routes if isinstance(route, APIRoute)]


def _write_rights(app: FastAPI) -> None:
    for route in routes_of(app):
        guard = guard_of(route)
        route.unique_id = route.operation_id = route.name
        extra: dict[str, Any] = dict(route.openapi_extra or {})
        extra["x-right"] = guard.right.value
        if guard.scope is not None:
            extra["x-scope"] = guard.scope.value
        ways: list[dict[str, list[str]]] = [{"session": []}]
        if guard.scope is not None:
            ways.append({"token": [guard.scope.value]})
        if guard.right in (Right.PUBLIC, Right.WATCH):
            ways.append({})
        extra["security"] = ways
        route.openapi_extra = extra


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document; every operation may answer with a problem."""
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = found.setdefault("components", {})
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
        "token": {"type": "http", "scheme": "bearer"},
    }
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    from madang.api.schemas import Problem

    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schemas["Problem"].pop("$defs", {}))
    told = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in found["paths"].values():
        for method, operation in path.items():
            if method == "post" and "201" in operation["responses"]:
                operation.setdefault("parameters", []).append(_REPEAT)
            operation["responses"].pop("422", None)
            for answer in operation["responses"].values():
                if answer["description"] == "Successful Response":
                    answer["description"] = _about(answer, schemas)
            operation["responses"]["default"] = {"description": "A problem (RFC 9457).", "content": told}
    return found


def _about(answer: dict[str, Any], schemas: dict[str, Any]) -> str:
    """What an answer is: the sentence of its schema, where it has one."""
    if "content" not in answer:
        return "Done; there is no body."
    reference = answer["content"].get("application/json", {}).get("schema", {}).get("$ref", "")
    told: str = schemas.get(reference.rpartition("/")[2], {}).get("description", "What was asked for.")
    return told


if __name__ == "__main__":
    json.dump(document(bare_app()), sys.stdout, indent=1, ensure_ascii=False, sort_keys=True)
    sys.stdout.write("\n")

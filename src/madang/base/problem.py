"""The document that every refusal over HTTP is (RFC 9457), in one shape wherever it comes from."""

from collections.abc import Mapping, Sequence
from typing import Final

TITLES: Final = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Nothing to agree on",
    409: "Conflict",
    412: "Changed since",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not acceptable",
    428: "Say what you know",
    429: "Too many attempts",
    500: "Our fault",
    503: "Overloaded",
}


def document(
    status: int, kind: str, detail: str, errors: Sequence[Mapping[str, str]] = ()
) -> dict[str, object]:
    """What a refusal says: a word for programs (`type`), a sentence for people, and faults field by field."""
    title = TITLES.get(status, "Error")
    return {"type": kind, "title": title, "status": status, "detail": detail, "errors": [*errors]}

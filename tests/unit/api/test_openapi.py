"""The document of the API says what each thing is: no operation, parameter or field without a sentence."""

from collections.abc import Iterator
from typing import Any

import pytest

from madang.api.openapi import bare_app, document


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return document(bare_app())


def _things(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in told["components"]["schemas"].items():
        if name != "JsonValue":  # any JSON at all, and pydantic's own
            yield name, schema
        yield from ((f"{name}.{field}", shape) for field, shape in schema.get("properties", {}).items())
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            yield f"{method} {path}", operation
            for parameter in operation.get("parameters", []):
                yield f"{method} {path} {parameter['name']}", parameter


def test_everything_has_a_sentence(told: dict[str, Any]) -> None:
    things = list(_things(told))
    assert len(things) > 800
    assert [name for name, thing in things if not thing.get("description", "").strip()] == []


def test_sentences_are_sentences(told: dict[str, Any]) -> None:
    bad = [name for name, thing in _things(told) if not thing["description"].strip().endswith((".", "?"))]
    assert [name for name in bad if name != "JsonValue"] == []


def test_creations_tell_of_their_idempotency_key(told: dict[str, Any]) -> None:
    creations = [
        operation
        for operations in told["paths"].values()
        for method, operation in operations.items()
        if method == "post" and "201" in operation["responses"]
    ]
    assert len(creations) > 10
    for operation in creations:
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]


def test_answers_are_told_of(told: dict[str, Any]) -> None:
    for operations in told["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                assert answer["description"].endswith("."), operation["operationId"]
                assert (status == "204") == (answer["description"] == "Done; there is no body.")

"""Refusals that say why."""

import json

from madang.net.http.problem import problem


def test_a_problem_is_json_that_no_cache_keeps() -> None:
    answer = problem(503, "overloaded", 'Say "please".', (b"Retry-After", b"2"))
    assert json.loads(answer.body) == {
        "type": "overloaded",
        "title": "Overloaded",
        "status": 503,
        "detail": 'Say "please".',
        "errors": [],
    }
    assert dict(answer.headers) == {
        b"Content-Type": b"application/problem+json",
        b"Cache-Control": b"no-store",
        b"Retry-After": b"2",
    }

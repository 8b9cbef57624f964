"""Health, readiness, version and metrics, as operators and balancers ask for them."""

import json

import pytest

from madang.app.metrics import Metrics
from madang.app.operations import Operations
from madang.app.sections import Metrics as MetricsSettings
from madang.net.http.routes import Answer, Hold, Request


class Asked:
    """A request head."""

    def __init__(self, path: str, method: str = "GET", client: str = "127.0.0.1", **headers: str) -> None:
        self.path = path
        self.method = method
        self.client = client
        self.query = b""
        self.secure = False
        self.host = "h"
        self.http_1_0 = False
        self._headers = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}

    def header(self, name: bytes) -> bytes:
        return self._headers.get(name, b"")


@pytest.fixture
def wrong() -> list[str]:
    return []


@pytest.fixture
def operations(wrong: list[str]) -> Operations:
    async def has_scope(token: str) -> bool:
        return token == "mdg_good"

    return Operations(Metrics(), MetricsSettings(), lambda: wrong, has_scope)


def answer(operations: Operations, request: Request) -> Answer:
    found = operations.ask(request)
    assert isinstance(found, Answer)
    return found


async def held(operations: Operations, request: Request) -> Answer:
    found = operations.ask(request)
    assert isinstance(found, Hold)
    for task in list(operations._deciding):
        await task
    assert isinstance(found.answer, Answer)
    return found.answer


def test_health_tells_the_truth(operations: Operations, wrong: list[str]) -> None:
    for path in ("/healthz", "/health"):
        assert json.loads(answer(operations, Asked(path)).body) == {"status": "ok", "wrong": []}
    wrong.append("The disk is full.")
    found = answer(operations, Asked("/healthz"))
    assert found.status == 200
    assert json.loads(found.body) == {"status": "degraded", "wrong": wrong}


def test_ready_only_while_doors_are_open(operations: Operations) -> None:
    assert answer(operations, Asked("/readyz")).status == 503
    operations.ready = True
    assert answer(operations, Asked("/readyz")).status == 200


def test_version_and_what_is_not_ours(operations: Operations) -> None:
    assert json.loads(answer(operations, Asked("/version")).body)["name"] == "madang"
    assert operations.ask(Asked("/")) is None
    assert operations.ask(Asked("/metrics/")) is None
    assert answer(operations, Asked("/healthz", "POST")).status == 405


async def test_the_first_scrape_loads_the_library_aside_and_the_next_answers_at_once(
    operations: Operations,
) -> None:
    first = await held(operations, Asked("/metrics"))
    assert first.status == 200
    assert b"madang_loop_lag_seconds" in first.body
    assert answer(operations, Asked("/metrics")).status == 200


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        ("203.0.113.9", {}),
        ("127.0.0.1", {"x_forwarded_for": "203.0.113.9"}),
        ("127.0.0.1", {"forwarded": "for=203.0.113.9"}),
        ("203.0.113.9", {"authorization": "Basic mdg_good"}),
        ("203.0.113.9", {"authorization": "Bearer "}),
    ],
)
def test_strangers_get_no_metrics(operations: Operations, client: str, headers: dict[str, str]) -> None:
    found = answer(operations, Asked("/metrics", client=client, **headers))
    assert found.status == 401
    assert b"madang_" not in found.body


async def test_a_token_needs_its_scope(operations: Operations) -> None:
    for token, status in (("mdg_good", 200), ("mdg_bad", 401)):
        asked = Asked("/metrics", client="203.0.113.9", authorization=f"Bearer {token}")
        assert (await held(operations, asked)).status == status

"""A1, A2, A14, A45: bodies that no parser should take, errors that tell nothing, names that lead nowhere."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.harness.household import Household
from tests.harness.visitor import Site

from madang.api.openapi import bare_app, routes_of
from madang.api.problems import ProblemError
from madang.api.strict import parse_json
from madang.base.limits import API_BODY_BYTES, JSON_DEPTH
from madang.base.roles import SiteRole

BAD = {
    "empty text": b" ",
    "cut": b'{"name":',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "a number that is infinite": b'{"a": 1e999}',
    "5000 digits": b'{"a": ' + b"1" * 5000 + b"}",
    "21 digits": b'{"a": ' + b"1" * 21 + b"}",
    "duplicate keys": b'{"name": "a", "name": "b"}',
    "duplicate keys inside": b'{"a": [{"x": 1, "x": 1}]}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone low surrogate": b'{"a": "\\udc00x"}',
    "surrogate as key": b'{"\\ud800": 1}',
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "too deep": b"[" * (JSON_DEPTH + 1) + b"]" * (JSON_DEPTH + 1),
    "70,000 deep": b"[" * 60_000,
    "deep objects": b'{"a":' * (JSON_DEPTH + 1) + b"1" + b"}" * (JSON_DEPTH + 1),
    "comment": b'{"a": 1 /* c */}',
    "single quotes": b"{'a': 1}",
    "trailing comma": b'{"a": 1,}',
    "two values": b"{} {}",
    "control letter in text": b'{"a": "\x01"}',
}


@pytest.mark.parametrize("kind", BAD)
def test_json_that_is_refused(kind: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_json(BAD[kind])
    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    "good",
    [
        b"{}",
        b"[]",
        b'{"a": "[[[[{{{{\\"\\\\"}',
        b"[" * JSON_DEPTH + b"]" * JSON_DEPTH,
        '{"이름": "마당 👋"}'.encode(),
        b'{"a": "\\ud83d\\udc4b"}',
        b'{"a": [1, 2.5, true, null, -3e2]}',
    ],
)
def test_json_that_is_taken(good: bytes) -> None:
    assert parse_json(good) == json.loads(good)


@given(st.binary(max_size=300))
def test_any_bytes_are_json_or_a_problem(body: bytes) -> None:
    try:
        parse_json(body)
    except ProblemError as error:
        assert error.status_code == 400


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_json_writes_is_read(value: object) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("kind", ["NaN", "duplicate keys", "70,000 deep", "not UTF-8"])
async def test_a_bad_body_is_a_problem_without_its_content(web: Site, kind: str) -> None:
    visitor = await web.visitor()
    headers = {**visitor.headers, "Content-Type": "application/json"}
    answer = await visitor.client.post("/api/v1/sessions", content=BAD[kind], headers=headers)
    assert answer.status_code == 400 and answer.json()["type"] == "bad_json"
    assert len(answer.content) < 200


async def test_a_body_is_bounded_whether_its_length_is_told_or_not(web: Site) -> None:
    visitor = await web.visitor()
    headers = {**visitor.headers, "Content-Type": "application/json"}
    large = b'{"name": "' + b"x" * API_BODY_BYTES + b'"}'

    async def dripping():  # type: ignore[no-untyped-def]
        for start in range(0, len(large), 1000):
            yield large[start : start + 1000]

    for body in (large, dripping()):
        answer = await visitor.client.post("/api/v1/sessions", content=body, headers=headers)
        assert answer.status_code == 413 and answer.json()["type"] == "too_large"


@pytest.mark.parametrize("kind", ["text/plain", "text/json", "application/x-json", "application/xml", ""])
async def test_only_json_is_json(web: Site, kind: str) -> None:
    visitor = await web.visitor()
    headers = {**visitor.headers, **({"Content-Type": kind} if kind else {})}
    answer = await visitor.client.post("/api/v1/sessions", content=b"{}", headers=headers)
    assert answer.status_code == 415


XSS = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


async def test_errors_reflect_nothing(web: Site, house: Household) -> None:
    _, browser = await web.account("kim")
    answers = [
        await browser.get(f"/channels/{XSS}"),
        await browser.get(f"/nowhere/{XSS}"),
        await browser.get(f"/channels?show={XSS}"),
        await browser.get(f"/channels?limit={XSS}"),
        await browser.post("/channels", {"slug": XSS}),
        await browser.post("/channels", {XSS: 1, "slug": "a"}),
        await browser.post("/channels/a/keys", {"name": XSS}),
        await browser.ask("TRACE", "/channels"),
        await browser.ask("PUT", "/channels"),
        await browser.get("/channels?callback=alert", headers={"Accept": "text/javascript"}),
    ]
    for answer in answers:
        assert "json" in answer.headers["content-type"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in answer.text and "onerror" not in answer.text.replace('"field":"', "", 1)
        assert "Traceback" not in answer.text and "madang/" not in answer.text


async def test_no_route_reflects_what_it_was_asked(web: Site) -> None:
    """A14: every route, with script in each place of its path, its query and its body; by an admin."""
    _, browser = await web.account("kim", SiteRole.ADMIN)
    script = quote(XSS, safe="")
    routes = [(method, route.path) for route in routes_of(bare_app()) for method in route.methods]
    assert len(routes) > 100
    for method, path in routes:
        if path.startswith("/api/v1/events"):
            continue  # a feed that goes on
        asked = re.sub(r"\{[^}]*\}", script, path.removeprefix("/api/v1"))
        body = {XSS: XSS, "name": XSS, "text": XSS} if method in ("POST", "PUT", "PATCH") else None
        answer = await browser.ask(method, f"{asked}?{script}={script}&cursor={script}", json=body)
        kind = answer.headers.get("content-type", "")
        assert "html" not in kind and "<script" not in answer.text, (method, path, answer.text[:200])
        assert answer.status_code < 500 and answer.headers["x-content-type-options"] == "nosniff", path


async def test_our_own_fault_tells_nothing(
    web: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the database password is hunter2")

    monkeypatch.setattr(web.house.control.server, "site", broken)
    visitor = await web.visitor()
    visitor.client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
    answer = await visitor.get("/site")
    assert answer.status_code == 500 and answer.json()["type"] == "bug"
    assert "hunter2" not in answer.text


NAMES = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "..%252f..%252fetc",
    "%2e%2e/%2e%2e/secret",
    "..\\..\\secret",
    "%c0%ae%c0%ae/secret",
    "．．/secret",
    "%00",
    "secret%00.txt",
    "a" * 4096,
    "con",
    ".m3u8",
    ".hidden",
    "//secret",
    "/etc/passwd",
    "madang.db",
    "assets/../../../secret",
    "assets/%2e%2e/%2e%2e/secret",
    "docs/../docs.py",
    "assets/..%5c..%5csecret",
]


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_leads_to_a_file(web: Site, house: Household, name: str) -> None:
    (house.folder / "secret.txt").write_text("planted")
    before = sorted(path for path in house.folder.rglob("*"))
    visitor = await web.visitor()
    for path in (f"/api/v1/channels/{name}", f"/@{name}", f"/embed/{name}", f"/{name}", f"/assets/{name}"):
        answer = await visitor.page(path)
        assert answer.status_code in (404, 308, 400, 422), path
        assert "planted" not in answer.text and "root:" not in answer.text and "SQLite" not in answer.text
    _, browser = await web.account("kim")
    await browser.post("/channels", {"slug": name})
    after = sorted(path for path in house.folder.rglob("*"))
    assert [p for p in after if not p.name.startswith("madang.db")] == [
        p for p in before if not p.name.startswith("madang.db")
    ]
    assert not Path("/etc/x").exists()

"""Signing in by HTTP: the cookie, the guard against foreign pages (A17), and one-time links."""

import httpx
import pytest
from tests.harness.household import PASSWORD, Household, household
from tests.harness.visitor import Site, site

from madang.base.roles import SiteRole


def _cookie(answer: httpx.Response) -> str:
    return answer.headers.get("set-cookie", "")


async def test_the_cookie_is_closed_to_scripts_and_to_other_sites(web: Site, house: Household) -> None:
    await house.account("kim")
    visitor = await web.visitor()
    answer = await visitor.post("/sessions", {"name": "kim", "password": PASSWORD})
    flags = {part.strip().lower() for part in _cookie(answer).split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags and "secure" not in flags
    assert answer.headers["cache-control"] == "no-store"
    me = (await visitor.get("/me")).json()
    assert me["account"]["name"] == "kim" and me["recent_password"] is True


async def test_the_cookie_is_secure_behind_https(house: Household) -> None:
    async with (
        household(house.folder, house.clock, public_url="https://live.example") as secure,
        site(secure) as web,
    ):
        await secure.account("kim")
        visitor = await web.visitor()
        answer = await visitor.post("/sessions", {"name": "kim", "password": PASSWORD})
        assert "secure" in _cookie(answer).lower()


async def test_signing_out_ends_the_session_itself(web: Site) -> None:
    _, browser = await web.account("kim")
    cookie = browser.client.cookies["madang_session"]
    assert (await browser.ask("DELETE", "/sessions/current")).status_code == 204
    assert (await browser.get("/me")).status_code == 401
    stale = await web.visitor()
    assert (await stale.get("/me", headers={"Cookie": f"madang_session={cookie}"})).status_code == 401
    assert (await stale.ask("DELETE", "/sessions/current")).status_code == 204


async def test_a_login_never_takes_over_a_given_cookie(web: Site, house: Household) -> None:
    await house.account("kim")
    visitor = await web.visitor()
    planted = {"Cookie": "madang_session=planted-by-somebody"}
    answer = await visitor.post("/sessions", {"name": "kim", "password": PASSWORD}, headers=planted)
    assert "planted-by-somebody" not in _cookie(answer)
    again = await web.visitor()
    assert (await again.get("/me", headers=planted)).status_code == 401


async def test_wrong_passwords_answer_one_problem_and_then_429(web: Site, house: Household) -> None:
    await house.account("kim")
    visitor = await web.visitor()
    bodies = set()
    for name in ("kim", "nobody") * 5:
        answer = await visitor.post("/sessions", {"name": name, "password": "wrong"})
        assert answer.status_code == 401 and answer.json()["type"] == "wrong_password"
        bodies.add(answer.text)
    assert len(bodies) == 1
    answer = await visitor.post("/sessions", {"name": "kim", "password": PASSWORD})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0


FOREIGN = [
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "application/json", "Origin": "https://evil.example"},
    {"Content-Type": "application/json", "Origin": "null"},
    {"Content-Type": "application/json", "Origin": "http://madang.test.evil.example"},
    {"Content-Type": "application/json", "Origin": "http://xmadang.test"},
    {"Content-Type": "application/json", "Origin": "http://madang.test:81"},
    {"Content-Type": "application/json"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/channels"), ("DELETE", "/sessions/current"), ("PATCH", "/me"), ("POST", "/sessions")],
)
async def test_a_foreign_page_changes_nothing(
    web: Site, headers: dict[str, str], method: str, path: str
) -> None:
    _, browser = await web.account("kim")
    browser.headers = headers
    body = b'{"slug":"forged","display_name":"forged","name":"kim","password":"x"}'
    answer = await browser.client.request(method, f"/api/v1{path}", headers=headers, content=body)
    assert (answer.status_code, answer.json()["type"]) in ((403, "foreign_page"), (415, "not_json"))
    browser.headers = {"X-Madang": "1"}
    assert (await browser.get("/me")).json()["account"]["display_name"] == "kim"
    assert (await browser.get("/channels/forged")).status_code == 404


async def test_json_of_our_own_origin_needs_no_header(web: Site) -> None:
    _, browser = await web.account("kim")
    browser.headers = {"Origin": "http://madang.test"}
    assert (await browser.post("/channels", {"slug": "yard"})).status_code == 201


async def test_the_method_cannot_be_overridden(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        answer = await browser.get("/channels/yard?_method=DELETE&confirm=yard", headers={name: "DELETE"})
        assert answer.status_code == 200
    assert (await browser.get("/channels/yard")).status_code == 200


async def test_the_first_admin_by_the_one_time_link(web: Site, house: Household) -> None:
    first = await house.control.house.ensure_first_run()
    visitor = await web.visitor()
    assert (await visitor.get("/site")).json()["signed_up"] is False
    link = (await visitor.get(f"/login/link/{first.link}")).json()
    assert (link["kind"], link["role"], link["channel"]) == ("first", "admin", "Main")
    missing = await visitor.post(f"/login/link/{first.link}", {"password": "a long password"})
    assert missing.status_code == 422 and missing.json()["errors"][0]["field"] == "name"
    used = await visitor.post(f"/login/link/{first.link}", {"name": "Kim", "password": "a long password"})
    assert used.status_code == 201 and used.json()["channels"][0]["slug"] == "main"
    assert (await visitor.get("/me")).json()["account"]["role"] == "admin"
    again = await visitor.post(f"/login/link/{first.link}", {"name": "Lee", "password": "a long password"})
    assert again.status_code == 404
    assert (await visitor.get("/site")).json()["signed_up"] is True


async def test_invitations_by_admins(web: Site, house: Household) -> None:
    admin, browser = await web.account("admin", SiteRole.ADMIN)
    await house.channel("yard", admin)
    body = {"channel": "yard", "channel_role": "manager", "note": "Lee"}
    made = (await browser.post("/invitations", body)).json()
    token = made["url"].removeprefix("http://madang.test/invite/")
    listed = (await browser.get("/invitations")).json()["items"]
    assert listed[0]["note"] == "Lee" and listed[0]["url"] is None
    guest = await web.visitor()
    used = await guest.post(f"/login/link/{token}", {"name": "Lee", "password": "a long password"})
    assert used.json()["channels"] == [
        {"id": made_channel["id"], "slug": "yard", "name": "yard", "role": "manager"}
        for made_channel in used.json()["channels"]
    ]
    assert (await browser.get("/invitations")).json()["items"] == []


async def test_sessions_are_listed_and_ended(web: Site, house: Household) -> None:
    await house.account("kim")
    here, there = await web.browser("kim"), await web.browser("kim")
    items = (await here.get("/sessions")).json()["items"]
    assert sorted(item["current"] for item in items) == [False, True]
    assert (await here.ask("DELETE", "/sessions")).status_code == 204
    assert (await there.get("/me")).status_code == 401
    assert (await here.get("/me")).status_code == 200


async def test_changing_the_password(web: Site) -> None:
    _, browser = await web.account("kim")
    wrong = await browser.ask("PUT", "/me/password", json={"current": "wrong", "new": "another password"})
    assert wrong.status_code == 403 and wrong.json()["type"] == "wrong_password"
    short = await browser.ask("PUT", "/me/password", json={"current": PASSWORD, "new": "short"})
    assert short.status_code == 422 and short.json()["errors"][0]["field"] == "new"
    assert "short" not in short.text.replace("string_too_short", "")
    done = await browser.ask("PUT", "/me/password", json={"current": PASSWORD, "new": "another password"})
    assert done.status_code == 204


@pytest.mark.parametrize("bearer", ["mdg_", "mdg_" + "0" * 52, "x", "a.b", "mdg_" + "x" * 20_000, "é"])
async def test_a_wrong_token_is_said(web: Site, bearer: str) -> None:
    visitor = await web.visitor()
    header = {b"Authorization": b"Bearer " + bearer.encode()}
    for path in ("/me", "/site"):
        answer = await visitor.client.get(f"/api/v1{path}", headers=header)
        assert answer.status_code == 401 and answer.json()["type"] == "bad_token"


async def test_a_token_ends_with_its_time_its_revocation_and_its_account(web: Site, house: Household) -> None:
    actor, browser = await web.account("kim")
    body = {"name": "t", "scopes": ["channels:read"], "expires_in_s": 60}
    made = (await browser.post("/tokens", body)).json()
    program = await web.visitor()
    program.headers = {"Authorization": f"Bearer {made['value']}"}
    assert (await program.get("/me")).json()["scopes"] == ["channels:read"]
    house.clock.advance(61)
    assert (await program.get("/me")).status_code == 401
    lasting = (await browser.post("/tokens", {"name": "t", "scopes": ["channels:read"]})).json()
    program.headers = {"Authorization": f"Bearer {lasting['value']}"}
    assert (await program.get("/me")).status_code == 200
    assert (await browser.ask("DELETE", f"/tokens/{lasting['id']}")).status_code == 204
    assert (await program.get("/me")).status_code == 401
    listed = (await browser.get("/tokens")).text
    assert made["value"] not in listed


async def test_a_token_without_a_recent_password_is_not_made(web: Site, house: Household) -> None:
    _, browser = await web.account("kim")
    house.clock.advance(601)
    answer = await browser.post("/tokens", {"name": "t", "scopes": ["channels:read"]})
    assert answer.status_code == 403 and answer.json()["type"] == "password_required"
    assert (await browser.post("/sessions/confirm", {"password": PASSWORD})).status_code == 204
    assert (await browser.post("/tokens", {"name": "t", "scopes": ["nothing"]})).status_code == 422
    assert (await browser.post("/tokens", {"name": "t", "scopes": ["channels:read"]})).status_code == 201

"""A15, A16, A19, A20, A22: headers of every kind of answer, as tables."""

import re

import pytest
from tests.harness.household import Household, household
from tests.harness.visitor import Site, site

from madang.base.roles import Visibility

PAGES = ("/", "/@yard", "/studio", "/admin", "/login", "/settings", "/docs", "/invite/abc", "/nowhere")
API = ("/api/v1/site", "/api/v1/channels", "/api/v1/channels/yard", "/api/v1/me", "/api/v1/nowhere")


@pytest.fixture
async def yard(web: Site, house: Household) -> Site:
    await house.channel("yard", title="<b>Dusk</b>")
    await house.channel("closed", visibility=Visibility.PRIVATE)
    await house.channel("linked", visibility=Visibility.UNLISTED)
    return web


def _policy(text: str) -> dict[str, list[str]]:
    return {part.split()[0]: part.split()[1:] for part in text.split(";") if part.strip()}


@pytest.mark.parametrize("path", PAGES + API + ("/embed/yard", "/assets/app-abc123.js", "/oembed"))
async def test_every_answer_is_what_it_says_it_is(yard: Site, path: str) -> None:
    answer = await (await yard.visitor()).page(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] in ("no-referrer", "strict-origin-when-cross-origin")
    assert "server" not in answer.headers and "x-powered-by" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
async def test_pages_run_nothing_but_their_own_scripts(yard: Site, path: str) -> None:
    answer = await (await yard.visitor()).page(path)
    policy = _policy(answer.headers["content-security-policy"])
    assert policy["default-src"] == policy["script-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == ["'none'"]
    assert policy["media-src"] == ["'self'", "blob:"] and policy["require-trusted-types-for"] == ["'script'"]
    assert set(policy["connect-src"]) == {"'self'", "ws://madang.test", "wss://madang.test"}
    assert answer.headers["x-frame-options"] == "DENY"
    assert policy["style-src"] == ["'self'"]
    scripts = re.findall(r"<script[^>]*>", answer.text)
    data = '<script type="application/json" id="state">'
    assert scripts and all("src=" in script or script == data for script in scripts)
    assert not re.search(r"\son\w+=|javascript:|https?://(?!madang\.test)", answer.text)


@pytest.mark.parametrize("path", API)
async def test_the_api_is_no_page(yard: Site, path: str) -> None:
    answer = await (await yard.visitor()).page(path)
    assert _policy(answer.headers["content-security-policy"])["default-src"] == ["'none'"]
    assert answer.headers["cache-control"] == "no-store"


async def test_only_embeds_may_be_framed(yard: Site) -> None:
    visitor = await yard.visitor()
    framed = (await visitor.page("/embed/yard")).headers
    assert _policy(framed["content-security-policy"])["frame-ancestors"] == ["*"]
    assert "x-frame-options" not in framed and "set-cookie" not in framed
    for path in ("/@yard", "/embedded/yard", "/EMBED/yard", "/api/v1/site"):
        policy = (await visitor.page(path)).headers["content-security-policy"]
        assert _policy(policy)["frame-ancestors"] == ["'none'"]


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/", "no-store"),
        ("/@yard", "no-store"),
        ("/embed/yard", "no-store"),
        ("/assets/app-abc123.js", "public, max-age=31536000, immutable"),
        ("/mark.svg", "no-cache"),
        ("/@closed", "no-store"),
        ("/embed/closed", "no-store"),
        ("/studio", "no-store"),
        ("/settings", "no-store"),
        ("/invite/abc", "no-store"),
        ("/login/abc", "no-store"),
        ("/nowhere", "no-store"),
    ],
)
async def test_what_a_cache_may_keep(yard: Site, path: str, cache: str) -> None:
    assert (await (await yard.visitor()).page(path)).headers["cache-control"] == cache


async def test_links_that_let_somebody_in_tell_no_referrer(yard: Site) -> None:
    for path in ("/login/abc", "/invite/abc"):
        assert (await (await yard.visitor()).page(path)).headers["referrer-policy"] == "no-referrer"


ORIGINS = [
    "null",
    "",
    "http://evil.example",
    "https://app.example",
    "http://app.example:8080",
    "https://app.example.evil.example",
    "https://evil-app.example",
    "https://xapp.example",
    "https://app.example:443",
    "https://app.example/",
    "https://APP.example",
    "HTTPS://app.example",
    "https://app.example.",
    "https://app.example,https://evil.example",
    "https://app.example https://evil.example",
    "https://evil.example/https://app.example",
    "https://app.example@evil.example",
    "https://evil.example#https://app.example",
    "https://evil.example?https://app.example",
    "https://app%2eexample",
    "https://second.example",
    "https://second.example:8443",
    "http://second.example",
    "*",
    "https://*",
    "file://",
    "data:",
    "chrome-extension://abc",
    "http://madang.test",
    "https://other.example",
]
ALLOWED = ("https://app.example", "https://second.example")


@pytest.mark.parametrize("origin", ORIGINS)
async def test_foreign_origins_are_compared_exactly(house: Household, origin: str) -> None:
    async with household(house.folder, house.clock, cors_origins=ALLOWED) as listed, site(listed) as web:
        visitor = await web.visitor()
        for path in ("/api/v1/site", "/api/v1/me", "/api/v1/channels", "/api/v1/nowhere"):
            for method in ("GET", "OPTIONS"):
                headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                told = (await visitor.page(path, method=method, headers=headers)).headers
                if origin in ALLOWED:
                    assert told["access-control-allow-origin"] == origin
                    assert told["access-control-allow-credentials"] == "true"
                else:
                    assert "access-control-allow-origin" not in told
                    assert "access-control-allow-credentials" not in told
                    assert "access-control-allow-methods" not in told
                assert "Origin" in told["vary"]
        for path in ("/oembed", "/openapi.json"):
            told = (await visitor.page(path, headers={"Origin": origin})).headers
            assert told["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in told
        for path in ("/", "/@yard", "/assets/app-abc123.js"):
            told = (await visitor.page(path, headers={"Origin": origin})).headers
            assert "access-control-allow-origin" not in told


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "///evil.example/@yard",
        "/\\evil.example",
        "/@yard//evil.example",
        "/@old//evil.example",
        "/@old/..//evil.example",
        "/@old?next=//evil.example",
        "/@old?token=//evil.example",
        "/login?next=//evil.example",
        "/login?next=https://evil.example",
        "/embed/old?url=https://evil.example",
        "/@old%0d%0aLocation:%20https://evil.example",
    ],
)
async def test_redirects_lead_to_our_own_pages_alone(yard: Site, house: Household, path: str) -> None:
    from madang.control.records import Slug

    async with house.store.write() as work:
        await work.slugs.add(Slug(slug="old", channel=house.control.house.channel("yard").id))
    await house.control.follow()
    answer = await (await yard.visitor()).page(path)
    location = answer.headers.get("location", "")
    assert re.fullmatch(r"|/(@|embed/)yard(\?[^\r\n]*)?", location)
    assert answer.status_code in (200, 308, 404)


async def test_a_renamed_channel_redirects_with_its_query(yard: Site, house: Household) -> None:
    from madang.control.records import Slug

    async with house.store.write() as work:
        await work.slugs.add(Slug(slug="old", channel=house.control.house.channel("yard").id))
    await house.control.follow()
    visitor = await yard.visitor()
    answer = await visitor.page("/@old?t=5")
    assert (answer.status_code, answer.headers["location"]) == (308, "/@yard?t=5")
    assert (await visitor.page("/embed/old")).headers["location"] == "/embed/yard"

"""The pages: their heads, their files, oEmbed, and the API's own document and page."""

import gzip
import json
import re
from html import unescape

import pytest
from tests.harness.household import Household
from tests.harness.visitor import Site

from madang.api.openapi import bare_app, document
from madang.base.roles import Visibility


def _tags(html: str) -> dict[str, str]:
    return {
        name: unescape(content)
        for name, content in re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', html)
    }


async def test_a_watch_page_tells_what_it_shows(web: Site, house: Household) -> None:
    await house.channel(
        "yard", name="소리마당", title='"Dusk" & <b>Dawn</b>', description="가야금\nand guitar"
    )
    answer = await (await web.visitor()).page("/@yard")
    tags = _tags(answer.text)
    assert tags["og:title"] == '"Dusk" & <b>Dawn</b>' and "<b>Dawn" not in answer.text
    assert tags["og:image"] == "http://madang.test/live/yard/poster.jpg"
    assert tags["twitter:player"] == tags["og:video"] == "http://madang.test/embed/yard"
    assert 'type="application/json+oembed"' in answer.text and "noindex" not in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_unlisted_channels_are_not_for_search_engines(web: Site, house: Household) -> None:
    await house.channel("linked", visibility=Visibility.UNLISTED)
    assert "noindex" in (await (await web.visitor()).page("/@linked")).text


async def test_a_private_channel_and_a_missing_one_have_one_page(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("closed", owner, visibility=Visibility.PRIVATE, title="planted title")
    visitor = await web.visitor()
    for path in ("/@{}", "/embed/{}"):
        private = await visitor.page(path.format("closed"))
        missing = await visitor.page(path.format("nobody"))
        assert private.status_code == missing.status_code == 404
        assert private.content == missing.content
        own = await browser.page(path.format("closed"))
        assert own.status_code == 200 and _tags(own.text) == {}


async def test_files_are_compressed_kept_and_answered_with_304(web: Site) -> None:
    visitor = await web.visitor()
    answer = await visitor.page("/assets/app-abc123.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip" and "마당" in answer.text
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    plain = await visitor.page("/assets/app-abc123.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == answer.text
    etag = {"If-None-Match": answer.headers["etag"]}
    again = await visitor.page("/assets/app-abc123.js", headers=etag)
    assert again.status_code == 304 and again.content == b""
    head = await visitor.page("/assets/app-abc123.js", method="HEAD", headers={"Accept-Encoding": "identity"})
    assert head.content == b"" and int(head.headers["content-length"]) == len(plain.content)


async def test_a_compressed_twin_is_used(web: Site, house: Household) -> None:
    from madang.api.assets import Assets

    folder = house.folder / "web"
    (folder / "assets" / "x-1.js").write_text("x" * 3000)
    (folder / "assets" / "x-1.js.gz").write_bytes(gzip.compress(b"twin"))
    found = Assets(folder).find("/assets/x-1.js")
    assert found is not None and Assets(folder).find("/assets/x-1.js.gz") is None
    found.read()
    assert gzip.decompress(found.pressed) == b"twin"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
async def test_pages_are_read_alone(web: Site, method: str) -> None:
    answer = await (await web.visitor()).page("/", method=method)
    assert answer.status_code == 405 and "GET" in answer.headers["allow"]


async def test_without_a_build_the_page_says_so(house: Household) -> None:
    import httpx

    from madang.api import create_app

    app = create_app(house.control, house.folder / "no pages here")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        answer = await client.get("/")
    assert answer.status_code == 200 and "make setup" in answer.text


@pytest.mark.parametrize("path", ["/popout/{}/chat", "/embed/{}/chat"])
async def test_the_chat_stands_alone(web: Site, house: Household, path: str) -> None:
    owner, browser = await web.account("yuna")
    guest = await web.visitor()
    await house.channel("yard", owner)
    answer = await guest.page(path.format("yard"))
    assert answer.status_code == 200 and "og:" not in answer.text
    ancestors = answer.headers["content-security-policy"].split("frame-ancestors ")[1].split(";")[0]
    assert ancestors == ("*" if path.startswith("/embed/") else "'none'")
    assert (await guest.page(path.format("nobody"))).status_code == 404
    await browser.ask("PATCH", "/channels/yard", json={"slug": "court"})
    moved = await guest.page(path.format("yard") + "?token=t", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (308, path.format("court") + "?token=t")
    await browser.ask("PATCH", "/channels/court", json={"visibility": "private"})
    assert (await guest.page(path.format("court"))).status_code == 404
    assert (await browser.page(path.format("court"))).status_code == 200


async def test_oembed(web: Site, house: Household) -> None:
    await house.channel("yard", name="Yard", title="Dusk")
    visitor = await web.visitor()
    for url in ("http://madang.test/@yard", "https://elsewhere/@yard?t=1", "http://madang.test/embed/yard"):
        found = (await visitor.page("/oembed", params={"url": url})).json()
        assert (found["type"], found["version"], found["title"]) == ("video", "1.0", "Dusk")
        assert 'src="http://madang.test/embed/yard"' in found["html"]
        assert (found["width"], found["height"]) == (1280, 720)
    small = {"url": "http://madang.test/@yard", "maxwidth": "640", "maxheight": "240"}
    found = (await visitor.page("/oembed", params=small)).json()
    assert (found["width"], found["height"]) == (426, 239)
    xml = await visitor.page("/oembed", params={"url": "http://madang.test/@yard", "format": "xml"})
    assert xml.status_code == 501


@pytest.mark.parametrize(
    "url", ["", "x", "http://[", "http://madang.test/@closed", "http://madang.test/@x/y"]
)
async def test_oembed_of_what_is_not_there(web: Site, house: Household, url: str) -> None:
    await house.channel("closed", visibility=Visibility.PRIVATE)
    assert (await (await web.visitor()).page("/oembed", params={"url": url})).status_code == 404


async def test_the_document_and_its_page(web: Site) -> None:
    visitor = await web.visitor()
    found = (await visitor.page("/openapi.json")).json()
    assert found == json.loads(json.dumps(document(bare_app())))
    assert found["openapi"].startswith("3.1") and len(found["paths"]) > 35
    page = await visitor.page("/docs")
    assert page.status_code == 200
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        if path.startswith("/docs/"):
            assert (await visitor.page(path)).status_code == 200, path


def test_every_operation_is_described_and_may_fail() -> None:
    names = set()
    for path, operations in document(bare_app())["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["description"].strip(), where
            assert operation["tags"] and operation["x-right"], where
            assert "application/problem+json" in operation["responses"]["default"]["content"], where
            assert operation["operationId"] not in names, where
            names.add(operation["operationId"])


async def test_the_api_is_loaded_by_the_first_who_asks(house: Household) -> None:
    import httpx

    from madang.api import create_app

    app = create_app(house.control, house.folder)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        assert (await client.get("/api/v1/site")).json()["name"] == "Madang"

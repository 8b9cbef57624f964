"""A28, A63, A64: planted secrets and planted escapes are nowhere they could be read."""

import logging

import pytest
from tests.harness.household import PASSWORD, Household
from tests.harness.visitor import Site, Visitor

from madang.base.roles import SiteRole

READS = (
    "/me",
    "/sessions",
    "/channels",
    "/channels?show=mine",
    "/channels/yard",
    "/channels/yard/keys",
    "/channels/yard/members",
    "/channels/yard/live",
    "/channels/yard/events",
    "/channels/yard/broadcasts",
    "/streams",
    "/tokens",
    "/users",
    "/invitations",
    "/audit",
    "/admin/health",
    "/site",
)


async def _secrets(web: Site, house: Household, browser: Visitor) -> list[str]:
    key = (await browser.post("/channels/yard/keys", {"name": "OBS"})).json()
    token = (await browser.post("/tokens", {"name": "t", "scopes": ["channels:read"]})).json()
    invitation = (await browser.post("/invitations", {})).json()
    play = (await browser.post("/channels/yard/play-tokens", {})).json()
    await house.publish(key["value"])
    for tried in (key["value"][:-1] + "_", "planted-wrong-key-value"):
        with pytest.raises(Exception, match="no such key"):
            await house.publish(tried)
    await browser.post("/sessions", {"name": "admin", "password": "planted-wrong-password"})
    return [
        PASSWORD,
        key["value"],
        key["value"][:-1],
        token["value"],
        invitation["url"].rpartition("/")[2],
        play["token"],
        browser.client.cookies["madang_session"],
        "planted-wrong-key-value",
        "planted-wrong-password",
        (house.folder / "secret").read_text().strip(),
    ]


async def test_planted_secrets_are_nowhere(
    web: Site, house: Household, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin, browser = await web.account("admin", SiteRole.ADMIN)
    await house.channel("yard", admin)
    secrets = await _secrets(web, house, browser)
    await house.control.book.flush()
    places = {path: (await browser.get(path)).text for path in READS}
    places["log"] = caplog.text
    for path in house.folder.glob("madang.db*"):
        places[path.name] = path.read_bytes().decode("latin-1")
    for name, text in places.items():
        for secret in secrets:
            assert secret not in text, f"{secret[:12]} is in {name}"


async def test_planted_escapes_stay_text(web: Site, house: Household) -> None:
    owner, browser = await web.account("kim")
    await house.channel("yard", owner)
    planted = "\x1b[31mred\r\nX-Header: 1\u202egnirts\x00"
    changed = await browser.ask("PATCH", "/channels/yard", json={"title": planted, "description": planted})
    texts = changed.json()["title"] + changed.json()["description"]
    assert changed.status_code == 200
    assert not any(letter in texts for letter in "\x1b\r\x00\u202e")
    named = await browser.post("/channels/yard/keys", {"name": planted})
    assert "\x1b" not in named.json()["name"]

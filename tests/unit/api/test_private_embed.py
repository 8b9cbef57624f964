"""An owner's pages embed a private channel elsewhere: the play token is the only key, page by page."""

import pytest
from tests.harness.household import Household
from tests.harness.visitor import Site, Visitor

from madang.base.roles import SiteRole, Visibility
from madang.control.rights import Scope


async def _closed(web: Site, house: Household) -> tuple[Visitor, str]:
    """A private channel's owner, and a play token of it."""
    owner, browser = await web.account("kim")
    await house.channel("closed", owner, visibility=Visibility.PRIVATE)
    minted = await browser.post("/channels/closed/play-tokens", {"expires_in_s": 60})
    assert minted.status_code == 201
    return browser, minted.json()["token"]


async def test_a_foreign_page_frames_a_private_channel_by_its_token(web: Site, house: Household) -> None:
    _, token = await _closed(web, house)
    stranger = await web.visitor()
    assert (await stranger.page("/embed/closed")).status_code == 404
    page = await stranger.page(f"/embed/closed?token={token}")
    assert page.status_code == 200
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    assert page.headers["cache-control"] == "no-store", "no proxy hands it to the next"
    assert "set-cookie" not in page.headers, "no session comes of it"
    assert "og:title" not in page.text and "oembed" not in page.text


async def test_what_the_embed_asks_next_is_answered_to_the_token_alone(web: Site, house: Household) -> None:
    _, token = await _closed(web, house)
    stranger = await web.visitor()
    told = (await stranger.get(f"/channels/closed?token={token}")).json()
    assert (told["slug"], told["my_role"], told["publish"]) == ("closed", "guest", None)
    assert (await stranger.get("/channels/closed")).status_code == 404
    assert (await stranger.get(f"/channels/closed/members?token={token}")).status_code == 404
    refused = await stranger.ask("PATCH", f"/channels/closed?token={token}", json={"title": "mine"})
    assert refused.status_code in (401, 403, 404)


@pytest.mark.parametrize("spoil", ["empty", "forged", "of another channel", "revoked"])
async def test_a_wrong_token_is_no_token(web: Site, house: Household, spoil: str) -> None:
    browser, token = await _closed(web, house)
    if spoil == "empty":
        token = ""
    elif spoil == "forged":
        token = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    elif spoil == "of another channel":
        await browser.post("/channels", {"slug": "other", "visibility": "private"})
        token = (await browser.post("/channels/other/play-tokens", {})).json()["token"]
    else:
        assert (await browser.ask("DELETE", "/channels/closed/play-tokens")).status_code == 204
    stranger = await web.visitor()
    for path in (f"/embed/closed?token={token}", f"/@closed?token={token}"):
        assert (await stranger.page(path)).status_code == 404, path
    assert (await stranger.get(f"/channels/closed?token={token}")).status_code == 404


async def test_an_admin_sees_every_embed_by_session_and_a_program_mints_by_scope(
    web: Site, house: Household
) -> None:
    await _closed(web, house)
    admin, browser = await web.account("root", SiteRole.ADMIN)
    assert (await browser.page("/embed/closed")).status_code == 200
    assert (await browser.get("/channels/closed")).status_code == 200
    program = await web.program(admin, Scope.PLAY_MINT)
    token = (await program.post("/channels/closed/play-tokens", {})).json()["token"]
    stranger = await web.visitor()
    assert (await stranger.page(f"/embed/closed?token={token}")).status_code == 200
    reader = await web.program(admin, Scope.CHANNELS_READ)
    assert (await reader.post("/channels/closed/play-tokens", {})).status_code == 403

"""Accounts, and what an admin does with them: each write is clicked, and leaves its mark in the log."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.harness.browser import context
from tests.harness.patience import PATIENCE_S, wait_until
from tests.harness.publisher import publishing
from tests.harness.server import ADMIN_PASSWORD, Server

pytestmark = pytest.mark.needs("chromium")
SOON_MS = PATIENCE_S * 1000
PASSWORD = "a yard full of people"


def signed_in(profile: BrowserContext, server: Server, path: str) -> Page:
    """A page of the admin's."""
    answer = profile.request.post(
        f"{server.http}/api/v1/sessions",
        data={"name": "admin", "password": ADMIN_PASSWORD},
        headers={"X-Madang": "1"},
    )
    assert answer.ok, answer.text()
    page = profile.new_page()
    page.set_default_timeout(SOON_MS)
    page.goto(server.http + path)
    return page


def shown_link(page: Page) -> str:
    """The one-time link that a dialog shows, which is closed then."""
    dialog = page.get_by_role("dialog")
    shown = dialog.get_by_text(re.compile(r"/invite/[\w-]+")).first
    shown.wait_for()
    link = shown.inner_text()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    return link


def joined(profile: BrowserContext, link: str, name: str) -> Page:
    """Somebody who came by an invitation."""
    page = profile.new_page()
    page.set_default_timeout(SOON_MS)
    page.goto(link)
    page.get_by_label("Name for signing in").fill(name)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(re.compile("/studio"))
    return page


def test_an_admin_keeps_house(server: Server, browser: Browser) -> None:
    """Invitation, roles, one-time link, disabling, token, deletion; the log tells of each in a sentence."""
    server.channel("house")
    with context(browser) as profile, context(browser) as other:
        page = signed_in(profile, server, "/admin/invitations")
        page.get_by_role("button", name="Invite somebody").click()
        page.get_by_label("Note for yourself").fill("for Sora")
        page.get_by_role("button", name="Make the link").click()
        link = shown_link(page)
        expect(page.get_by_text("for Sora")).to_be_visible()
        joined(other, link, "sora")
        page.get_by_role("button", name="Invite somebody").click()
        page.get_by_role("button", name="Make the link").click()
        shown_link(page)
        page.get_by_role("button", name="Withdraw").click()
        expect(page.get_by_text("No open invitation")).to_be_visible()

        page.goto(f"{server.http}/admin/users")
        page.get_by_label("Role of sora", exact=True).select_option("admin")
        wait_until(lambda: other.request.get(f"{server.http}/api/v1/users").ok)
        page.get_by_label("Role of sora", exact=True).select_option("member")
        wait_until(lambda: other.request.get(f"{server.http}/api/v1/users").status == 403)
        sora = page.locator("li").filter(has=page.get_by_label("Role of sora", exact=True))
        sora.get_by_role("button", name="One-time link").click()
        assert shown_link(page) != link
        sora.get_by_role("button", name="Disable").click()
        expect(sora.get_by_role("button", name="Enable")).to_be_visible()
        wait_until(lambda: other.request.get(f"{server.http}/api/v1/me").status == 401)
        sora.get_by_role("button", name="Enable").click()
        expect(sora.get_by_role("button", name="Disable")).to_be_visible()

        page.goto(f"{server.http}/studio/people?channel=house")
        page.get_by_label("Their name for signing in").fill("sora")
        page.get_by_label("Role", exact=True).select_option("manager")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_label("Role of sora", exact=True)).to_have_value("manager")
        page.get_by_label("Role of sora", exact=True).select_option("viewer")
        page.get_by_role("button", name="Take the role of sora away").click()
        expect(page.get_by_label("Role of sora", exact=True)).to_have_count(0)

        page.goto(f"{server.http}/admin/tokens")
        page.get_by_role("button", name="New token").click()
        page.get_by_label("What it is for").fill("a bot")
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Make the token").click()
        expect(page.get_by_text("It is shown only now")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("No token yet")).to_be_visible()

        page.goto(f"{server.http}/admin/users")
        sora.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_label("Role of sora", exact=True)).to_have_count(0)

        page.goto(f"{server.http}/admin/log")
        for said in (
            "admin deleted the account sora.",
            "admin revoked an API token.",
            "admin made an API token.",
            "joined by invitation.",
            "admin withdrew an invitation.",
            "admin invited somebody.",
        ):
            expect(page.get_by_text(said).first).to_be_visible()


def test_an_admin_sends_away_and_deletes(server: Server, browser: Browser) -> None:
    key = server.channel("guestroom")
    with context(browser) as profile, publishing(f"{server.rtmp}/{key}"):
        server.wait_for("guestroom", "live")
        page = signed_in(profile, server, "/admin/streams")
        live = page.locator("li").filter(has_text="guestroom")
        live.get_by_role("button", name="Send away").click()
        page.get_by_role("dialog").get_by_role("button", name="Send away").click()
        server.wait_for("guestroom", "offline")
        page.goto(f"{server.http}/studio/channel?channel=guestroom")
        page.get_by_role("button", name="Delete the channel").click()
        sure = page.get_by_role("dialog").get_by_role("button", name="Delete for good")
        expect(sure).to_be_disabled()
        page.get_by_label("Type guestroom to delete it").fill("guestroom")
        sure.click()
        page.wait_for_url(f"{server.http}/")
        assert profile.request.get(f"{server.http}/api/v1/channels/guestroom").status == 404


def test_a_picture_of_oneself(server: Server, browser: Browser, tmp_path: Path) -> None:
    from PIL import Image

    file = tmp_path / "me.png"
    Image.new("RGB", (640, 360), (200, 60, 60)).save(file)
    with context(browser) as profile:
        page = signed_in(profile, server, "/settings")
        page.locator("input[type=file]").set_input_files(file)
        picture = page.locator("main img").first
        picture.wait_for()
        source = picture.get_attribute("src") or ""
        answer = profile.request.get(source if source.startswith("http") else server.http + source)
        made = Image.open(BytesIO(answer.body()))
        assert made.width == made.height and made.format == "WEBP"
        page.get_by_role("button", name="Remove the picture").click()
        expect(page.locator("main img")).to_have_count(0)


def test_a_viewer_comes_follows_and_leaves(server: Server, browser: Browser) -> None:
    """Sign-up, follow and unfollow, the export, and the account's end; by a viewer alone."""
    server.channel("followed")
    with context(browser) as profile:
        page = profile.new_page()
        page.set_default_timeout(SOON_MS)
        page.goto(f"{server.http}/@followed")
        page.get_by_role("link", name="Follow").click()
        page.get_by_role("link", name="Create an account").click()
        page.get_by_label("Name for signing in").fill("minji")
        page.locator("input[type=password]").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url(f"{server.http}/@followed")
        page.get_by_role("button", name="Follow", exact=True).click()
        expect(page.get_by_role("button", name="Following")).to_be_visible()
        page.goto(server.http)
        expect(page.get_by_role("heading", name="You follow")).to_be_visible()

        page.goto(f"{server.http}/settings")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Download").click()
        kept = json.loads(Path(waiting.value.path()).read_text())
        assert kept["account"]["name"] == "minji" and len(kept["follows"]) == 1

        page.goto(f"{server.http}/@followed")
        page.get_by_role("button", name="Following").click()
        expect(page.get_by_role("button", name="Follow", exact=True)).to_be_visible()
        page.goto(f"{server.http}/settings")
        page.get_by_role("button", name="Delete account").click()
        dialog = page.get_by_role("dialog")
        dialog.locator("input[type=password]").fill("not this one")
        dialog.get_by_role("button", name="Delete account").click()
        expect(dialog.get_by_text("The password is wrong.")).to_be_visible()
        dialog.locator("input[type=password]").fill(PASSWORD)
        dialog.get_by_role("button", name="Delete account").click()
        page.wait_for_url(f"{server.http}/")
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert profile.request.get(f"{server.http}/api/v1/me").status == 401

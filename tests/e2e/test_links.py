"""Links that let somebody in, as the command line makes them: the first admin's once its time is over, and
one for a forgotten password. What else accounts can do is in test_by_thumb.py."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.harness.browser import context
from tests.harness.server import Server, running

pytestmark = pytest.mark.needs("chromium")
FIRST, SECOND = "a yard full of people", "a yard with a new gate"


def opened(page: Page, server: Server, link: str) -> None:
    """The page of a link, on the port that this server has."""
    page.goto(server.http + re.sub(r"^https?://[^/]+", "", link))


def minutes_left(page: Page, server: Server, link: str) -> float:
    told = page.request.get(f"{server.http}/api/v1/login/link/{link.rpartition('/')[2]}").json()
    return (datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)).total_seconds() / 60


def test_a_link_of_the_command_line(browser: Browser, tmp_path: Path) -> None:
    """The link printed at the start was not opened in time: the command makes another. Later the password is
    forgotten: it makes one that signs every other browser out. Each works once."""
    with running(tmp_path / "data", password=False) as server:
        missed = server.madang("user", "link", "jieun")
        first = server.madang("user", "link", "jieun")
        with context(browser) as own, context(browser) as other:
            page, elsewhere = own.new_page(), other.new_page()
            opened(page, server, missed)
            page.get_by_role("heading", name="This link does not work any more").wait_for()
            assert 13 < minutes_left(page, server, first) <= 15
            opened(page, server, first)
            page.get_by_role("heading", name="Welcome to your yard").wait_for()
            page.get_by_label("Name for signing in").fill("jieun")
            page.get_by_label("Password", exact=True).fill(FIRST)
            page.get_by_role("button", name="Join").click()
            page.wait_for_url(re.compile("/studio"))

            again = server.madang("user", "link", "jieun")
            assert 13 < minutes_left(page, server, again) <= 15
            opened(elsewhere, server, again)
            elsewhere.get_by_role("heading", name="A new password").wait_for()
            elsewhere.get_by_label("Password", exact=True).fill(SECOND)
            elsewhere.get_by_role("button", name="Save and sign in").click()
            elsewhere.get_by_role("button", name="Account menu").wait_for()
            assert page.request.get(f"{server.http}/api/v1/me").status == 401
            opened(page, server, again)
            page.get_by_role("heading", name="This link does not work any more").wait_for()

            page.get_by_role("link", name="Sign in").last.click()
            page.get_by_label("Name", exact=True).fill("jieun")
            for word, answer in (
                (FIRST, page.get_by_role("alert")),
                (SECOND, page.get_by_label("Account menu")),
            ):
                page.get_by_label("Password", exact=True).fill(word)
                page.get_by_role("main").get_by_role("button", name="Sign in").click()
                expect(answer).to_be_visible()

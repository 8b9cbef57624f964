"""Every page at a desk; the browser's language, the system's theme and the keyboard alone."""

import re

import pytest
from playwright.sync_api import Browser, Page
from tests.e2e.walks.looks import AT_A_DESK, Questions, every_page
from tests.harness.browser import DESKTOP, context
from tests.harness.server import ADMIN_PASSWORD, Server

pytestmark = pytest.mark.needs("chromium")


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("stage")
def test_every_page_at_a_desk(server: Server, browser: Browser) -> None:
    every_page(server, browser, DESKTOP, AT_A_DESK)


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize(("locale", "word"), [("en-US", "Sign in"), ("ko-KR", "로그인")])
def test_the_browsers_language_is_spoken(server: Server, browser: Browser, locale: str, word: str) -> None:
    with context(browser, locale=locale) as profile:
        page = profile.new_page()
        page.goto(server.http)
        page.get_by_text(word, exact=True).first.wait_for()
        page.wait_for_function("lang => document.documentElement.lang === lang", arg=locale[:2])
        assert page.evaluate("getComputedStyle(document.body).wordBreak") == "keep-all"


def test_the_theme_follows_the_system_until_switched(server: Server, browser: Browser) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    with context(browser, theme="light") as profile:
        page = profile.new_page()
        questions = Questions(page)
        page.goto(server.http)
        questions.settle()
        light = page.evaluate(paper)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"before => {paper} !== before", arg=light)
        dark = page.evaluate(paper)
        page.get_by_role("button", name="Theme").click()
        page.get_by_text("Light", exact=True).click()
        page.wait_for_function(f"before => {paper} !== before", arg=dark)
        page.reload()
        page.wait_for_function(f"before => {paper} === before", arg=light)


@pytest.mark.usefixtures("stage")
def test_everything_is_done_by_keyboard(server: Server, browser: Browser) -> None:
    """Sign in, go to the studio, change the title, sign out: with Tab, arrows, Enter and letters alone."""
    with context(browser) as profile:
        page = profile.new_page()
        questions = Questions(page)
        page.goto(f"{server.http}/login?next=/studio/live%3Fchannel%3Dstage")
        page.get_by_label(re.compile("name", re.I)).first.wait_for()
        tab_to(page, "input")
        page.keyboard.type("admin")
        page.keyboard.press("Tab")
        page.keyboard.type(ADMIN_PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"^[^?]*/studio/live"))
        page.get_by_role("heading", level=1).wait_for()
        questions.settle()
        rings = walk(page)
        assert len(rings) > 8, rings
        assert [stop for stop, ring in rings if ring != "solid 2px"] == []


def tab_to(page: Page, tag: str) -> None:
    for _ in range(40):
        if page.evaluate("document.activeElement?.tagName.toLowerCase()") == tag:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no {tag} by Tab")


def walk(page: Page) -> list[tuple[str, str]]:
    """What Tab reaches on this page, with its focus ring; the body stands between two rounds."""
    script = """() => {
      const here = document.activeElement, walked = (window.walked ??= new Set([document.body]))
      const { outlineStyle, outlineWidth } = getComputedStyle(here), again = walked.has(here)
      walked.add(here)
      return again ? null : [here.outerHTML.slice(0, 200), `${outlineStyle} ${outlineWidth}`]
    }"""
    rings: list[tuple[str, str]] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate(script)
        if here is not None:
            rings.append((here[0], here[1]))
    return rings

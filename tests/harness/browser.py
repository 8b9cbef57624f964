"""A real Chromium, headless, that tells what it asked of whom."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.harness.patience import PATIENCE_MS

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for one or more contexts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def context(
    browser: Browser, *, size: dict[str, int] | None = None, locale: str = "en-US", theme: Any = "dark"
) -> Iterator[BrowserContext]:
    """A fresh profile of one size, language and colour scheme."""
    size = size or DESKTOP
    made = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale=locale,
        color_scheme=theme,
        has_touch=size is PHONE,
        is_mobile=size is PHONE,
    )
    made.set_default_timeout(PATIENCE_MS)
    try:
        yield made
    finally:
        made.close()


def foreign_requests(page: Page, own: str) -> list[str]:
    """Requests of this page that go to another origin than `own`, as they are made; each is blocked."""
    asked: list[str] = []

    def judge(route: Any) -> None:
        url = route.request.url
        if url.startswith((own, own.replace("http", "ws", 1), "data:", "blob:")):
            route.continue_()
        else:
            asked.append(url)
            route.abort()

    page.route("**/*", judge)
    return asked

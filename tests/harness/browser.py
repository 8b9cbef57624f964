"""A real Chromium, headless, that tells what it asked of whom."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ProxySettings, Request, sync_playwright
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
NOWHERE = ProxySettings(server="http://127.0.0.1:9", bypass="127.0.0.1,localhost")
"""The way to all other hosts ends here. To intercept each request would take the cache of the pages away."""


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
    browser: Browser,
    *,
    size: dict[str, int] | None = None,
    locale: str = "en-US",
    theme: Any = "dark",
    proxy: ProxySettings | None = None,
) -> Iterator[BrowserContext]:
    """A fresh profile of one size, language and colour scheme."""
    size = size or DESKTOP
    made = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale=locale,
        color_scheme=theme,
        has_touch=size is PHONE,
        is_mobile=size is PHONE,
        proxy=proxy,
    )
    made.set_default_timeout(PATIENCE_MS)
    try:
        yield made
    finally:
        made.close()


def foreign_requests(page: Page, own: str) -> list[str]:
    """Requests of this page that go to another origin than `own`, as they are made."""
    asked: list[str] = []

    def judge(request: Request) -> None:
        if not request.url.startswith((own, own.replace("http", "ws", 1), "data:", "blob:")):
            asked.append(request.url)

    page.on("request", judge)
    return asked

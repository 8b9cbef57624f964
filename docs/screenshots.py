"""Takes the pictures of the documentation from a real server with a real browser.

From the checkout: `PYTHONPATH=. .venv/bin/python docs/screenshots.py`; it needs Chromium and takes a minute.
"""

import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page
from tests.harness.browser import PHONE, chromium, context
from tests.harness.server import ADMIN_PASSWORD, Server, running

IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1280, "height": 800}


def prepare(server: Server) -> dict[str, str]:
    """A title, some other channels, and the admin's session cookie."""
    with httpx.Client(base_url=server.http, headers={"X-Madang": "1"}, timeout=30) as http:
        http.post("/api/v1/sessions", json={"name": "admin", "password": ADMIN_PASSWORD}).raise_for_status()
        title = {"title": "The yard at dusk, all night", "category": "Ambient"}
        http.patch("/api/v1/channels/demo", json=title).raise_for_status()
        for slug, name in (
            ("pansori", "판소리 다섯 마당"),
            ("kitchen", "Late kitchen"),
            ("chess", "Blitz & tea"),
        ):
            http.post("/api/v1/channels", json={"slug": slug, "name": name})
        return dict(http.cookies.items())


def play(page: Page, url: str) -> None:
    """Open a page and wait until its picture moves."""
    page.goto(url)
    for _ in range(100):
        if page.evaluate("() => document.querySelector('video')?.currentTime > 1"):
            break
        page.wait_for_timeout(200)
    page.wait_for_timeout(1500)


def take(browser: Browser, server: Server, cookies: dict[str, str]) -> None:
    """Each picture."""
    for theme in ("dark", "light"):
        with context(browser, size=SIZE, theme=theme) as desk:
            page = desk.new_page()
            play(page, f"{server.http}/@demo")
            page.mouse.move(600, 300)
            page.wait_for_timeout(400)
            page.screenshot(path=IMAGES / f"watch-{theme}.png")
    with context(browser, size=SIZE) as desk:
        desk.add_cookies([{"name": k, "value": v, "url": server.http} for k, v in cookies.items()])
        page = desk.new_page()
        page.goto(server.http)
        page.wait_for_timeout(4000)
        page.screenshot(path=IMAGES / "home-dark.png")
        page.goto(f"{server.http}/studio/live?channel=demo")
        page.wait_for_timeout(6000)
        page.screenshot(path=IMAGES / "studio-dark.png")
    with context(browser, size=PHONE, locale="ko-KR") as phone:
        page = phone.new_page()
        play(page, f"{server.http}/@demo")
        page.screenshot(path=IMAGES / "watch-phone-ko.png")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data", "--demo") as server:
        server.wait_for("demo", "live", 30)
        cookies = prepare(server)
        with chromium() as browser:
            take(browser, server, cookies)


if __name__ == "__main__":
    main()

"""Takes the pictures of the documentation from a real server with a real browser.

From the checkout: `PYTHONPATH=. .venv/bin/python docs/screenshots.py`; it needs Chromium and takes a minute.
"""

import contextlib
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page
from tests.harness.browser import PHONE, chromium, context
from tests.harness.server import ADMIN_PASSWORD, Server, running

IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1280, "height": 800}


CONFIG = """\
[accounts]
sign_up = true
[payments]
rehearsal = true
"""
TALK = (
    ("haneul", "다들 좋은 저녁이에요"),
    ("river", "first time here, what a picture"),
    ("minji", "어제 방송도 잘 봤어요!"),
    ("dora", "the sun never sets here, does it"),
    ("haneul", "여기 노을은 매일 봐도 좋네요"),
    ("juno", "hello from Lisbon"),
    ("minji", "@juno 반가워요!"),
    ("river", "what is the song?"),
    ("dora", "crickets, I think"),
)


def prepare(server: Server) -> dict[str, str]:
    """A title, some other channels, a talk with a paid message; the admin's session cookie."""
    with visitor(server) as http:
        http.post("/sessions", json={"name": "admin", "password": ADMIN_PASSWORD}).raise_for_status()
        text = {"title": "The yard at dusk, all night", "category": "Ambient"}
        text["description"] = "A yard, a sunset, and whoever comes by."
        http.patch("/channels/demo", json={"name": "Yard", **text}).raise_for_status()
        for slug, name in (
            ("pansori", "판소리 다섯 마당"),
            ("kitchen", "Late kitchen"),
            ("chess", "Blitz & tea"),
        ):
            http.post("/channels", json={"slug": slug, "name": name}).raise_for_status()
        goal = {"title": "A better microphone", "amount": 10_000, "currency": "USD"}
        http.put("/channels/demo/superchat/goal", json=goal).raise_for_status()
        talk(server)
        hello = {"text": "Welcome to the yard, everybody. Sit down wherever you like."}
        http.post("/channels/demo/chat/messages", json=hello).raise_for_status()
        return dict(http.cookies.items())


def visitor(server: Server) -> httpx.Client:
    """A browser's way to the API."""
    return httpx.Client(base_url=f"{server.http}/api/v1", headers={"X-Madang": "1"}, timeout=30)


def talk(server: Server) -> None:
    """What people say, and what one of them pays for."""
    with contextlib.ExitStack() as stack:
        people = {name: stack.enter_context(visitor(server)) for name, _ in TALK}
        for name, http in people.items():
            http.post("/sign-up", json={"name": name, "password": ADMIN_PASSWORD}).raise_for_status()
        for name, text in TALK:
            people[name].post("/channels/demo/chat/messages", json={"text": text}).raise_for_status()
        pay(people["juno"], "For the crickets. Thank you for the quiet evenings!")


def pay(http: httpx.Client, text: str) -> None:
    """A rehearsed payment, from the order to the receipt."""
    wish = {"amount": 2_000, "currency": "USD", "provider": "rehearsal", "nonce": "1", "text": text}
    order = http.post("/channels/demo/superchat/orders", json=wish).json()["id"]
    payment = http.post(f"/pay/{order}/window").json()["url"].rpartition("/")[2]
    http.post(f"/pay/rehearsal/{payment}", json={"outcome": "paid"}).raise_for_status()
    http.post(f"/pay/{order}/confirm", json={"query": {}}).raise_for_status()


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
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "data", "--demo", config=CONFIG) as server,
    ):
        server.wait_for("demo", "live", 30)
        cookies = prepare(server)
        with chromium() as browser:
            take(browser, server, cookies)


if __name__ == "__main__":
    main()

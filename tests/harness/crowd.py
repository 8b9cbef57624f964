"""People of a chat: browsers that open a channel's pages and talk there."""

import re
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute
from tests.harness.server import ADMIN_PASSWORD, Server

PATIENCE_MS = 30_000
"""For whatever a page is waited for; the machine that tests is shared."""


def sign_in(
    profile: BrowserContext, server: Server, name: str = "admin", password: str = ADMIN_PASSWORD
) -> None:
    """A session of this account in the profile."""
    answer = profile.request.post(
        f"{server.http}/api/v1/sessions",
        data={"name": name, "password": password},
        headers={"X-Madang": "1"},
    )
    assert answer.ok, answer.text()


class Talker:
    """One page with a chat on it, in English."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._heard(message.type, message.text))

    def _heard(self, kind: str, text: str) -> None:
        if "Content Security" in text or "Trusted" in text:
            self.complaints.append(f"{kind}: {text}")

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def rows(self) -> Locator:
        return self.page.locator("[data-row]")

    def open(self, address: str) -> "Talker":
        self.page.goto(address)
        self.page.get_by_role("log", name="Messages").wait_for()
        return self

    def say(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def introduce(self, name: str) -> None:
        """A guest's nickname, asked for before the first message."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Nickname").fill(name)
        dialog.get_by_role("button", name="Join in").click()

    def sees(self, text: str) -> Locator:
        """The message with this text, once it is there and not on its way any more."""
        row = self.rows.filter(has_text=text).filter(has_not_text=re.compile("sending$")).last
        row.wait_for()
        return row

    def misses(self, text: str) -> None:
        """Until no message has this text."""
        self.rows.filter(has_text=text).first.wait_for(state="detached")

    def card_of(self, text: str) -> Locator:
        """The card of whoever said this, opened from the message."""
        row = self.sees(text)
        row.hover()
        row.get_by_role("button").first.click()
        card = self.page.get_by_role("dialog")
        card.wait_for()
        return card


class Wire:
    """The realtime connection of a page, in the test's hands: it may be cut, and told things."""

    def __init__(self, page: Page) -> None:
        self.opened = 0
        self._route: WebSocketRoute | None = None
        self._cut = False
        page.route_web_socket(re.compile("/connection/websocket"), self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        if self._cut:
            route.close()
            return
        self.opened += 1
        self._route = route
        route.connect_to_server()

    def cut(self) -> None:
        """The connection breaks, and cannot be made again until it is mended."""
        self._cut = True
        if self._route is not None:
            self._route.close()

    def mend(self) -> None:
        self._cut = False

    def tell(self, frame: Any) -> None:
        """One frame to the page, as if the server had sent it."""
        assert self._route is not None
        self._route.send(frame)

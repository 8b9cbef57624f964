"""People of a chat: browsers that open a channel's pages and talk there."""

import re
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute
from tests.harness.server import ADMIN_PASSWORD, Server


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


class Member:
    """An account that speaks REST; what is not answered well fails the test."""

    def __init__(self, server: Server, name: str, *, sign_up: bool = False) -> None:
        self._http = httpx.Client(base_url=f"{server.http}/api/v1", headers={"X-Madang": "1"}, timeout=30)
        word = f"{name} has a long word" if sign_up else ADMIN_PASSWORD
        self("POST", "/sign-up" if sign_up else "/sessions", name=name, password=word)

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        answer = self._http.request(method, path, json=body or None)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._http.close()

    def pay(self, channel: str, amount: int, text: str, currency: str = "USD", **more: Any) -> dict[str, Any]:
        """A paid message, by the rehearsal provider; the order as it is then."""
        wish = {"amount": amount, "currency": currency, "provider": "rehearsal", "text": text, "nonce": text}
        order = self("POST", f"/channels/{channel}/superchat/orders", **wish, **more)["id"]
        payment = self("POST", f"/pay/{order}/window")["url"].rpartition("/")[2]
        self("POST", f"/pay/rehearsal/{payment}", outcome="paid")
        settled: dict[str, Any] = self("POST", f"/pay/{order}/confirm", query={})
        return settled


def furnish(server: Server, channel: str, viewer: str = "minji") -> None:
    """A room with something of everything: messages, a pin, a poll, a goal, what was paid, what waits."""
    host, guest = Member(server, "admin"), Member(server, viewer, sign_up=True)
    try:
        words = {"name": "spoilers", "words": ["spoiler*"], "action": "hold"}
        host("PUT", f"/channels/{channel}/filter", lists=[words])
        host("PUT", f"/channels/{channel}/superchat/goal", title="마이크", amount=100_00, currency="USD")
        guest("POST", f"/channels/{channel}/chat/messages", text="안녕하세요! 오늘도 왔어요 👋")
        host("POST", f"/channels/{channel}/chat/messages", text=f"@{viewer} welcome to the yard")
        guest("POST", f"/channels/{channel}/chat/messages", text="a spoiler that waits")
        guest.pay(channel, 10_00, "최고의 방송이에요")
        guest.pay(channel, 50_00, "spoiler in a paid message")
        guest.pay(channel, 20_00, "from nobody in particular", anonymous=True)
        host("POST", f"/channels/{channel}/polls", title="Encore?", choices=["Yes", "One more song"])
    finally:
        host.close()
        guest.close()


class Talker:
    """One page with a chat on it, in English."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
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

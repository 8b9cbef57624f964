"""Every page of one width, in both themes and both languages: what axe complains about, what a thumb would
miss, whom else it asks."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, ViewportSize, expect
from tests.harness.browser import DESKTOP, NOWHERE, PHONE, context, foreign_requests
from tests.harness.crowd import Member
from tests.harness.patience import PATIENCE_S
from tests.harness.server import ADMIN_PASSWORD, Server

AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
GUEST = [
    "/",
    "/@stage",
    "/@quiet",
    "/@nobody",
    "/embed/stage",
    "/embed/quiet",
    "/popout/stage/chat",
    "/embed/stage/chat",
    "/login",
    "/signup",
    "/invite/gone",
    "/docs",
]
STUDIO = [
    "/studio",
    "/studio/live?channel=stage",
    "/studio/moderation?channel=stage",
    "/studio/money?channel=stage",
    "/studio/stage?channel=stage",
    "/studio/keys?channel=stage",
    "/studio/channel?channel=stage",
]
ADMIN = [
    "/admin",
    "/admin/channels",
    "/admin/users",
    "/admin/invitations",
    "/admin/streams",
    "/admin/tokens",
    "/admin/realtime",
]
MEMBER = ["/", "/@stage", "/settings", *STUDIO, *ADMIN]
RARE = ["/studio/new", "/studio/camera?channel=stage", "/studio/people?channel=stage", "/admin/log"]
DIALOG = "[role=dialog], dialog"
ZOOMED = ViewportSize(width=720, height=450)
"""What a desktop of 1440 px has left at 200 %."""
Clothes = tuple[str, Literal["dark", "light"]]
"""Language and theme."""
# Every pair of width, language and theme once; both of a width are worn by one page in turns.
AT_A_DESK: tuple[Clothes, ...] = (("en", "dark"), ("ko", "light"))
ON_A_PHONE: tuple[Clothes, ...] = (("en", "light"), ("ko", "dark"))
CHANGE = """language => {
  const [name, chosen] = ['madang.preferences', JSON.parse(localStorage['madang.preferences'] ?? '{}')];
  localStorage[name] = JSON.stringify({ ...chosen, language });
  dispatchEvent(new StorageEvent('storage', { key: name }));
}"""
"""As somebody changes it in another tab."""
CHANGED = """([language, theme]) => {
  const { lang, dataset } = document.documentElement, picture = /^.embed.[^/]+$/.test(location.pathname);
  return !document.getElementById('root') || lang === language && (picture || dataset.theme === theme);
}"""
"""A picture elsewhere keeps the theme that it began with; the reference of the API has no language."""
DRAWN = "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
STILL = "() => document.getAnimations().every(one => !(one instanceof CSSTransition))"


def sign_in(profile: BrowserContext, server: Server) -> None:
    answer = profile.request.post(
        f"{server.http}/api/v1/sessions",
        data={"name": "admin", "password": ADMIN_PASSWORD},
        headers={"X-Madang": "1"},
    )
    assert answer.ok, answer.text()


class Questions:
    """What a page has asked of the API and is not answered yet."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: set[Request] = set()
        page.on("request", self._asked)
        page.on("requestfinished", lambda request: self._open.discard(request))
        page.on("requestfailed", lambda request: self._open.discard(request))

    def _asked(self, request: Request) -> None:
        if request.is_navigation_request():
            self._open.clear()
        if "/api/v1/" in request.url:
            self._open.add(request)

    def settle(self) -> None:
        """Until the page is drawn: it has asked nothing for a moment, and all is answered."""
        self._page.wait_for_function(
            "() => document.readyState === 'complete' && document.body.innerText.length > 0"
        )
        quiet, deadline = 0, time.monotonic() + PATIENCE_S
        while quiet < 4:
            self._page.wait_for_timeout(50)
            quiet = 0 if self._open else quiet + 1
            assert time.monotonic() < deadline, f"never answered: {[one.url for one in self._open]}"


def violations(page: Page, within: str = "html") -> list[str]:
    """What axe finds in a part of the page, one line each."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found: Any = page.evaluate(
        "within => axe.run(document.querySelector(within), {resultTypes: ['violations'], preload: false})",
        within,
    )
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:160]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def small_targets(page: Page) -> list[str]:
    """Controls that a finger would miss: under 44 px in both directions, and not a word in running text; a
    message is touched as a whole."""
    script = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select')]
      .filter(e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && !e.disabled)
      .filter(e => !(e.tagName === 'A' && getComputedStyle(e).display === 'inline'))
      .filter(e => !e.closest('.sr-only') && !e.matches('.sr-only, [data-row] [tabindex="-1"]'))
      .map(e => [e, e.getBoundingClientRect(), e.closest('label')?.getBoundingClientRect()])
      .filter(([e, r, l]) => r.width > 1 && Math.max(r.height, l?.height ?? 0) < 43.5)
      .map(([e, r]) => `${e.outerHTML.slice(0, 120)} ${Math.round(r.width)}x${Math.round(r.height)}`)"""
    found: list[str] = page.evaluate(script)
    return found


class Look:
    """A page of one width, which changes its clothes, and what is wrong on it."""

    def __init__(self, page: Page, clothes: Sequence[Clothes], *, thumb: bool) -> None:
        self.page, self._thumb = page, thumb
        self.settle = Questions(page).settle
        self.wrong: list[str] = []
        self._clothes = list(clothes)
        """What is worn now comes first."""

    def wear(self, clothes: Clothes) -> None:
        language, theme = clothes
        self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # what is fading has no contrast
        self.page.evaluate(CHANGE, language)
        self.page.wait_for_function(CHANGED, arg=[language, theme])
        self.page.evaluate(DRAWN)
        self.page.wait_for_function(STILL)

    def _too_wide(self) -> list[str]:
        """A phone makes room for what is too wide, and its `innerWidth` grows: the screen itself counts."""
        wide = self.page.evaluate("() => document.documentElement.scrollWidth")
        screen = (self.page.viewport_size or DESKTOP)["width"]
        return [f"{wide - screen} px wider than the screen"] if wide > screen + 1 else []  # one is rounding

    def judge(self, where: str, within: str = "html") -> None:
        """What stands there now, or in that part of it, in all clothes."""
        self._judged(where, within)
        for other in self._clothes[1:]:
            self.wear(other)
            self._judged(where, within)
        self._clothes.reverse()

    def _judged(self, where: str, within: str) -> None:
        found = violations(self.page, within)
        if self._thumb:
            found += small_targets(self.page) + self._too_wide()
        elif within == "html":
            found += self._zoomed()
        self.wrong += [f"{where} {line}" for line in found]

    def visit(self, base: str, paths: list[str]) -> None:
        for path in paths:
            self.page.goto(base + path)
            self.settle()
            self.judge(path)

    def _zoomed(self) -> list[str]:
        """At 200 %, and with letters of twice the size: nothing is beyond the edge."""
        larger = "size => { document.documentElement.style.fontSize = size }"
        before = self.page.viewport_size
        self.page.set_viewport_size(ZOOMED)
        wide = [f"at 200 %: {line}" for line in self._too_wide()]
        if before is not None:
            self.page.set_viewport_size(before)
        self.page.evaluate(larger, "200%")
        wide += [f"in large letters: {line}" for line in self._too_wide()]
        self.page.evaluate(larger, "")
        return wide


class Parts:
    """What opens on a page, found by structure: the same in both languages."""

    def __init__(self, look: Look) -> None:
        self._look, self._page = look, look.page
        self.dialog = self._page.get_by_role("dialog")

    def judged(self, what: str, within: str = DIALOG) -> None:
        """A dialog, a card or a menu that has opened; it is closed then."""
        opened = self._page.locator(within).locator("visible=true").last
        opened.wait_for()
        self._look.judge(what, within)
        self._page.keyboard.press("Escape")
        opened.wait_for(state="detached")

    def marked(self, icon: str, within: str = "main") -> Locator:
        """The first button with this icon."""
        return self._page.locator(f"{within} button:has(svg.lucide-{icon})").locator("visible=true").first


def open_parts(look: Look) -> None:
    """The states of the chat that open."""
    page, parts = look.page, Parts(look)
    row = page.locator("[data-row]").filter(has_text="오늘도 왔어요").first
    row.wait_for()
    page.get_by_role("log").press("ArrowUp")
    page.locator("[data-row]:focus").first.press("r")
    poll = page.locator("section > h3 > button[aria-expanded]").first
    poll.wait_for()
    for folded in page.locator("section > h3 > button[aria-expanded=false]").all():
        folded.click()
    pinned = page.locator("section:has(> svg.lucide-pin) button[aria-expanded]")
    if pinned.count() == 0:  # it stays for the looks that follow
        page.locator("[data-row]").filter(has_text="welcome to the yard").get_by_role("button").first.click()
        parts.marked("pin", "[role=dialog]").click()
    pinned.click()
    look.judge("chat: reply, poll, whole pin, goal and ticker")
    opened = page.locator("header button[aria-haspopup=dialog], form button[aria-haspopup=dialog]")
    expect(opened).not_to_have_count(0)
    for part in range(opened.count()):
        opened.nth(part).click()
        parts.judged(f"chat: part {part}")
    row.get_by_role("button").first.click()
    parts.dialog.locator("ol li").first.wait_for()
    parts.judged("chat: card")
    page.locator("button:has([role=progressbar])").click()
    parts.dialog.locator("ol li").first.wait_for()
    parts.judged("chat: goal and ranking")
    page.locator("button.text-money").click()
    page.locator("#pay-text").wait_for()
    parts.judged("chat: paying")
    composer = page.get_by_role("textbox").last
    said = f"written at {time.time()}"
    composer.fill(said)
    page.locator("form:has(textarea) button[type=submit]").click()
    page.locator("[data-row]").filter(has_text=said).get_by_role("button").first.click()
    parts.marked("pencil", "[role=dialog]").click()
    parts.judged("chat: editing", "dialog[open]")
    page.keyboard.press("Escape")
    composer.fill("/")
    page.get_by_role("option").first.wait_for()
    look.judge("chat: commands", "[role=listbox]")


def open_menus(look: Look, base: str) -> None:
    """Menus of the head and of the picture, and what they lead to; dialogs of the studio; every tab."""
    page, parts = look.page, Parts(look)
    page.goto(f"{base}/@stage")
    heads = page.locator("header button[aria-haspopup=menu]")
    heads.nth(2).wait_for()
    for menu in range(heads.count()):
        heads.nth(menu).press("Enter")
        parts.judged(f"menu {menu} of the head", "[role=menu]")
    player = page.locator("[data-phase] button[aria-haspopup=menu]")
    player.press("Enter")
    parts.judged("menu of the player", "[role=menu]")
    page.locator("[data-phase] video").press("i")
    page.locator("[data-phase] dl").wait_for()
    look.judge("statistics", "[data-phase]")
    page.keyboard.press("?")
    parts.judged("shortcuts", "dialog[open]")
    page.goto(f"{base}/studio/moderation?channel=stage")
    tabs = page.get_by_role("tab")
    tabs.last.wait_for()
    for tab in range(1, tabs.count()):
        tabs.nth(tab).click()
        look.settle()
        look.judge(f"moderation: tab {tab}", "main")
    page.goto(f"{base}/studio/keys?channel=stage")
    row = page.locator("main li").first
    row.wait_for()
    row.get_by_role("button").first.wait_for()
    for deed in range(row.get_by_role("button").count()):
        row.get_by_role("button").nth(deed).click()
        parts.judged(f"keys: deed {deed}", "dialog[open]")


def unlinked(server: Server) -> list[str]:
    """Pages that only who paid, or OBS, has the address of."""
    host = Member(server, "admin")
    try:
        wish = {
            "amount": 20_00,
            "currency": "USD",
            "provider": "rehearsal",
            "text": "thank you",
            "nonce": str(time.time()),
        }
        order = host("POST", "/channels/stage/superchat/orders", **wish)["id"]
        window = host("POST", f"/pay/{order}/window")["url"]
        overlay = host("GET", "/channels/stage/overlay")["urls"]["all"]
    finally:
        host.close()
    return [f"/pay/{order}", urlsplit(window).path, urlsplit(overlay).path]


def failing(look: Look, base: str) -> None:
    """A page whose server is gone, one whose server is broken, a form that was refused."""
    page = look.page
    page.route(re.compile("/api/v1/channels/[^/]+/keys"), lambda route: route.abort())
    page.goto(f"{base}/studio/keys?channel=stage")
    page.locator("main svg.lucide-cloud-off").wait_for()
    look.judge("without a server")
    page.unroute_all(behavior="ignoreErrors")
    page.route(re.compile("/api/v1/channels/[^/]+/keys"), lambda route: route.fulfill(status=503, body="{}"))
    page.reload()
    page.locator("main svg.lucide-triangle-alert").wait_for()
    look.judge("with a broken server")
    page.unroute_all(behavior="ignoreErrors")
    page.context.clear_cookies()
    page.goto(f"{base}/login")
    page.locator("input[type=password]").fill("not the word")
    page.locator("input").first.fill("nobody")
    page.locator("input").first.press("Enter")
    page.get_by_role("alert").wait_for()
    look.judge("a sign-in that was refused")


def every_page(server: Server, browser: Browser, size: dict[str, int], clothes: Sequence[Clothes]) -> None:
    """axe finds nothing, a thumb reaches everything, nobody else is asked, the policy is never broken."""
    complaints: list[str] = []
    with context(browser, size=size, proxy=NOWHERE) as profile:
        page = profile.new_page()
        page.on(
            "console",
            lambda message: complaints.append(message.text) if "Content Security" in message.text else None,
        )
        asked = foreign_requests(page, server.http)
        look = Look(page, clothes, thumb=size is PHONE)
        page.goto(server.http)
        look.wear(clothes[0])
        look.visit(server.http, GUEST)
        sign_in(profile, server)
        look.visit(server.http, [*MEMBER, *RARE, *unlinked(server)])
        page.goto(f"{server.http}/popout/stage/chat")
        open_parts(look)
        open_menus(look, server.http)
        failing(look, server.http)
        assert asked == []
        assert complaints == []
        assert not look.wrong, "\n".join(look.wrong)

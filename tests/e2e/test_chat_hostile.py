"""Text that would be markup in a careless page, in every field of the chat, under the pages' own policy."""

import pytest
from playwright.sync_api import Browser, Page
from tests.harness.browser import context
from tests.harness.crowd import Talker, sign_in
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")

CORPUS = [
    "<script>window.__xss = 1</script>",
    '<img src=x onerror="window.__xss = 1">',
    "<svg/onload=window.__xss=1>",
    '"><iframe srcdoc="<script>parent.__xss=1</script>">',
    "javascript:window.__xss=1",
    'https://example.org/"onmouseover="window.__xss=1',
    "<a href='javascript:window.__xss=1'>click</a>",
    "{{constructor.constructor('window.__xss=1')()}}",
    "&lt;script&gt;window.__xss=1&lt;/script&gt;",
    "<style>@import 'data:text/css,*{display:none}'</style>",
    "\u202e<b>gnirts</b>",
    "<math><mtext></p><img src onerror=window.__xss=1>",
]
MARKUP = "[data-row] :is(script, img, svg:not(.lucide), iframe, style, math, object, embed, form, b a)"


def untouched(page: Page) -> None:
    """Nothing ran, and nothing of it became an element."""
    assert page.evaluate("() => window.__xss") is None
    assert page.locator(MARKUP).count() == 0
    wrong = page.evaluate(
        "() => [...document.querySelectorAll('[data-row] a')]"
        ".filter(a => !/^https?:/.test(a.protocol) || [...a.attributes].some(x => x.name.startsWith('on')))"
        ".map(a => a.outerHTML)"
    )
    assert wrong == []


def test_hostile_text_is_text(server: Server, browser: Browser) -> None:
    server.madang("channel", "create", "hostile")
    with context(browser) as own, context(browser) as strange:
        sign_in(own, server)
        host = Talker(own.new_page()).open(f"{server.http}/@hostile")
        guest = Talker(strange.new_page()).open(f"{server.http}/@hostile")
        # Managers may say more in ten seconds than others; this stays below it.
        for text in CORPUS:
            host.say(text)
            guest.sees(text.removeprefix("\u202e"))
            untouched(guest.page)
        # A guest's words, a reply, a mention, an edit, a pin, an announcement and the rules.
        guest.composer.fill("<b>me</b>")
        guest.composer.press("Enter")
        guest.page.get_by_label("Nickname").fill("Mina")
        guest.page.get_by_role("button", name="Join in").click()
        host.sees("<b>me</b>")
        host.sees("<b>me</b>").hover()
        host.sees("<b>me</b>").get_by_role("button", name="Reply").click()
        host.say(f"@me {CORPUS[1]}")
        guest.sees(f"@me {CORPUS[1]}")
        host.card_of(f"@me {CORPUS[1]}").get_by_role("button", name="Pin", exact=True).click()
        guest.page.get_by_role("region", name="Pinned").get_by_text(f"@me {CORPUS[1]}").wait_for()
        host.say(f"/announceorange {CORPUS[0]}")
        guest.rows.filter(has_text=CORPUS[0]).nth(1).wait_for()
        untouched(guest.page)
        untouched(host.page)
        assert guest.complaints == [] and host.complaints == []
        host.page.goto(f"{server.http}/studio/moderation?channel=hostile")
        host.page.get_by_role("tab", name="Log").click()
        host.page.get_by_role("tabpanel").get_by_text("pinned a message of admin").wait_for()
        untouched(host.page)
        assert host.complaints == []

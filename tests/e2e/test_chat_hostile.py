"""Text that would be markup in a careless page, in every field of the chat, under the pages' own policy."""

import re
from typing import Any

import pytest
from playwright.sync_api import APIRequestContext, Browser, Page, expect
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
NICKNAME = "<script>x()</script>"
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
        guest.introduce(NICKNAME)
        expect(host.sees("<b>me</b>")).to_contain_text(NICKNAME)
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


IMG = "<img src=x onerror=__xss=1>"
"""Before a word that says which field it was."""
WATCH_CSP = (
    "addEventListener('securitypolicyviolation', e => (window.__csp ??= []).push(e.violatedDirective))"
)
MISSING = """fields => {
  const root = document.getElementById('root');
  const typed = [...root.querySelectorAll('input, textarea')].map(each => each.value);
  const shown = [root.textContent, document.title, ...typed].join('\\n');
  return fields.filter(each => !shown.includes('<img src=x onerror=__xss=1>' + each));
}"""

TAGS = (
    "a b img svg video audio iframe object embed math form input button details select body style link base p"
)
DEEDS = (
    "src=x onerror=__xss=1",
    "onload=__xss=1",
    "autofocus onfocus=__xss=1",
    "open ontoggle=__xss=1",
    "onpointerenter=__xss=1",
    "href=javascript:__xss=1",
    "srcdoc='<script>__xss=1</script>'",
    "style=animation:x onanimationstart=__xss=1",
)
SCHEMES = "javascript: JaVaScRiPt: java&Tab;script: &#106;avascript: vbscript: data:text/html,<script> blob:"
CLOSINGS = ('">', "'>", "-->", "]]>", "</title>", "</textarea>", "</script>", "</style>", "${", "{{", "`")
SHAPES = ("<{0} {1}>", "<{0}/{1}>", "< {0} {1}>", "&lt;{0} {1}&gt;", "\\u003c{0} {1}\\u003e", "<{0} {1}//")
PAYLOADS = [
    *(f"<{tag} {deed}>" for tag in TAGS.split() for deed in DEEDS),
    *(f"{closing}<img {deed}>" for closing in CLOSINGS for deed in DEEDS),
    *(f"[x]({scheme}__xss=1)" for scheme in SCHEMES.split()),
    *(f"https://example.org/{closing}onclick=__xss=1" for closing in CLOSINGS),
    *(shape.format(tag, DEEDS[0]) for shape in SHAPES for tag in ("img", "svg", "video", "script")),
]
"""Some three hundred, of which several go into one message."""


def parcels(most: int) -> list[str]:
    """The payloads, in texts of at most so many letters."""
    found = [""]
    for each in PAYLOADS:
        if len(found[-1]) + len(each) >= most:
            found.append("")
        found[-1] += f" {each}" if found[-1] else each
    return found


ABOUT = parcels(3900)[0]
"""What a description has room for; the others are messages."""


class Site:
    """The API for whoever is signed in in a profile."""

    def __init__(self, asks: APIRequestContext, server: Server) -> None:
        self._asks, self._base = asks, f"{server.http}/api/v1"

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        headers = {"X-Madang": "1"}
        answer = self._asks.fetch(self._base + path, method=method, data=body, headers=headers)
        assert answer.ok, f"{path}: {answer.text()}"
        return answer.json() if answer.text() else None


def literal(page: Page, *fields: str) -> None:
    """Each field's text stands on the page as it was written, and did nothing."""
    page.wait_for_function(f"fields => ({MISSING})(fields).length === 0", arg=list(fields))
    found = page.evaluate("() => [window.__xss, window.__csp, document.querySelectorAll('[onerror]').length]")
    assert found == [None, None, 0], f"{page.url}: {found}"


def go(page: Page, path: str, *fields: str) -> None:
    """Another room of the page that is open, without loading it anew."""
    page.evaluate("path => history.pushState(null, '', path)", path)
    literal(page, *fields)


def write_everywhere(host: Site, viewer: Site) -> str:
    """Hostile text in every field that somebody else reads; the order of a paid message."""
    host("PATCH", "/channels/fields", name=f"{IMG}name", title=f"{IMG}title", category=f"{IMG}category")
    host("PATCH", "/channels/fields", description=f"{IMG}about {ABOUT}")
    host("PATCH", "/channels/fields/chat/settings", rules=f"{IMG}rules")
    host("POST", "/channels/fields/polls", title=f"{IMG}poll", choices=[f"{IMG}yes", f"{IMG}no"])
    host("PUT", "/channels/fields/superchat/goal", title=f"{IMG}goal", amount=100, currency="USD")
    host("POST", "/channels/fields/keys", name=f"{IMG}key")
    host("POST", "/tokens", name=f"{IMG}token", scopes=["chat:read"])
    host("POST", "/invitations", note=f"{IMG}note")
    rules = {"name": f"{IMG}list", "words": [f"{IMG}word"], "action": "hold"}
    pattern = {"name": f"{IMG}named", "expression": f"{IMG}pattern", "action": "hold"}
    host("PUT", "/channels/fields/filter", lists=[rules], allow=[f"{IMG}allowed"], patterns=[pattern])
    wish = {"amount": 500, "currency": "USD", "provider": "rehearsal", "nonce": "1", "text": f"{IMG}paid"}
    order: str = viewer("POST", "/channels/fields/superchat/orders", **wish)["id"]
    payment = viewer("POST", f"/pay/{order}/window")["url"].rpartition("/")[2]
    viewer("POST", f"/pay/rehearsal/{payment}", outcome="paid")
    assert viewer("POST", f"/pay/{order}/confirm", query={})["state"] == "shown"
    said = viewer("POST", "/channels/fields/chat/messages", text=f"{IMG}said")["id"]
    viewer("POST", "/channels/fields/chat/messages", text=f"{IMG}answer", reply_to=said)
    return order


def test_every_field_takes_hostile_text(server: Server, browser: Browser) -> None:
    server.madang("channel", "create", "fields")
    with context(browser) as own, context(browser) as strange:
        sign_in(own, server)
        host, viewer = Site(own.request, server), Site(strange.request, server)
        account = {"name": "fielder", "display_name": f"{IMG}who", "password": "a long enough password"}
        viewer("POST", "/sign-up", **account)
        order = write_everywhere(host, viewer)
        assert IMG not in strange.request.get(f"{server.http}/@fields").text()
        page, desk, overlay = strange.new_page(), own.new_page(), own.new_page()
        for each in (page, desk, overlay):
            each.add_init_script(WATCH_CSP)
        page.goto(f"{server.http}/@fields")
        seen = (
            "name",
            "title",
            "category",
            "about",
            "goal",
            "poll",
            "yes",
            "no",
            "paid",
            "said",
            "answer",
            "who",
        )
        literal(page, *seen)
        expect(page).to_have_title(re.compile(f"^{re.escape(IMG)}"))
        page.wait_for_function("text => document.body.textContent.includes(text)", arg=ABOUT)
        # The overlay shows the last few messages, so it is looked at first.
        address = host("GET", "/channels/fields/overlay")["urls"]["all"]
        overlay.goto(f"{server.http}/overlay/{address.rpartition('/')[2]}")
        literal(overlay, "goal", "paid")
        for text in (piece for piece in parcels(490) if piece not in ABOUT):
            host("POST", "/channels/fields/chat/messages", text=text)
            page.locator("[data-row]").filter(has_text=text).wait_for()
        literal(page)
        untouched(page)
        go(page, f"/pay/{order}", "paid", "name")
        # A timeout hides what somebody said, so it comes last; its reason is for the managers.
        user = "madang.u." + viewer("GET", "/me")["account"]["id"]
        host("PUT", f"/channels/fields/chat/bans/{user}", duration_s=600, reason=f"{IMG}reason")
        desk.goto(f"{server.http}/studio/money?channel=fields")
        literal(desk, "paid", "goal", "who")
        go(desk, "/studio/moderation?channel=fields")
        for tab, fields in (("Modes", ("rules",)), ("Words", ("list", "word", "allowed", "pattern"))):
            desk.get_by_role("tab", name=tab).click()
            literal(desk, *fields)
        for tab in ("People", "Log"):
            desk.get_by_role("tab", name=tab).click()
            literal(desk, "reason", "who")
        for path, field in (
            ("/studio/keys?channel=fields", "key"),
            ("/studio/channel?channel=fields", "about"),
            ("/admin/tokens", "token"),
            ("/admin/invitations", "note"),
            ("/admin/channels", "name"),
            ("/admin/users", "who"),
            ("/admin/realtime", ""),
        ):
            go(desk, path, *([field] if field else []))
        host("POST", "/channels/fields/overlay/test", widget="alerts", text=f"{IMG}alert")
        host("POST", "/channels/fields/overlay/test", widget="chat", text=f"{IMG}line")
        literal(overlay, "alert", "line")

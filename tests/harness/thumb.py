"""A thumb on a phone: presses what stands on a page, and keeps a list of what could have been pressed.

Whatever it presses has to be in the 390 px, large enough, and under nothing else; whatever it saw and never
pressed is told at the end.
"""

import re

from playwright.sync_api import Locator, Page, expect
from tests.harness.patience import wait_until

LEAST_PX = 43.5
"""44 px, less what rounding takes."""

# What an element is called, and where: its page, or what stands on several. Whose it is, numbers and emoji
# are left out: one button of a kind stands for all of them.
CALLED = """e => {
  const said = e.getAttribute('aria-label')
    ?? ([...(e.labels ?? [])].map(label => label.textContent).join(' ')
      || e.textContent || e.title || e.type);
  const alike = {
    '[aria-label="Paid messages"] > button': 'a paid message',
    '[aria-label=Pinned] > button[aria-expanded]': 'a pin',
    'h3 > button[aria-expanded]': 'a poll', 'button:has([role=progressbar])': 'a goal',
    'a[href^="/@"]:not([href*="chat"])': /Watch|Back/.test(said) ? '' : 'a channel',
  };
  const kind = Object.keys(alike).find(each => e.matches(each) && alike[each]);
  const name = said.replace(/\\p{Extended_Pictographic}[\\u200d\\ufe0f\\p{Extended_Pictographic}]*/gu, '*')
    .replace(/[$₩]?[\\d.,]*\\d/g, '#').replace(/\\s+/g, ' ').trim()
    .replace(/.*Vote for .*/, 'Vote').replace(/To live.*/, 'To live').replace(/#$/, '')
    .replace(/\\b(of|to|list|Open|Disconnect)( \\S.*|)$/, '$1 …').trim();
  const shared = {
    'dialog > :first-child, dialog .justify-end': 'dialog',
    'div:has(> nav), #root > div > header': 'everywhere',
    '[data-phase]': 'player',
    '[aria-label^="Chat of"], [data-radix-popper-content-wrapper]': 'chat',
  };
  const room = Object.keys(shared).find(place => e.closest(place));
  const page = location.pathname.replace(/[0-9a-z]{26}|@.*|invite.*/, '#');
  return `${room ? shared[room] : page} | ${kind ? alike[kind] : name}`;
}"""
STANDING = f"""() => {{
  const called = {CALLED};
  const controls = 'a[href], button, input:not([type=hidden], [type=file]), select, textarea, ' +
    '[role=menuitem], [role=menuitemradio], [role=option], [role=tab]';
  const seen = [...document.querySelectorAll(controls)].filter(e => !e.disabled && e.ariaDisabled !== 'true')
    .filter(e => e.checkVisibility({{ visibilityProperty: true }}) && !e.closest('[aria-hidden=true]'))
    .filter(e => !e.matches('[data-row] [tabindex="-1"], a[href="#main"]'));
  const english = document.documentElement.lang === 'en';
  const wide = document.documentElement.scrollWidth - screen.width;
  return [english ? [...new Set(seen.map(called))] : [], wide];
}}"""
# Brings it into the view; its name, and the place that takes the touch: an input's label counts as the input,
# words in running text are excused. Then everything that stands around it.
REACHED = f"""e => {{
  e.scrollIntoView({{ block: 'nearest', inline: 'nearest', behavior: 'instant' }});
  const [own, label] = [e, e.closest('label')].map(x => x?.getBoundingClientRect());
  const box = label && label.width * label.height > own.width * own.height ? label : own;
  const running = e.tagName === 'A' && getComputedStyle(e).display === 'inline';
  const least = running ? 44 : Math.min(box.width, box.height);
  return [({CALLED})(e), box.left, box.right, least, ({STANDING})()];
}}"""


class Thumb:
    """One page of a phone; `untried()` is what stood there and was not touched."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen: set[str] = set()
        self.tried: set[str] = set()
        self.wrong: list[str] = []

    def button(self, name: str | re.Pattern[str], within: Locator | None = None) -> Locator:
        """The first button of this name, or of exactly this name."""
        return (within or self.page).get_by_role("button", name=name, exact=isinstance(name, str)).first

    def field(self, label: str) -> Locator:
        """The field of this label that is seen."""
        return self.page.get_by_label(label, exact=True).locator("visible=true").last

    def look(self) -> None:
        """Notes what stands on the page now."""
        self._note(*self.page.evaluate(STANDING))

    def _note(self, found: list[str], wide: float) -> None:
        self.seen.update(found)
        if wide > 0:
            self.wrong.append(f"{self.page.url} is {wide} px wider than the phone")

    def press(self, what: Locator | str) -> None:
        """A tap on it, or on the button of this name."""
        self.reach(self.button(what) if isinstance(what, str) else what).tap()

    def write(self, label: str | Locator, text: str) -> None:
        """Into a field, in the place of what stood there."""
        self.reach(self.field(label) if isinstance(label, str) else label).fill(text)

    def copy(self, what: str | Locator) -> str:
        """What the button of this name puts on the clipboard, once it is there: some is fetched first."""
        self.page.evaluate("navigator.clipboard.writeText('')")
        self.press(f"Copy {what}" if isinstance(what, str) else what)
        wait_until(lambda: copied(self.page))
        return copied(self.page)

    def choose(self, label: str, value: str) -> None:
        """From a list."""
        self.reach(self.field(label)).select_option(value)

    def switch(self, words: str) -> None:
        """A switch or a box, by its words."""
        box = self.page.get_by_label(words, exact=True).last
        before = box.is_checked()
        self.reach(box)
        box.locator("xpath=ancestor::label").tap()
        expect(box).to_be_checked(checked=not before)

    def says(self, text: str | re.Pattern[str]) -> None:
        """Until the page says this."""
        self.page.get_by_text(text).locator("visible=true").first.wait_for()

    def dismiss(self) -> None:
        """Closes the dialog that is open, by its button."""
        dialog = self.page.locator("dialog[open]").last
        self.press(dialog.get_by_role("button", name="Close", exact=True))
        expect(self.page.locator("dialog[open]")).to_have_count(0)

    def go(self, path: str) -> None:
        """Another page of the same origin, loaded anew."""
        origin = re.sub(r"^(https?://[^/]+).*", r"\1", self.page.url)
        self.page.goto(origin + path, wait_until="domcontentloaded")
        self.page.get_by_role("main").wait_for()

    def enter(self, room: str) -> None:
        """Another room of the studio or the administration, by its name in the row of rooms."""
        link = self.page.get_by_role("navigation").get_by_role("link", name=room, exact=True)
        self.press(link)
        expect(link).to_have_attribute("aria-current", "page")

    def untried(self) -> list[str]:
        """What stood on the pages and was not touched."""
        return sorted(self.seen - self.tried)

    def reach(self, what: Locator) -> Locator:
        """It is there, within the phone, and large enough."""
        what.wait_for()
        for _ in range(20):
            name, left, right, least, around = what.evaluate(REACHED)
            outside = left < -0.5 or right > 390.5
            if not outside and least >= LEAST_PX:
                break
            self.page.wait_for_timeout(100)  # it is being laid out
        self._note(*around)
        if outside:
            self.wrong.append(f"{name}: from {left:.0f} to {right:.0f} px")
        if least < LEAST_PX:
            self.wrong.append(f"{name}: {least:.0f} px")
        self.tried.add(name)
        return what


def copied(page: Page) -> str:
    """What a button has put on the clipboard."""
    return str(page.evaluate("navigator.clipboard.readText()"))

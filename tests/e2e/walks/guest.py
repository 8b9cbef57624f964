"""A guest: the front page, the picture and its controls, the chat under a nickname, somebody else's page."""

import re

from playwright.sync_api import Locator, expect
from tests.harness.patience import wait_until
from tests.harness.thumb import Thumb

PLAYING = "() => { const v = document.querySelector('video'); return v && !v.paused && v.currentTime > 0.3 }"


def walk(thumb: Thumb) -> None:
    front_page(thumb)
    picture(thumb)
    about(thumb)
    chat(thumb)
    card(thumb)
    elsewhere(thumb)


def front_page(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press("Language")
    thumb.press(page.get_by_role("menuitemradio", name="한국어"))
    thumb.press("언어")
    thumb.press(page.get_by_role("menuitemradio", name="English"))
    thumb.press("Language")
    thumb.press(page.get_by_role("menuitemradio", name="As the browser"))
    page.get_by_role("link", name="Sign in").wait_for()
    for theme in ("Light", "Dark", "As the system"):
        thumb.press("Theme")
        thumb.press(page.get_by_role("menuitemradio", name=theme))
    thumb.press(page.get_by_role("link", name=re.compile("has not been live yet")).first)
    thumb.says("Not live right now")
    thumb.press(page.get_by_role("link", name="Madang"))
    thumb.press(page.get_by_role("link", name="Follow", exact=True))
    page.wait_for_url(re.compile("/login"))
    page.go_back()
    thumb.press(page.get_by_role("link", name="Watch", exact=True))
    page.wait_for_url(re.compile("/@stage$"))


# Controls leave the picture three seconds after the last key, and a finger may be slower: keys without end.
STIRRED = """() => setInterval(() => {
  const key = new KeyboardEvent('keydown', { key: 'Shift', bubbles: true });
  document.querySelector('[data-phase]')?.dispatchEvent(key);
}, 300)"""


def control(thumb: Thumb, name: str, until: str) -> None:
    """Presses a control of the picture; then that is so."""
    thumb.press(name)
    thumb.page.wait_for_function(f"() => {until}")


def chosen(thumb: Thumb, item: Locator) -> None:
    """From the player's menu."""
    control(thumb, "Player settings", "document.querySelector('[role=menu]') !== null")
    thumb.press(item)
    item.wait_for(state="detached")


def picture(thumb: Thumb) -> None:
    page = thumb.page
    page.wait_for_function(PLAYING)
    page.evaluate(STIRRED)
    thumb.button("Player settings").wait_for()
    video = "document.querySelector('video')"
    for name in ("Mute", "Sound on") if not page.evaluate(f"{video}.muted") else ("Sound on", "Mute"):
        control(thumb, name, f"{video}.muted === {str(name == 'Mute').lower()}")
    control(thumb, "Pause", f"{video}.paused")
    control(thumb, "Full screen", "document.fullscreenElement !== null")
    control(thumb, "Leave full screen", "document.fullscreenElement === null")
    control(thumb, "Play", f"!{video}.paused")
    for engine in ("HTTP-FLV", "WebRTC", "LL-HLS"):
        chosen(thumb, page.get_by_role("menuitemradio", name=engine))
        page.wait_for_function(PLAYING)
    chosen(thumb, page.get_by_role("menuitemradio", name=re.compile("Original")))
    chosen(thumb, page.get_by_role("menuitem", name="Statistics"))
    page.get_by_role("region", name="Statistics").wait_for()
    thumb.press("Close statistics")
    chosen(thumb, page.get_by_role("menuitem", name="Keyboard shortcuts"))
    thumb.dismiss()
    for there in ("!==", "==="):
        chosen(thumb, page.get_by_role("menuitem", name="Picture in picture"))
        page.wait_for_function(f"() => document.pictureInPictureElement {there} null")
    louder_and_back(thumb)


def louder_and_back(thumb: Thumb) -> None:
    """The volume in the menu; then back as far as it goes, and to live again."""
    page = thumb.page
    control(thumb, "Player settings", "document.querySelector('[role=menu]') !== null")
    volume = page.evaluate("() => document.querySelector('video').volume")
    for name, holds in (("Quieter", f"< {volume}"), ("Louder", f">= {volume}")):
        thumb.press(page.get_by_role("menuitem", name=name))
        page.wait_for_function(f"() => document.querySelector('video').volume {holds}")
    page.keyboard.press("Escape")
    bar = page.get_by_label("Position in the broadcast")
    bar.wait_for(state="attached")
    following = "document.querySelector('span[data-latency]') !== null"

    def far_back() -> bool:
        thumb.reach(bar).tap(position={"x": 20, "y": 22})
        page.wait_for_timeout(1000)
        return bool(page.evaluate(f"() => !({following})"))

    wait_until(far_back)
    control(thumb, "To live", following)


def about(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press("About the broadcast")
    thumb.press("Share")
    assert thumb.copy("Link").endswith("/@stage")
    assert thumb.copy("Embed code").startswith("<iframe")
    thumb.dismiss()
    thumb.press(page.get_by_role("main").get_by_role("link", name="Follow", exact=True))
    page.wait_for_url(re.compile("/login"))
    page.go_back()


def chat(thumb: Thumb) -> None:
    page = thumb.page
    page.get_by_role("log").wait_for()
    thumb.press(page.get_by_role("region", name="Goal").get_by_role("button"))
    thumb.choose("Period", "30")
    thumb.dismiss()
    thumb.press(page.get_by_role("region", name="Paid messages").get_by_role("button").first)
    thumb.dismiss()
    thumb.press(page.get_by_role("button", name=re.compile("^Encore")))
    thumb.press(page.get_by_role("button", name=re.compile("Vote for Yes")))
    expect(page.get_by_role("region", name="Encore?")).to_contain_text("Your choice")
    thumb.press(page.get_by_role("button", name=re.compile("^Encore")))
    thumb.press(page.get_by_role("button", name=re.compile("^Send .*🎉")))
    settings(thumb)
    thumb.press("Emoji")
    thumb.press(page.get_by_role("button", name="😀", exact=True))
    page.keyboard.press("Escape")
    expect(thumb.field("Message")).to_have_value(re.compile("😀"))
    thumb.write("Message", "by thumb")
    thumb.press("Send")
    page.locator("[data-row]").filter(has_text="by thumb").filter(has_not_text="sending").wait_for()


def settings(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press("Chat settings")
    for size in ("Small", "Large", "Medium"):
        thumb.press(size)
        expect(thumb.button(size)).to_have_attribute("aria-pressed", "true")
    for words in ("Show times", "Show effects", "Show every message, even in a rush"):
        thumb.switch(words)
        thumb.switch(words)
    with page.expect_popup() as opened:
        thumb.press(page.get_by_role("link", name="Chat in a window of its own"))
    opened.value.close()
    thumb.press("Change nickname")
    thumb.press(page.get_by_role("link", name="Or sign in"))
    page.wait_for_url(re.compile("/login"))
    page.go_back()
    thumb.press("Chat settings")
    thumb.press("Change nickname")
    thumb.dismiss()
    thumb.press("Chat settings")
    thumb.press("Change nickname")
    thumb.write("Nickname", "Thumbelina")
    thumb.press("Join in")
    expect(page.locator("dialog[open]")).to_have_count(0)


def card(thumb: Thumb) -> None:
    """What a press on a message offers: on somebody's, and on one's own."""
    page = thumb.page

    def opened(text: str) -> Locator:
        page.locator("[data-row]").filter(has_text=text).last.tap()
        return page.get_by_role("dialog")

    other, own = "welcome to the yard", "by thumb"
    thumb.press(thumb.button("Reply", opened(other)))
    thumb.press("Do not reply")
    thumb.press(thumb.button("Mention", opened(other)))
    expect(thumb.field("Message")).to_have_value(re.compile("@"))
    thumb.write("Message", "")
    assert "welcome" in thumb.copy(thumb.button("Copy text", opened(other)))
    thumb.press(thumb.button("Edit", opened(own)))
    thumb.press("Cancel")
    thumb.press("Edit")
    thumb.write(page.locator("dialog[open] textarea"), "by two thumbs")
    thumb.press("Save")
    thumb.press(thumb.button("Delete message", opened("by two thumbs")))
    page.get_by_text("deleted message").first.wait_for()


def elsewhere(thumb: Thumb) -> None:
    """The embed, a page that is not there, a link that is used up."""
    page = thumb.page
    page.goto(page.url.partition("/@")[0] + "/embed/stage")
    page.wait_for_function(PLAYING)
    page.evaluate(STIRRED)
    with page.expect_popup() as opened:
        thumb.press(page.get_by_role("link", name="Watch on Madang"))
    opened.value.close()
    thumb.go("/nothing/here")
    thumb.press(page.get_by_role("link", name="To the home page"))
    thumb.says("Not live now")
    thumb.go("/invite/gone")
    thumb.says("This link does not work any more")
    thumb.press(page.get_by_role("main").get_by_role("link", name="Sign in"))
    page.wait_for_url(re.compile("/login"))

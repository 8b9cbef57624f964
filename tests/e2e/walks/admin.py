"""The administrator: who is live, the realtime server, channels, users, invitations, tokens, the log."""

import re
from contextlib import closing

from playwright.sync_api import Browser, Locator, expect
from tests.harness.browser import PHONE, context
from tests.harness.crowd import Member
from tests.harness.patience import wait_until
from tests.harness.publisher import publishing
from tests.harness.server import Server
from tests.harness.thumb import Thumb

PASSWORD = "a yard full of people"


def walk(thumb: Thumb, server: Server, browser: Browser) -> None:
    rooms(thumb)
    with publishing(f"{server.rtmp}/{server.channel('porch')}", fps=15):
        server.wait_for("porch", "live")
        streams(thumb, server)
    crowd = thumb.page.context.new_page()
    crowd.goto(f"{server.http}/popout/stage/chat")
    crowd.get_by_role("log").wait_for()
    thumb.page.bring_to_front()
    realtime(thumb)
    crowd.close()
    channels(thumb)
    link = invitations(thumb)
    joining(server, browser, link)
    with closing(Member(server, "guestling", sign_up=True)) as guestling:
        users(thumb, guestling)
    tokens(thumb)
    log(thumb)


def rows(thumb: Thumb, text: str) -> Locator:
    return thumb.page.get_by_role("main").get_by_role("listitem").filter(has_text=text)


def sure(thumb: Thumb, name: str) -> None:
    """The dialog's own button, after somebody thought better of it once."""
    dialog = thumb.page.locator("dialog[open]")
    thumb.press(dialog.get_by_role("button", name=name, exact=True))
    expect(dialog).to_have_count(0)


def rooms(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press("Account menu")
    thumb.press(page.get_by_role("menuitem", name="Administration"))
    nav = page.get_by_role("navigation", name="Administration")
    nav.wait_for()
    for name in ("Realtime", "Channels", "Users", "Invitations", "API tokens", "Log", "Overview", "Live now"):
        thumb.enter(name)


def streams(thumb: Thumb, server: Server) -> None:
    page = thumb.page
    thumb.press(rows(thumb, "porch").get_by_role("link"))
    page.wait_for_url(re.compile("/@porch"))
    page.go_back()
    thumb.press(rows(thumb, "porch").get_by_role("button", name="Send away"))
    thumb.press("Cancel")
    thumb.press(rows(thumb, "porch").get_by_role("button", name="Send away"))
    thumb.write("Reason, shown in the encoder (optional)", "closing time")
    sure(thumb, "Send away")
    server.wait_for("porch", "offline")


def realtime(thumb: Thumb) -> None:
    page = thumb.page
    thumb.enter("Realtime")
    thumb.says(re.compile(r"\d+ connections? · \d+ users? · \d+ channels?"))
    thumb.write("Name or pattern, such as madang_chat:*", "madang_chat:*")
    opened = page.get_by_role("button", name=re.compile("^Open madang_chat:"))
    thumb.press(opened.first)
    page.get_by_role("heading", name=re.compile("^History")).wait_for()
    disconnect = page.get_by_role("button", name=re.compile("^Disconnect madang"))
    user = (disconnect.first.get_attribute("aria-label") or "").removeprefix("Disconnect ")
    thumb.write("User id", user)
    thumb.press("Find")
    thumb.press(disconnect.last)
    thumb.press("Cancel")
    thumb.press(disconnect.last)
    sure(thumb, "Disconnect")
    thumb.write("Channel", "news")
    thumb.write("Data (JSON)", "{")
    thumb.says("That is not JSON.")
    thumb.write("Data (JSON)", '{"by": "thumb"}')
    thumb.press("Publish")
    thumb.says("Published.")


def channels(thumb: Thumb) -> None:
    page = thumb.page
    thumb.enter("Channels")
    thumb.press(rows(thumb, "@stage").get_by_role("link", name=re.compile("stage")).first)
    page.wait_for_url(re.compile("/@stage"))
    page.go_back()
    thumb.press(rows(thumb, "@stage").get_by_role("link", name="Studio"))
    page.wait_for_url(re.compile("/studio/live"))
    page.go_back()
    thumb.press(page.get_by_role("link", name="New channel"))
    page.wait_for_url(re.compile("/studio/new"))


def invitations(thumb: Thumb) -> str:
    """The link of one that stands; another is withdrawn."""
    page = thumb.page
    page.go_back()
    thumb.enter("Invitations")
    thumb.press("Invite somebody")
    thumb.choose("Role on the site", "admin")
    thumb.choose("Role on the site", "member")
    thumb.choose("Join a channel", "stage")
    thumb.choose("Role in the channel", "manager")
    thumb.choose("Works for", "1")
    thumb.write("Note for yourself (optional)", "for Sora")
    thumb.press("Make the link")
    link = thumb.copy("Link")
    thumb.dismiss()
    thumb.press("Invite somebody")
    thumb.press("Make the link")
    thumb.copy("Link")
    thumb.dismiss()
    thumb.press(rows(thumb, "Somebody").get_by_role("button", name="Withdraw"))
    expect(rows(thumb, "Somebody")).to_have_count(0)
    expect(rows(thumb, "for Sora")).to_have_count(1)
    return link


def joining(server: Server, browser: Browser, link: str) -> None:
    """Whoever was invited comes by phone, too."""
    with context(browser, size=PHONE) as profile:
        thumb = Thumb(profile.new_page())
        thumb.page.goto(link)
        thumb.says("You join the channel stage as Manager.")
        thumb.write("Name for signing in", "sora")
        thumb.write("Name that others see (optional)", "Sora")
        thumb.write("Password", PASSWORD)
        thumb.press("Show password")
        thumb.press("Join")
        thumb.page.wait_for_url(re.compile("/studio/live"))
        thumb.page.get_by_role("navigation", name="Studio").wait_for()
        assert thumb.wrong == []


def users(thumb: Thumb, guestling: Member) -> None:
    page = thumb.page
    thumb.enter("Users")
    theirs = rows(thumb, "guestling")
    thumb.choose("Role of guestling", "admin")
    wait_until(lambda: guestling("GET", "/users"))
    thumb.choose("Role of guestling", "member")
    thumb.press(theirs.get_by_role("button", name="One-time link"))
    thumb.copy("Link")
    thumb.dismiss()
    thumb.press(theirs.get_by_role("button", name="Disable"))
    thumb.press(theirs.get_by_role("button", name="Enable"))
    theirs.get_by_role("button", name="Disable").wait_for()
    thumb.press(theirs.get_by_role("button", name="Delete"))
    thumb.press("Cancel")
    thumb.press(theirs.get_by_role("button", name="Delete"))
    sure(thumb, "Delete")
    expect(page.get_by_label("Role of guestling", exact=True)).to_have_count(0)


def tokens(thumb: Thumb) -> None:
    page = thumb.page
    thumb.enter("API tokens")
    thumb.press(page.get_by_role("link", name="API documentation"))
    page.wait_for_url(re.compile("/docs"))
    page.go_back()
    thumb.press("New token")
    thumb.write("What it is for", "a bot")
    boxes = page.locator("dialog[open]").get_by_role("checkbox")
    boxes.first.wait_for()
    for box in range(boxes.count()):
        thumb.reach(boxes.nth(box)).tap()
        expect(boxes.nth(box)).to_be_checked()
    thumb.choose("Works", "30")
    thumb.press("Make the token")
    thumb.says("It is shown only now")
    thumb.copy("The new token")
    thumb.dismiss()
    thumb.press("Revoke")
    thumb.press("Cancel")
    thumb.press("Revoke")
    sure(thumb, "Revoke")
    thumb.says("No token yet")


def log(thumb: Thumb) -> None:
    """It tells of each deed in a sentence, and of older ones when asked."""
    thumb.enter("Log")
    for said in (
        "admin revoked an API token.",
        "admin made an API token.",
        "admin deleted the account guestling.",
        "joined by invitation.",
        "admin withdrew an invitation.",
        "admin invited somebody.",
    ):
        thumb.says(said)
    thumb.press("Show more")

"""The host: a channel from its making to its deletion, the live desk, moderation, money, keys, people."""

import re
from contextlib import closing

from playwright.sync_api import Locator, expect
from tests.harness.crowd import Member
from tests.harness.server import Server
from tests.harness.thumb import Thumb

MODES = (
    ("Slow mode", "3", "0"),
    ("Followers only", "0", "null"),
    ("Freeze the chat", "guests", ""),
    ("Waits for approval", "all", "filter"),
)
"""Each mode by its label, switched on, and as it is usually."""


def walk(thumb: Thumb, server: Server) -> None:
    rooms(thumb)
    create(thumb)
    going_live(thumb)
    desk(thumb)
    with closing(Member(server, "early", sign_up=True)) as early:
        for text in ("a spoiler that may pass", "a spoiler that may not"):
            early("POST", "/channels/stage/chat/messages", text=text)
    with closing(Member(server, "rowdy", sign_up=True)) as rowdy:
        on_the_message(thumb, rowdy)
    moderation(thumb)
    people_in_chat(thumb)
    words(thumb)
    money(thumb)
    stage(thumb)
    keys(thumb)
    channel(thumb)
    people(thumb)
    the_end(thumb, server)


def main_of(thumb: Thumb) -> Locator:
    return thumb.page.get_by_role("main")


def rooms(thumb: Thumb) -> None:
    """Into the studio, and from room to room."""
    page = thumb.page
    thumb.press("Account menu")
    thumb.press(page.get_by_role("menuitem", name="Go live"))
    nav = page.get_by_role("navigation", name="Studio")
    nav.wait_for()
    for name in ("Camera", "Chat moderation", "Paid messages", "Effects & overlays", "Stream keys",
                 "Channel", "People", "Go live"):  # fmt: skip
        thumb.enter(name)


def create(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press(page.get_by_role("link", name="New channel"))
    thumb.write("Name", "The attic")
    thumb.write("Address", "attic")
    thumb.press("Create the channel")
    thumb.says("Waiting for the signal")
    thumb.press("Make a key")
    thumb.button("Copy Stream key").wait_for()
    thumb.choose("Channel", "stage")
    thumb.button("End broadcast").wait_for()


def going_live(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press("Edit title")
    thumb.write("Title of the broadcast", "By thumb")
    thumb.write("Category", "Ambient")
    thumb.write("Description", "Whoever comes by")
    thumb.choose("Who may watch", "unlisted")
    thumb.choose("Who may watch", "public")
    thumb.press("Save")
    page.get_by_role("heading", name="By thumb").wait_for()
    thumb.press("Show the key")
    thumb.press("Hide the key")
    for what in ("Server", "Stream key"):
        thumb.copy(what)
    assert thumb.copy("Watch page").endswith("/@stage")
    thumb.press(page.get_by_role("tab", name="ffmpeg"))
    thumb.copy("Command")
    thumb.press(page.get_by_role("tab", name="OBS"))
    thumb.press("QR code of the watch page")
    page.wait_for_function("() => document.querySelector('dialog[open] img')?.naturalWidth > 100")
    thumb.dismiss()


def desk(thumb: Thumb) -> None:
    """What waits, what was paid, presets, a poll, effects."""
    page = thumb.page
    thumb.press(page.get_by_role("tab", name=re.compile("^Waiting")))
    thumb.press("Deny the message of minji")
    expect(page.get_by_role("button", name="Deny the message of minji")).to_have_count(1)
    thumb.press("Approve the message of minji")
    expect(page.get_by_role("button", name="Approve the message of minji")).to_have_count(0)
    thumb.press(page.get_by_role("tab", name="Log"))
    thumb.press(page.get_by_role("tab", name="Paid"))
    thumb.press(page.get_by_role("link", name="All paid messages"))
    page.go_back()
    thumb.press(page.get_by_role("tab", name="Chat"))
    thumb.press(page.get_by_role("button", name=re.compile("^Encore")))
    thumb.press("End the poll")
    for preset in ("Raid", "Calm", "Normal"):
        thumb.press(page.get_by_role("group", name="Preset").get_by_role("button", name=preset))
        expect(page.get_by_role("button", name=preset)).to_have_attribute("aria-pressed", "true")
    thumb.press("Ask the room")
    thumb.write("Question", "Shall we?")
    thumb.press("Another choice")
    for number, answer in enumerate(("Yes", "No", "Later"), 1):
        thumb.write(f"Choice {number}", answer)
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="Discard 3"))
    thumb.choose("How long", "60")
    thumb.press("Start the poll")
    page.get_by_role("region", name="Shall we?").wait_for()
    thumb.press("End the poll")
    thumb.press("Effects")
    kinds = page.locator("dialog[open] .grid button")
    kinds.first.wait_for()
    for kind in range(kinds.count()):
        thumb.press(kinds.nth(kind))
        expect(kinds.nth(kind)).to_be_enabled()
    thumb.dismiss()


def opened(thumb: Thumb, text: str) -> Locator:
    """The card of whoever said this."""
    thumb.page.locator("[data-row]").filter(has_text=text).last.tap()
    card = thumb.page.get_by_role("dialog")
    card.wait_for()
    return card


def on_the_message(thumb: Thumb, rowdy: Member) -> None:
    """Everything that a manager may do about a message and whoever wrote it."""
    page = thumb.page
    thumb.go("/popout/stage/chat")
    rowdy("POST", "/channels/stage/chat/messages", text="a pleasant evening")
    thumb.press(thumb.button("Pin", opened(thumb, "a pleasant evening")))
    pin = page.get_by_role("region", name="Pinned").get_by_role("button")
    thumb.press(pin.first)
    thumb.says("Pinned by admin")
    thumb.press("Unpin")
    expect(page.get_by_role("region", name="Pinned")).to_have_count(0)
    card = opened(thumb, "a pleasant evening")
    thumb.choose("Role", "vip")
    expect(card.get_by_text("VIP").first).to_be_visible()
    thumb.choose("Role", "viewer")
    thumb.press("Hide quietly")
    thumb.press("Show again")
    thumb.write("Reason", "too merry")
    for time in ("1 min", "10 min", "1 h", "1 day", "7 days"):
        thumb.press(f"Time out for {time}")
        thumb.says(re.compile("May write again"))
    thumb.press("Lift the ban")
    thumb.press("Ban")
    thumb.press("Cancel")
    thumb.press("Ban")
    thumb.switch("Also their address: second accounts from there are banned too")
    thumb.switch("Also their address: second accounts from there are banned too")
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="Ban"))
    expect(page.locator("dialog[open]")).to_have_count(0)
    thumb.says(re.compile("Banned.*too merry"))
    page.keyboard.press("Escape")


def moderation(thumb: Thumb) -> None:
    page = thumb.page
    thumb.page.go_back()
    thumb.enter("Chat moderation")
    for deed in ("Approve", "Deny"):
        thumb.press(f"{deed} the message of early")
        left = 1 if deed == "Approve" else 0
        expect(page.get_by_role("button", name=f"{deed} the message of early")).to_have_count(left)
    thumb.says("Nothing waits")
    thumb.press(page.get_by_role("tab", name="Modes"))
    main = main_of(thumb)
    for preset in ("Raid", "Calm", "Normal"):
        thumb.press(main.get_by_role("button", name=preset))
        expect(main.get_by_role("button", name=preset)).to_have_attribute("aria-pressed", "true")
    for label, value, usual in MODES:
        for choice in (value, usual):
            thumb.choose(label, choice)
            expect(thumb.field(label)).to_have_value(choice)
    for words in ("Guests may write", "Links are allowed", "Subscribers only", "Emoji only",
                  "No repeats within 30 seconds", "Screen effects", "Polls", "Paid messages"):  # fmt: skip
        thumb.switch(words)
        thumb.switch(words)
    thumb.write("Shown before somebody's first message.", "Be kind.")
    thumb.write("Longest message, in letters", "400")
    thumb.press("Save")
    thumb.write("Announcement", "We begin in five minutes")
    thumb.choose("Colour", "green")
    thumb.press("Announce")
    expect(thumb.field("Announcement")).to_have_value("")
    thumb.press("Clear the chat")
    thumb.press("Cancel")
    thumb.press("Clear the chat")
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="Clear the chat"))
    expect(page.locator("dialog[open]")).to_have_count(0)
    for tab, text in (("Log", "cleared the chat"), ("Waiting", "Nothing waits")):
        thumb.press(page.get_by_role("tab", name=tab))
        thumb.says(re.compile(text))


def people_in_chat(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press(page.get_by_role("tab", name="People"))
    thumb.press(re_button(thumb, "^Open "))
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    thumb.press("Lift the ban of rowdy")
    thumb.says("Nobody is banned.")


def re_button(thumb: Thumb, name: str) -> Locator:
    return thumb.button(re.compile(name))


def words(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press(page.get_by_role("tab", name="Words"))
    for name in ("Korean swearing", "English swearing", "Slurs", "Sexual words"):
        thumb.choose(name, "hold")
    thumb.press("Remove the list spoilers")
    thumb.press("New list")
    thumb.write("Name of the list", "endings")
    thumb.write("Words, one on each line", "the butler*")
    thumb.choose("What happens", "timeout")
    thumb.write("Timeout in seconds", "60")
    thumb.write("Always allowed, one on each line", "butler service")
    thumb.write("Patterns (RE2), one on each line", "the e+nd")
    thumb.write("A message", "it was the butler")
    thumb.press("Try the filter")
    page.get_by_role("status").get_by_text(re.compile("Refuse and time out")).wait_for()
    thumb.press("Save")
    thumb.says("Saved. It holds from now on.")


def money(thumb: Thumb) -> None:
    page = thumb.page
    thumb.enter("Paid messages")
    with page.expect_download():
        thumb.press(page.get_by_role("link", name="Ledger as CSV"))
    thumb.write("What for", "A second microphone")
    thumb.write("How much", "250")
    thumb.choose("Currency", "KRW")
    thumb.choose("Currency", "USD")
    thumb.press("Save")
    thumb.says("Saved.")
    thumb.press("Count from now")
    thumb.press("Remove the goal")
    thumb.button("Set the goal").wait_for()
    thumb.write("What for", "A chair")
    thumb.write("How much", "9")
    thumb.press("Set the goal")
    page.get_by_role("progressbar", name="A chair").wait_for()
    thumb.choose("Period", "30")
    thumb.choose("Which ones", "shown")
    thumb.choose("Which ones", "")
    dialog = page.locator("dialog[open]")
    thumb.press(re_button(thumb, "^Take down the message"))
    thumb.press("Cancel")
    thumb.press(re_button(thumb, "^Take down the message"))
    thumb.write("Reason (kept in the ledger)", "not here")
    thumb.press(dialog.get_by_role("button", name="Take down"))
    thumb.says("Reason: not here")
    thumb.press(re_button(thumb, "^Pay back"))
    thumb.press(dialog.get_by_role("button", name="Pay back"))
    main_of(thumb).get_by_text("Paid back", exact=True).locator("visible=true").wait_for()


def stage(thumb: Thumb) -> None:
    page = thumb.page
    thumb.enter("Effects & overlays")
    thumb.choose("Effect of 🎉", "fireworks")
    thumb.press("Move 🎉 up")
    thumb.press("Remove 🎉")
    thumb.write("Add an emoji", "🍕")
    thumb.press("Add an emoji")
    thumb.press("Emoji")
    thumb.press(page.get_by_role("button", name="😀", exact=True))
    page.keyboard.press("Escape")
    thumb.press("Save")
    thumb.says("Saved. It holds from now on.")
    for widget in ("Chat", "Alerts", "Goal", "Effects"):
        thumb.press(f"Test: {widget}")
        thumb.says("Sent to the overlays")
    for widget in ("Everything", "Chat", "Alerts", "Goal"):
        thumb.copy(widget)
    first = thumb.copy("Effects")
    thumb.press("New addresses")
    thumb.press("Cancel")
    thumb.press("New addresses")
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="New addresses"))
    thumb.says("New addresses are here.")
    assert thumb.copy("Effects") != first
    for label, text in (("Alert from (KRW)", "1000"), ("Alert from (USD)", "2"),
                        ("Seconds that an alert is shown", "9"), ("Lines of chat", "12")):  # fmt: skip
        thumb.write(label, text)
    thumb.switch("Read alerts aloud")
    thumb.switch("Read alerts aloud")
    thumb.choose("Voice", "ko")
    thumb.reach(page.get_by_label("Volume of the voice")).tap(position={"x": 30, "y": 22})
    thumb.press(main_of(thumb).get_by_role("button", name="Save", exact=True).last)
    thumb.says(re.compile(r"^Saved\.$"))


def keys(thumb: Thumb) -> None:
    page = thumb.page
    thumb.enter("Stream keys")
    thumb.choose("Channel", "attic")
    thumb.press("New key")
    thumb.write("What it is for", "phone")
    thumb.press("Make the key")
    made = thumb.copy("Stream key")
    thumb.dismiss()
    row = main_of(thumb).get_by_role("listitem").filter(has_text="phone")
    thumb.press(row.get_by_role("button", name="Show"))
    page.locator("dialog[open] code").get_by_text(made).wait_for()
    thumb.dismiss()
    thumb.press(row.get_by_role("button", name="Rename"))
    thumb.write("What it is for", "old phone")
    thumb.press("Save")
    row = main_of(thumb).get_by_role("listitem").filter(has_text="old phone")
    thumb.press(row.get_by_role("button", name="Rotate"))
    thumb.choose("The old key works for another", "0")
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="Rotate"))
    assert thumb.copy("Stream key") != made
    thumb.dismiss()
    page.get_by_role("heading", name="Old keys").wait_for()
    thumb.press(row.get_by_role("button", name="Revoke").first)
    thumb.press("Cancel")
    thumb.press(row.get_by_role("button", name="Revoke").first)
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="Revoke"))
    expect(row.get_by_text("revoked", exact=True).first).to_be_visible()


def channel(thumb: Thumb) -> None:
    """Words, address and technique; the old address leads to the new one; the end asks for it typed."""
    page = thumb.page
    thumb.enter("Channel")
    save = main_of(thumb).get_by_role("button", name="Save", exact=True)
    thumb.write("Title of the broadcast", "Up here")
    thumb.write("Category", "Attics")
    thumb.write("Description", "Dusty")
    thumb.choose("Who may watch", "private")
    thumb.press(save.first)
    thumb.says("Saved.")
    thumb.write("Name of the channel", "The loft")
    thumb.write("Address", "loft")
    thumb.choose("Latency", "low")
    thumb.choose("How far back viewers can go", "600")
    thumb.choose("When the signal stops, wait for it", "60")
    thumb.press(save.last)
    page.wait_for_url(re.compile("channel=loft"))
    thumb.go("/@attic")
    page.wait_for_url(re.compile("/@loft$"))
    thumb.press("About the broadcast")
    thumb.press(page.get_by_role("link", name="Open in studio"))
    thumb.says("Waiting for the signal")
    thumb.enter("Channel")
    thumb.press("Delete the channel")
    thumb.press("Cancel")
    thumb.press("Delete the channel")
    expect(thumb.button("Delete for good")).to_be_disabled()
    thumb.write("Type loft to delete it", "loft")
    thumb.press("Delete for good")
    page.wait_for_url(re.compile(r"://[^/]+/$"))
    assert page.request.get(page.url + "api/v1/channels/loft").status == 404


def people(thumb: Thumb) -> None:
    thumb.press("Account menu")
    thumb.press(thumb.page.get_by_role("menuitem", name="Go live"))
    thumb.choose("Channel", "stage")
    thumb.enter("People")
    thumb.write("Their name for signing in", "rowdy")
    thumb.choose("Role", "manager")
    thumb.press("Add")
    expect(thumb.field("Role of rowdy")).to_have_value("manager")
    thumb.choose("Role of rowdy", "vip")
    thumb.press("Take the role of rowdy away")
    expect(thumb.page.get_by_label("Role of rowdy", exact=True)).to_have_count(0)


def the_end(thumb: Thumb, server: Server) -> None:
    thumb.enter("Go live")
    thumb.press("End broadcast")
    thumb.press("Cancel")
    thumb.press("End broadcast")
    thumb.press("End it")
    server.wait_for("stage", "offline")

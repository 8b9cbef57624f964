"""A viewer: signs up, follows, pays for a message, looks after the account, and leaves."""

import json
import re
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import expect
from tests.harness.thumb import Thumb

NAME, PASSWORD, CHANGED = "minna", "a yard full of people", "a yard with nobody in it"


def walk(thumb: Thumb, base: str, folder: Path) -> None:
    signing_up(thumb)
    following(thumb)
    paying(thumb)
    profile(thumb, folder)
    sessions(thumb, base)
    leaving(thumb)


def signing_up(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press(page.get_by_role("link", name="Sign in"))
    thumb.press(page.get_by_role("link", name="Create an account"))
    thumb.press(page.get_by_role("main").get_by_role("link", name="Sign in"))
    thumb.write("Name", NAME)
    thumb.write("Password", "not one that exists")
    thumb.press("Show password")
    thumb.press("Hide password")
    thumb.press(page.get_by_role("main").get_by_role("button", name="Sign in"))
    thumb.says("Name or password is wrong.")
    thumb.press(page.get_by_role("link", name="Create an account"))
    thumb.write("Name for signing in", NAME)
    thumb.write("Name that others see (optional)", "Minna")
    thumb.write("Password", PASSWORD)
    thumb.press("Show password")
    thumb.press("Hide password")
    thumb.press("Create account")
    page.get_by_role("button", name="Account menu").wait_for()


def following(thumb: Thumb) -> None:
    page = thumb.page
    thumb.press("Follow")
    thumb.says("You follow")
    thumb.press("Following")
    thumb.press("Follow")
    thumb.says("You follow")
    thumb.press(page.get_by_role("link", name=re.compile("Stage|stage")).last)
    page.wait_for_url(re.compile("/@stage"))
    thumb.press("About the broadcast")
    thumb.press("Following")
    expect(thumb.button("Follow")).to_be_visible()
    thumb.press("Follow")
    expect(thumb.button("Following")).to_be_visible()


def paying(thumb: Thumb) -> None:
    """Once it runs out, once it fails and is tried again."""
    page = thumb.page
    thumb.press("Send a paid message")
    amounts = page.locator("dialog[open] fieldset button")
    amounts.first.wait_for()
    for amount in range(amounts.count()):
        thumb.press(amounts.nth(amount))
    thumb.choose("Amount", "KRW")
    thumb.choose("Amount", "USD")
    thumb.write(page.locator("dialog[open] input[inputmode=decimal]"), "7")
    thumb.write(page.locator("dialog[open] textarea"), "by thumb, with thanks")
    thumb.switch("Do not show my name")
    thumb.switch("Do not show my name")
    thumb.press("Go to pay $7.00")
    page.wait_for_url(re.compile(r"/pay/[0-9a-z]{26}$"))
    thumb.press("Pay $7.00")
    page.wait_for_url(re.compile("/pay/rehearsal/"))
    thumb.press("Let it fail")
    thumb.says("The payment did not go through")
    thumb.press("Try again")
    page.wait_for_url(re.compile("/pay/rehearsal/"))
    thumb.press("Pay $7.00")
    thumb.says("Thank you! Your message is in the chat.")
    thumb.press(page.get_by_role("link", name="Back to the channel"))
    page.get_by_role("log").get_by_text("by thumb, with thanks").wait_for()
    thumb.press("Send a paid message")
    thumb.press(page.get_by_role("button", name=re.compile("^Go to pay")))
    thumb.press(page.get_by_role("button", name=re.compile("^Pay")))
    thumb.press("Let it run out")
    thumb.says("This order is over")


def profile(thumb: Thumb, folder: Path) -> None:
    page = thumb.page
    thumb.press("Account menu")
    thumb.press(page.get_by_role("menuitem", name="Settings"))
    picture = folder / "me.png"
    Image.new("RGB", (640, 360), (200, 60, 60)).save(picture)
    with page.expect_file_chooser() as chooser:
        thumb.press("Choose a picture")
    chooser.value.set_files(picture)
    shown = page.locator("main img").first
    made = Image.open(BytesIO(page.request.get(shown.evaluate("e => e.src")).body()))
    assert made.width == made.height and made.format == "WEBP", "it was not made anew"
    thumb.press("Remove the picture")
    expect(page.locator("main img")).to_have_count(0)
    thumb.write("Name that others see", "Minna of the yard")
    thumb.press("Save")
    expect(thumb.button("Save")).to_be_disabled()
    thumb.choose("Theme", "light")
    thumb.choose("Theme", "system")
    thumb.choose("Language", "en")
    thumb.choose("Language", "system")
    thumb.write("Present password", PASSWORD)
    thumb.write("New password", CHANGED)
    thumb.press("Show password")
    thumb.press("Hide password")
    thumb.press("Change password")
    thumb.says("The password is changed.")


def sessions(thumb: Thumb, base: str) -> None:
    """Two other browsers are signed out, one by one and together."""
    others = [httpx.Client(base_url=f"{base}/api/v1", headers={"X-Madang": "1"}) for _ in range(3)]
    for other in others:
        assert other.post("/sessions", json={"name": NAME, "password": CHANGED}).is_success
    thumb.go("/settings")
    out = thumb.page.get_by_role("main").get_by_role("button", name="Sign out", exact=True)
    expect(out).to_have_count(3)
    thumb.press(out.first)
    expect(out).to_have_count(2)
    thumb.press("Sign out everywhere else")
    expect(out).to_have_count(0)
    assert [other.get("/me").status_code for other in others] == [401, 401, 401]
    for other in others:
        other.close()


def leaving(thumb: Thumb) -> None:
    page = thumb.page
    with page.expect_download() as waiting:
        thumb.press(page.get_by_role("link", name="Download"))
    kept = json.loads(Path(waiting.value.path()).read_text())
    assert kept["account"]["name"] == NAME and len(kept["follows"]) == 1
    thumb.press("Account menu")
    thumb.press(page.get_by_role("menuitem", name="Sign out"))
    thumb.press(page.get_by_role("link", name="Sign in"))
    thumb.write("Name", NAME)
    thumb.write("Password", CHANGED)
    thumb.press(page.get_by_role("main").get_by_role("button", name="Sign in"))
    page.get_by_role("button", name="Account menu").wait_for()
    thumb.go("/settings")
    thumb.press("Delete account")
    thumb.press("Cancel")
    thumb.press("Delete account")
    thumb.write(page.locator("dialog[open] input"), "not this one")
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="Delete account"))
    thumb.says("The password is wrong.")
    thumb.write(page.locator("dialog[open] input"), CHANGED)
    thumb.press(page.locator("dialog[open]").get_by_role("button", name="Delete account"))
    page.get_by_role("link", name="Sign in").wait_for()

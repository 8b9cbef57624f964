"""Admin → realtime in Chromium: what the server knows of its crowd, and what an administrator does there."""

import re

import pytest
from playwright.sync_api import Browser, expect
from tests.harness.browser import context
from tests.harness.crowd import Member, Talker, Wire, sign_in
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")


def test_an_administrator_looks_after_the_crowd(server: Server, browser: Browser) -> None:
    server.madang("channel", "create", "crowded")
    member = Member(server, "regular", sign_up=True)
    channel = member("GET", "/channels/crowded")["id"]
    user = "madang.u." + member("GET", "/me")["account"]["id"]
    member.close()
    with context(browser) as own, context(browser) as other:
        sign_in(own, server)
        sign_in(other, server, "regular", "regular has a long word")
        page = other.new_page()
        wire = Wire(page)
        regular = Talker(page).open(f"{server.http}/popout/crowded/chat")
        regular.say("before I am sent away")
        regular.sees("before I am sent away")
        desk = own.new_page()
        desk.goto(f"{server.http}/admin/realtime")
        expect(
            desk.get_by_text(re.compile(r"\d+ connections? · \d+ users? · \d+ channels?")).first
        ).to_be_visible()
        desk.get_by_label("Name or pattern").fill("madang_chat:*")
        desk.get_by_role("button", name=f"Open madang_chat:{channel}").click()
        present = desk.locator("section").filter(
            has=desk.get_by_role("heading", name=re.compile("^Presence"))
        )
        expect(present.get_by_text(user, exact=True)).to_be_visible()
        history = desk.locator("section").filter(has=desk.get_by_role("heading", name=re.compile("^History")))
        expect(history.get_by_text("before I am sent away")).to_be_visible()
        # The rooms of the house take nothing from outside; a channel of one's own does.
        publish = desk.locator("section").filter(has=desk.get_by_role("heading", name="Publish"))
        publish.get_by_label("Channel").fill(f"madang_chat:{channel}")
        publish.get_by_label("Data (JSON)").fill('{"t":"message"}')
        publish.get_by_role("button", name="Publish").click()
        expect(publish.get_by_role("alert")).to_be_visible()
        publish.get_by_label("Channel").fill("news")
        publish.get_by_role("button", name="Publish").click()
        expect(publish.get_by_text("Published.")).to_be_visible()
        publish.get_by_label("Data (JSON)").fill("{")
        expect(publish.get_by_text("That is not JSON.")).to_be_visible()
        # Sent away, and back again by itself.
        found = desk.locator("section").filter(has=desk.get_by_role("heading", name="Connections of a user"))
        found.get_by_label("User id").fill(user)
        found.get_by_role("button", name="Find").click()
        opened = wire.opened
        found.get_by_role("button", name=f"Disconnect {user}").click()
        desk.get_by_role("dialog").get_by_role("button", name="Disconnect", exact=True).click()
        expect(desk.get_by_role("dialog")).to_have_count(0)
        regular.say("and I am back")
        regular.sees("and I am back")
        assert wire.opened > opened

"""Two browsers talk: messages, moderation, pins, polls, modes, a broken line, and other people's pages."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.harness.browser import DESKTOP, PHONE, context
from tests.harness.crowd import Member, Talker, Wire, sign_in
from tests.harness.patience import wait_until
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")


@contextmanager
def two(browser: Browser, server: Server, channel: str) -> Iterator[tuple[Talker, Talker]]:
    """The channel's owner, and a guest called Mina who has said hello."""
    server.madang("channel", "create", channel)
    with context(browser) as own, context(browser) as strange:
        sign_in(own, server)
        host = Talker(own.new_page()).open(f"{server.http}/@{channel}")
        guest = Talker(strange.new_page()).open(f"{server.http}/@{channel}")
        guest.say("hello from a guest")
        guest.introduce("Mina")
        host.sees("hello from a guest")
        guest.sees("hello from a guest")
        yield host, guest
        assert host.complaints == [] and guest.complaints == []


def test_two_browsers_talk(server: Server, browser: Browser) -> None:
    with two(browser, server, "talk") as (host, guest):
        host.say("welcome @Mina")
        row = guest.sees("welcome @Mina")
        expect(row).to_contain_text("Owner")
        row.hover()
        row.get_by_role("button", name="Reply").click()
        guest.page.get_by_text("Replying to admin").wait_for()
        guest.say("thank you")
        expect(host.sees("thank you")).to_contain_text("admin: welcome @Mina")
        # A name is completed, and so is a command.
        host.composer.press_sequentially("hey @Mi")
        host.page.get_by_role("option", name="@Mina").wait_for()
        host.composer.press("Tab")
        expect(host.composer).to_have_value("hey @Mina ")
        host.composer.fill("/slo")
        option = host.page.get_by_role("option").first
        expect(option).to_contain_text("/slow")
        host.composer.press("Escape")
        host.composer.fill("")
        # What is written stays through a reload.
        guest.page.reload()
        guest.sees("thank you")
        guest.sees("hello from a guest")


def test_a_manager_keeps_order(server: Server, browser: Browser) -> None:
    with two(browser, server, "order") as (host, guest):
        guest.say("something rude")
        card = host.card_of("something rude")
        card.get_by_role("button", name="Delete message").click()
        guest.misses("something rude")
        expect(guest.page.get_by_text("deleted message")).to_be_visible()
        # Timed out: the composer says so and for how long; lifted: it is back.
        card = host.card_of("hello from a guest")
        card.get_by_role("button", name="Time out for 10 min").click()
        guest.page.get_by_text(re.compile(r"You may write again in \d+ min")).wait_for()
        guest.misses("hello from a guest")
        host.say("/untimeout Mina")
        guest.composer.wait_for()
        # Shadowed: whoever is it notices nothing, and nobody else reads them.
        host.say("/shadow Mina")
        host.say("quiet now")
        guest.sees("quiet now")
        guest.say("does anybody read me")
        guest.sees("does anybody read me")
        host.say("/unshadow Mina")
        host.say("go on")
        guest.sees("go on")
        host.sees("go on")
        expect(host.rows.filter(has_text="does anybody read me")).to_have_count(0)
        guest.say("sorry about that")
        card = host.card_of("sorry about that")
        card.get_by_role("button", name="Ban", exact=True).click()
        host.page.get_by_role("dialog").last.get_by_role("button", name="Ban", exact=True).click()
        guest.page.get_by_text("You may read here, but not write.").wait_for()
        guest.misses("sorry about that")
        # A second tab and a reload do not help.
        guest.page.reload()
        guest.page.get_by_text("You may read here, but not write.").wait_for()


def test_what_waits_is_decided_at_the_desk(server: Server, browser: Browser) -> None:
    with two(browser, server, "queue") as (host, guest):
        host.page.goto(f"{server.http}/studio/moderation?channel=queue")
        host.page.get_by_role("tab", name="Modes").click()
        host.page.get_by_label("Waits for approval").select_option("all")
        guest.page.get_by_text("Messages wait for approval").wait_for()
        guest.say("may I come in")
        guest.page.get_by_text("waiting for approval", exact=True).wait_for()
        host.page.get_by_role("tab", name="Waiting").click()
        host.page.get_by_role("button", name="Approve the message of Mina").click()
        guest.sees("may I come in")
        expect(guest.page.get_by_text("waiting for approval", exact=True)).to_have_count(0)
        guest.say("and my spam")
        host.page.get_by_role("button", name="Deny the message of Mina").click()
        guest.page.get_by_text("was not approved").wait_for()
        host.page.get_by_text("Nothing waits").wait_for()
        host.page.get_by_role("tab", name="Log").click()
        host.page.get_by_text("denied a message of Mina").first.wait_for()


def test_modes_pins_and_polls_reach_everybody(server: Server, browser: Browser) -> None:
    with two(browser, server, "modes") as (host, guest):
        card = host.card_of("hello from a guest")
        card.get_by_role("button", name="Pin", exact=True).click()
        pinned = guest.page.get_by_role("region", name="Pinned")
        expect(pinned).to_contain_text("hello from a guest")
        host.page.get_by_role("button", name="Unpin").click()
        expect(pinned).to_have_count(0)
        host.say("/slow 300")
        guest.page.get_by_text("Slow: every 300 s").wait_for()
        # Five minutes since the hello have not gone by.
        guest.composer.fill("too soon")
        expect(guest.page.get_by_role("button", name=re.compile(r"Send, in \d+ seconds?"))).to_be_disabled()
        host.say("/slowoff")
        expect(guest.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
        guest.composer.press("Enter")
        guest.sees("too soon")
        host.say("/freeze")
        guest.page.get_by_text("The chat is frozen for a moment.").wait_for()
        host.say("/unfreeze")
        guest.composer.wait_for()
        host.say("/clear")
        guest.misses("too soon")
        host.page.goto(f"{server.http}/studio/live?channel=modes")
        host.page.get_by_role("button", name="Ask the room").click()
        dialog = host.page.get_by_role("dialog")
        dialog.get_by_label("Question").fill("Encore?")
        dialog.get_by_label("Choice 1").fill("Yes")
        dialog.get_by_label("Choice 2").fill("No")
        dialog.get_by_role("button", name="Start the poll").click()
        guest.page.get_by_role("button", name="Vote for Yes").click()
        expect(host.page.get_by_role("region", name="Encore?")).to_contain_text("1 vote")
        host.page.get_by_role("button", name="End the poll").click()
        guest.page.get_by_text("The poll is over").wait_for()


def test_settings_stay_on_the_device(server: Server, browser: Browser) -> None:
    with two(browser, server, "looks") as (_, guest):
        log = guest.page.get_by_role("log", name="Messages")
        before = log.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        guest.page.get_by_role("button", name="Chat settings").click()
        guest.page.get_by_role("button", name="Large").click()
        guest.page.get_by_text("Show times").click()
        guest.page.keyboard.press("Escape")
        wait_until(lambda: log.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > before)
        guest.page.reload()
        guest.sees("hello from a guest").locator("time").wait_for()
        wait_until(lambda: log.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > before)


def test_a_broken_line_mends_itself(server: Server, browser: Browser) -> None:
    server.madang("channel", "create", "broken")
    with context(browser) as own, context(browser) as strange:
        sign_in(own, server)
        host = Talker(own.new_page()).open(f"{server.http}/@broken")
        page = strange.new_page()
        wire = Wire(page)
        guest = Talker(page).open(f"{server.http}/@broken")
        host.say("before the break")
        guest.sees("before the break")
        wire.cut()
        page.get_by_text("Coming back by itself").wait_for()
        host.say("during the break")
        host.say("a mistake")
        host.card_of("a mistake").get_by_role("button", name="Delete message").click()
        host.misses("a mistake")
        wire.mend()
        guest.sees("during the break")
        expect(page.get_by_text("Coming back by itself")).to_have_count(0)
        expect(guest.rows.filter(has_text="before the break")).to_have_count(1)
        expect(guest.rows.filter(has_text="a mistake")).to_have_count(0)
        assert wire.opened > 1


@contextmanager
def foreign_site(folder: Path, page: str) -> Iterator[str]:
    """Another origin with one page."""
    folder.joinpath("index.html").write_text(page)
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.2", 0), handler) as site:
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.2:{site.server_port}/"
        finally:
            site.shutdown()
            thread.join()


def test_guests_talk_on_a_foreign_page_without_cookies(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    server.madang("channel", "create", "framed")
    markup = f'<iframe src="{server.http}/embed/framed/chat" width="390" height="700"></iframe>'
    with foreign_site(tmp_path, markup) as site, context(browser) as strange, context(browser) as other:
        page = strange.new_page()
        page.goto(site)
        frame = page.frame_locator("iframe")
        composer = frame.get_by_role("textbox", name="Message", exact=True)
        composer.fill("from far away")
        composer.press("Enter")
        frame.get_by_label("Nickname").fill("Faraway")
        frame.get_by_role("button", name="Join in").click()
        popout = Talker(other.new_page()).open(f"{server.http}/popout/framed/chat")
        expect(popout.sees("from far away")).to_contain_text("Faraway")
        assert strange.cookies() == []


def fits(talker: Talker) -> bool:
    """On a phone picture, messages and composer stand one beneath the other, without scrolling."""
    picture = talker.page.get_by_role("region", name=re.compile("Player of")).bounding_box()
    composer = talker.composer.bounding_box()
    log = talker.page.get_by_role("log").bounding_box()
    assert picture and composer and log
    assert composer["y"] + composer["height"] <= PHONE["height"], "the composer is below the fold"
    assert log["y"] >= picture["y"] + picture["height"], "the chat covers the picture"
    assert log["height"] > 150
    assert talker.page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    return True


def test_a_phone_has_the_chat_beneath_the_picture(server: Server, browser: Browser) -> None:
    server.madang("channel", "create", "pocket")
    with context(browser, size=PHONE) as profile:
        talker = Talker(profile.new_page()).open(f"{server.http}/@pocket")
        talker.composer.wait_for()
        wait_until(lambda: fits(talker))
        talker.say("typed by thumb")
        talker.introduce("Thumb")
        talker.sees("typed by thumb").tap()
        card = talker.page.get_by_role("dialog")
        card.get_by_role("button", name="Delete message").click()
        talker.misses("typed by thumb")


def reach(page: Page, goal: Locator) -> None:
    """With Tab alone, as far as it takes."""
    goal.wait_for()
    for _ in range(60):
        if goal.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{goal} is not reached by Tab")


def test_the_chat_is_used_by_keyboard(server: Server, browser: Browser) -> None:
    """Write, answer, look somebody up, time them out, vote, choose how it looks: the focus is never lost."""
    server.madang("channel", "create", "keyed")
    host, yuna = Member(server, "admin"), Member(server, "yuna-by-the-gate", sign_up=True)
    yuna("POST", "/channels/keyed/chat/messages", text="come in by the gate")
    host("POST", "/channels/keyed/polls", title="Encore?", choices=["Yes", "No"])
    host.close()
    yuna.close()
    with context(browser, size=DESKTOP) as profile:
        sign_in(profile, server)
        talker = Talker(profile.new_page()).open(f"{server.http}/popout/keyed/chat")
        page, keys = talker.page, talker.page.keyboard
        dialog, log = page.get_by_role("dialog"), page.get_by_role("log")
        reach(page, talker.composer)
        keys.type("first")
        keys.press("Enter")
        expect(talker.composer).to_be_focused()
        gate = talker.sees("come in by the gate").first
        talker.sees("first")
        log.focus()
        keys.press("ArrowUp")
        expect(talker.sees("first")).to_be_focused()
        keys.press("ArrowUp")
        expect(gate).to_be_focused()
        keys.press("r")
        page.get_by_text("Replying to yuna-by-the-gate").wait_for()
        expect(talker.composer).to_be_focused()
        keys.press("Escape")
        expect(page.get_by_text("Replying to")).to_have_count(0)
        log.focus()
        keys.press("ArrowUp")
        keys.press("ArrowUp")
        keys.press("Enter")
        reach(page, dialog.get_by_role("button", name="Time out for 10 min"))
        keys.press("Enter")
        talker.misses("come in by the gate")
        keys.press("Escape")
        dialog.wait_for(state="detached")
        expect(page.locator("[role=log]:focus, [data-row]:focus")).to_have_count(1)
        vote = page.get_by_role("button", name="Vote for Yes")
        reach(page, vote)
        keys.press("Enter")
        expect(page.locator("button:focus")).to_contain_text("Your choice")
        looks = page.get_by_role("button", name="Chat settings")
        reach(page, looks)
        keys.press("Enter")
        reach(page, dialog.get_by_role("button", name="Large"))
        keys.press("Enter")
        keys.press("Escape")
        expect(looks).to_be_focused()

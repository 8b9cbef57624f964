"""What a host hands out works as it is copied: server and key, the line for ffmpeg, link, code and QR; and a
viewer's volume is as it was left."""

import re
import shlex
import subprocess

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.harness.browser import context
from tests.harness.crowd import sign_in
from tests.harness.patience import wait_until
from tests.harness.publisher import FFMPEG
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")

PLAYING = "() => { const v = document.querySelector('video'); return v && !v.paused && v.currentTime > 0 }"
INPUT = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=30", "-f", "lavfi", "-i", "sine"]


def copied(page: Page, what: str) -> str:
    """What the button puts on the clipboard."""
    page.evaluate("navigator.clipboard.writeText('')")
    page.get_by_role("button", name=f"Copy {what}", exact=True).first.click()
    wait_until(lambda: page.evaluate("navigator.clipboard.readText()"))
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_what_is_copied_is_what_is_needed(server: Server, browser: Browser) -> None:
    key = server.channel("handout")
    with context(browser) as profile:
        profile.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.http)
        sign_in(profile, server)
        page = profile.new_page()
        page.goto(f"{server.http}/studio/live?channel=handout")
        page.get_by_text("Waiting for the signal").wait_for()
        assert copied(page, "Server") == server.rtmp
        assert copied(page, "Stream key") == key
        watch = copied(page, "Watch page")
        assert watch == f"{server.http}/@handout"
        page.get_by_role("button", name="QR code of the watch page").click()
        page.wait_for_function("() => document.querySelector('dialog[open] img')?.naturalWidth > 100")
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="ffmpeg").click()
        line = shlex.split(copied(page, "Command"))
        assert line[:4] == ["ffmpeg", "-re", "-i", "INPUT"]
        line[:4] = [FFMPEG, "-loglevel", "error", "-re", *INPUT]
        with subprocess.Popen(line, stdin=subprocess.DEVNULL) as encoder:
            try:
                server.wait_for("handout", "live")
                page.wait_for_function(PLAYING)
                expect(page.get_by_text("Waiting for the signal")).to_have_count(0)
                viewer_keeps_volume(profile.new_page(), watch, server)
            finally:
                encoder.kill()


def viewer_keeps_volume(page: Page, watch: str, server: Server) -> None:
    """Share, then turn the volume down and load the page again."""
    page.goto(watch)
    page.get_by_role("button", name="Share").first.click()
    assert copied(page, "Link") == watch
    code = copied(page, "Embed code")
    assert re.fullmatch(rf'<iframe src="{server.http}/embed/handout"[^>]*></iframe>', code), code
    page.wait_for_function("() => document.querySelector('dialog[open] img')?.naturalWidth > 100")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.wait_for_function(PLAYING)
    for _ in range(3):
        before = page.evaluate("document.querySelector('video').volume")
        page.keyboard.press("ArrowDown")
        page.wait_for_function("before => document.querySelector('video').volume < before", arg=before)
    left = page.evaluate("[document.querySelector('video').volume, document.querySelector('video').muted]")
    page.reload()
    page.wait_for_function(PLAYING)
    page.wait_for_function(
        "([volume]) => Math.abs(document.querySelector('video').volume - volume) < 0.01", arg=left
    )

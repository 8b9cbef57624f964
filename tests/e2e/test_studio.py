"""The studio with real encoders: faults are said in words, strangers are told of, the end is an end."""

import re
import subprocess
import time

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from tests.harness.browser import context
from tests.harness.publisher import FFMPEG, publishing
from tests.harness.server import ADMIN_PASSWORD, Server

pytestmark = pytest.mark.needs("chromium")
SHOWN_MS = 20_000
"""The product promises 10 s; the machine that tests is shared."""

LONG_GOP = ("-g", "300", "-keyint_min", "300")
FAULTS = {
    "keyframe_interval": (LONG_GOP, True, "The keyframe interval is"),
    "no_audio": (("-an",), False, "No sound is coming in"),
    "b_frames": (("-tune", "animation", "-bf", "3"), True, "The broadcast has B-frames"),
    "unsupported_codec": (("-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"), True, "cannot be passed on"),
}


def studio(profile: BrowserContext, server: Server, channel: str) -> Page:
    """The go-live screen of a channel, signed in as the admin."""
    answer = profile.request.post(
        f"{server.http}/api/v1/sessions",
        data={"name": "admin", "password": ADMIN_PASSWORD},
        headers={"X-Madang": "1"},
    )
    assert answer.ok, answer.text()
    page = profile.new_page()
    page.goto(f"{server.http}/studio/live?channel={channel}")
    page.get_by_text(re.compile("waiting for", re.I)).first.wait_for(timeout=SHOWN_MS)
    return page


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_said_in_words(server: Server, browser: Browser, fault: str) -> None:
    extra, audio, words = FAULTS[fault]
    name = fault.replace("_", "-")
    key = server.channel(name)
    with context(browser) as profile:
        page = studio(profile, server, name)
        with publishing(f"{server.rtmp}/{key}", extra=extra, audio=audio):
            server.wait_for(name, "live", 20)
            began = time.monotonic()
            page.get_by_text(words, exact=False).first.wait_for(timeout=SHOWN_MS)
            print(f"{fault} was shown after {time.monotonic() - began:.1f} s")


def test_a_strangers_key_is_told_and_the_end_is_an_end(server: Server, browser: Browser) -> None:
    key = server.channel("desk")
    wrong = "ab12" + key[4:]
    attempt = [
        FFMPEG,
        "-loglevel",
        "quiet",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180",
        "-t",
        "1",
        "-f",
        "flv",
    ]
    with context(browser) as profile:
        page = studio(profile, server, "desk")
        subprocess.run([*attempt, f"{server.rtmp}/desk?key={wrong}"], timeout=30, check=False)
        page.get_by_text(re.compile("tried key ab12")).first.wait_for(timeout=SHOWN_MS)
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("desk", "live", 20)
            page.get_by_role("button", name="End broadcast").click(timeout=SHOWN_MS)
            page.get_by_role("button", name="End it").click()
            server.wait_for("desk", "offline", 10)
        refused = subprocess.run([*attempt, f"{server.rtmp}/{key}"], timeout=30, check=False)
        assert refused.returncode != 0
        assert server.state("desk") == "offline"


def test_the_title_changes_while_live(server: Server, browser: Browser) -> None:
    key = server.channel("titled")
    with context(browser) as profile, publishing(f"{server.rtmp}/{key}"):
        server.wait_for("titled", "live", 20)
        with context(browser) as other:
            viewer = other.new_page()
            viewer.goto(f"{server.http}/@titled")
            answer = profile.request.post(
                f"{server.http}/api/v1/sessions",
                data={"name": "admin", "password": ADMIN_PASSWORD},
                headers={"X-Madang": "1"},
            )
            assert answer.ok
            change = profile.request.patch(
                f"{server.http}/api/v1/channels/titled",
                data={"title": "Evening on the porch"},
                headers={"X-Madang": "1"},
            )
            assert change.ok, change.text()
            viewer.get_by_role("heading", name="Evening on the porch").wait_for(timeout=SHOWN_MS)

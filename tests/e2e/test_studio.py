"""The studio with real encoders: faults are said in words, strangers are told of, the end is an end."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from tests.harness.browser import context
from tests.harness.patience import wait_until
from tests.harness.publisher import FFMPEG, Publisher, command, publishing
from tests.harness.server import ADMIN_PASSWORD, Server

pytestmark = pytest.mark.needs("chromium")

LONG_GOP = ("-g", "300", "-keyint_min", "300")
DROPPED = ("-vf", "select='gt(random(0),0.4)'", "-fps_mode", "vfr")
LEAPING = ("-an", "-bsf:v", "setts=ts='TS+floor(N/20)*30/TB'")


@dataclass(frozen=True)
class Fault:
    """How an encoder is made to do wrong, and what the studio says to it."""

    words: str
    extra: tuple[str, ...] = ()
    audio: bool = True
    fed_fps: int = 30
    """Pictures fed each second to an encoder that is told that there are 30."""


FAULTS = {
    "keyframe_interval": Fault("The keyframe interval is", LONG_GOP),
    "no_audio": Fault("No sound is coming in", ("-an",), audio=False),
    "b_frames": Fault("The broadcast has B-frames", ("-tune", "animation", "-bf", "3")),
    "unsupported_codec": Fault("cannot be passed on", ("-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1")),
    "variable_frame_rate": Fault("The frame rate is uneven", DROPPED),
    "bitrate_starving": Fault("of the usual data is coming in", ("-an",), audio=False, fed_fps=12),
    "timestamps": Fault("clock jumped", LEAPING, audio=False),
}


@contextmanager
def encoding(fault: Fault, url: str) -> Iterator[None]:
    """An encoder that does this wrong."""
    publisher = Publisher(command(url, audio=fault.audio, extra=fault.extra), fault.fed_fps)
    try:
        yield
    finally:
        publisher.stop()


def studio(profile: BrowserContext, server: Server, channel: str, *, waiting: bool = True) -> Page:
    """The go-live screen of a channel, signed in as the admin."""
    answer = profile.request.post(
        f"{server.http}/api/v1/sessions",
        data={"name": "admin", "password": ADMIN_PASSWORD},
        headers={"X-Madang": "1"},
    )
    assert answer.ok, answer.text()
    page = profile.new_page()
    page.goto(f"{server.http}/studio/live?channel={channel}")
    if waiting:
        page.get_by_text(re.compile("waiting for", re.I)).first.wait_for()
    return page


@pytest.mark.timeout(1200)
def test_faults_are_said_in_words(server: Server, browser: Browser) -> None:
    """All encoders at once, each in a channel and on a studio page of its own."""
    with context(browser) as profile, ExitStack() as encoders:
        # Seven previews would be a test of the machine, and a browser makes but six connections to a server.
        profile.route(re.compile("//[^/]+/live/"), lambda route: route.abort())
        pages: dict[str, Page] = {}
        for fault in FAULTS:
            name = fault.replace("_", "-")
            key = server.channel(name)
            pages[fault] = studio(profile, server, name)
            encoders.enter_context(encoding(FAULTS[fault], f"{server.rtmp}/{key}"))
        began = time.monotonic()
        for fault, page in pages.items():
            page.get_by_text(FAULTS[fault].words, exact=False).first.wait_for()
            print(f"{fault} was seen {time.monotonic() - began:.1f} s after the last encoder began")


def test_a_clean_stream_is_fine(server: Server, browser: Browser) -> None:
    key = server.channel("clean")
    with context(browser) as profile, publishing(f"{server.rtmp}/{key}"):
        server.wait_for("clean", "live")
        page = studio(profile, server, "clean", waiting=False)

        def fine() -> bool:
            found = profile.request.get(f"{server.http}/api/v1/channels/clean/live").json()
            assert len(found["samples"]) > 10 and found["health"] == [], found["health"]
            return True

        wait_until(fine)
        page.get_by_text("The broadcast is fine.").wait_for()


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
        page.get_by_text(re.compile("tried key ab12")).first.wait_for()
        with publishing(f"{server.rtmp}/{key}", fps=15):
            server.wait_for("desk", "live")
            page.get_by_role("button", name="End broadcast").click()
            page.get_by_role("button", name="End it").click()
            server.wait_for("desk", "offline")
        refused = subprocess.run([*attempt, f"{server.rtmp}/{key}"], timeout=30, check=False)
        assert refused.returncode != 0
        assert server.state("desk") == "offline"


def test_the_title_changes_while_live(server: Server, browser: Browser) -> None:
    key = server.channel("titled")
    with context(browser) as profile, publishing(f"{server.rtmp}/{key}"):
        server.wait_for("titled", "live")
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
            viewer.get_by_role("heading", name="Evening on the porch").wait_for()

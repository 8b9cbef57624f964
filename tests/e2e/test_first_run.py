"""The first five minutes: one command, the printed link and key, a second picture beside the demo."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser
from tests.harness.browser import context
from tests.harness.publisher import publishing
from tests.harness.server import MADANG, NO_WEBRTC, START_S, STOP_S, free_port

pytestmark = pytest.mark.needs("chromium")
PLAYING = (
    "() => { const v = document.querySelector('video'); return v && v.readyState > 2 && v.currentTime > 0.3 }"
)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """What a newcomer's terminal shows, and the HTTP address."""
    http, rtmp = free_port(), free_port()
    said = tmp_path / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [MADANG, "serve", "--demo", "--data", tmp_path / "data",
             "--http", f"127.0.0.1:{http}", "--rtmp", f"127.0.0.1:{rtmp}"],
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, **NO_WEBRTC},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_S
        while "Stream key" not in said.read_text():
            assert process.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.05)
        yield said.read_text(), f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        assert process.wait(STOP_S) == 0


def printed(said: str, label: str) -> str:
    found = re.search(rf"{label}\s+(\S+)", said)
    assert found is not None, said
    return found[1]


def test_from_nothing_to_a_second_picture(started: tuple[str, str], browser: Browser) -> None:
    said, base = started
    link = printed(said, "Sign in").replace("localhost", "127.0.0.1")
    server, key = printed(said, "OBS server"), printed(said, "Stream key")
    with context(browser) as profile:
        page = profile.new_page()
        page.goto(base)
        page.get_by_role("link", name=re.compile("moving picture|Demo|Watch")).first.wait_for()
        page.goto(f"{base}/@demo")
        page.wait_for_function(PLAYING)

        page.goto(link)
        page.get_by_label(re.compile("name", re.I)).first.fill("mina")
        page.locator("input[type=password]").fill("a yard full of people")
        page.locator("form button[type=submit]").click()
        page.wait_for_url(re.compile("/studio"))
        page.goto(f"{base}/studio/live")
        page.get_by_text(re.compile("waiting for", re.I)).first.wait_for()
        page.get_by_text(server.rpartition("/")[0].rpartition(":")[2], exact=False).first.wait_for()

        with publishing(f"{server.replace('localhost', '127.0.0.1')}/{key}"):
            page.wait_for_function(PLAYING)
            live = httpx.get(f"{base}/api/v1/channels?state=live", timeout=30).json()
            states = {one["slug"]: one["live"]["state"] for one in live["items"]}
            assert {slug for slug, state in states.items() if state == "live"} >= {"demo", "main"}
    with context(browser) as other:
        page = other.new_page()
        page.goto(link)
        page.get_by_text(re.compile("used|expired|no longer|not valid", re.I)).first.wait_for()

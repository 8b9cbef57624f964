"""Every action of every page, by thumb at 390 px: what stands there is in reach, large enough, and does what
it says. A control that nobody presses here fails the test, so a new one needs a line in its walk."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.e2e.walks import admin, guest, host, viewer
from tests.harness.browser import PHONE, context
from tests.harness.crowd import furnish, sign_in
from tests.harness.publisher import publishing
from tests.harness.server import Server, running
from tests.harness.thumb import Thumb

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(1200)]

ELSEWHERE = ("/studio/camera | ", "chat | To the newest")
"""A camera is opened on a phone in test_webrtc.py; the way down is there only where somebody has gone up."""


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A site of its own, where it is known what stands on the pages; one channel is live, with a crowd."""
    config = "[accounts]\nsign_up = true\n[payments]\nrehearsal = true\n"
    with running(tmp_path_factory.mktemp("thumb") / "data", config=config) as server:
        key = server.channel("stage")
        furnish(server, "stage")
        with publishing(f"{server.rtmp}/{key}", fps=15):
            server.wait_for("stage", "live")
            yield server


@contextmanager
def phone(browser: Browser, server: Server, *, name: str = "", picture: bool = False) -> Iterator[Thumb]:
    """The front page on a phone; pictures are decoded only where somebody presses their controls."""
    with context(browser, size=PHONE) as profile:
        profile.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.http)
        if name:
            sign_in(profile, server, name)
        if not picture:
            profile.route(re.compile("//[^/]+/live/"), lambda route: route.abort())
        thumb = Thumb(profile.new_page())
        thumb.page.goto(server.http)
        yield thumb


class Inventory:
    """What all walkers together saw and pressed."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.tried: set[str] = set()

    def add(self, thumb: Thumb) -> None:
        thumb.look()
        assert thumb.wrong == [], "\n".join(thumb.wrong)
        self.seen |= thumb.seen
        self.tried |= thumb.tried

    def left(self) -> list[str]:
        left = (one for one in self.seen - self.tried if not one.startswith(ELSEWHERE))
        return sorted(one for one in left if not one.endswith("| Copied"))


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return Inventory()


def test_a_guest(yard: Server, browser: Browser, inventory: Inventory) -> None:
    with phone(browser, yard, picture=True) as thumb:
        guest.walk(thumb)
        inventory.add(thumb)


def test_a_viewer(yard: Server, browser: Browser, inventory: Inventory, tmp_path: Path) -> None:
    with phone(browser, yard) as thumb:
        viewer.walk(thumb, yard.http, tmp_path)
        inventory.add(thumb)


def test_the_host(yard: Server, browser: Browser, inventory: Inventory) -> None:
    with phone(browser, yard, name="admin") as thumb:
        host.walk(thumb, yard)
        inventory.add(thumb)


def test_the_administrator(yard: Server, browser: Browser, inventory: Inventory) -> None:
    with phone(browser, yard, name="admin") as thumb:
        admin.walk(thumb, yard, browser)
        inventory.add(thumb)


def test_nothing_stood_there_that_nobody_pressed(inventory: Inventory) -> None:
    """What the four saw on their way, all of them together pressed."""
    assert inventory.left() == [], "never pressed:\n" + "\n".join(inventory.left())

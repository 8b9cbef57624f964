"""Seeking in a real Chromium, by the burned clock: ten seconds back, far back, and to live again."""

import contextlib
import statistics
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page
from tests.harness.browser import context
from tests.harness.patience import wait_until
from tests.harness.publisher import READ_CLOCK_JS, publishing
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")

PLAYING = (
    "() => { const v = document.querySelector('video'); return v && v.readyState > 2 && v.currentTime > 0.3 }"
)
FAR_S = 70
"""Further back than `index.m3u8` lists."""


def behind_s(page: Page) -> float:
    """How far the picture is behind, by its burned clock; the median of five pictures, as they play."""
    found: list[float] = []
    deadline = time.monotonic() + 5
    while len(found) < 5 and time.monotonic() < deadline:
        late = page.locator("video").evaluate(READ_CLOCK_JS)
        if late is not None:
            found.append(float(late) / 1000)
        page.wait_for_timeout(100)
    assert found, "no picture's clock could be read"
    return statistics.median(found)


def shown_s(page: Page) -> float:
    return float(page.locator("[data-latency]").first.get_attribute("data-latency") or "nan")


def says_so(page: Page) -> None:
    """What is shown is where the picture is, a moment after it got there."""

    def agrees() -> bool:
        shown, behind = shown_s(page), behind_s(page)
        assert abs(shown - behind) < 0.5, f"{shown:.1f} s shown, {behind:.1f} s behind"
        return True

    wait_until(agrees)


def wait_behind(page: Page, least: float, most: float, within_s: float) -> float:
    """Seconds until the picture is between `least` and `most` seconds behind."""
    began = time.monotonic()
    late = behind_s(page)
    while not least <= late <= most:
        assert time.monotonic() - began < within_s, f"{late:.1f} s behind, not {least:.1f} to {most:.1f}"
        late = behind_s(page)
    return time.monotonic() - began


def plays_on(page: Page) -> None:
    """The picture moves as fast as time does, and stays where it is, once a seek has settled."""
    video = page.locator("video")

    def steady() -> bool:
        before, late = video.evaluate("v => v.currentTime"), behind_s(page)
        page.wait_for_timeout(2000)
        moved, went = video.evaluate("v => v.currentTime") - before, behind_s(page) - late
        assert moved > 1.5 and abs(went) < 1.0, f"moved {moved:.1f} s, is {went:.1f} s further behind"
        return True

    wait_until(steady)
    says_so(page)


def press_bar(page: Page, back_s: float) -> None:
    """Press the seek bar where `back_s` seconds behind live are."""
    bar = page.get_by_role("slider", name="Position in the broadcast")
    bar.wait_for(state="attached")
    box = bar.bounding_box()
    assert box is not None
    length = float(bar.get_attribute("max") or "nan")
    thumb = 8.0
    x = box["x"] + thumb + (length - back_s) / length * (box["width"] - 2 * thumb)
    y = box["y"] + box["height"] / 2
    page.mouse.move(x, y)  # the controls come back
    page.wait_for_function("([x, y]) => document.elementFromPoint(x, y)?.type === 'range'", arg=[x, y])
    page.mouse.click(x, y)


def bar_behind_s(page: Page) -> float:
    """How far behind live the seek bar stands."""
    bar = page.get_by_role("slider", name="Position in the broadcast")
    return float(bar.evaluate("bar => bar.max - bar.value"))


def ten_back(page: Page) -> float:
    live = behind_s(page)
    page.keyboard.press("ArrowLeft")
    return wait_behind(page, live + 8.5, live + 11.5, 15)


def far_back(page: Page) -> float:
    press_bar(page, FAR_S)
    return wait_behind(page, FAR_S - 3, FAR_S + 3, 20)


def best_of_three(page: Page, seek: Callable[[Page], float]) -> float:
    """Seconds that it took; where the machine stood still for a moment it is tried again from live."""
    for _ in range(2):
        with contextlib.suppress(AssertionError):
            return seek(page)
        page.keyboard.press("l")
        page.wait_for_timeout(3000)
    return seek(page)


@pytest.mark.timeout(1200)
def test_seeks_back_and_to_live_again(server: Server, browser: Browser) -> None:
    key = server.channel("seek")
    with publishing(f"{server.rtmp}/{key}", fps=15), context(browser) as profile:
        server.wait_for("seek", "live")
        began = time.monotonic()
        page = profile.new_page()
        page.goto(f"{server.http}/@seek")
        page.wait_for_function(PLAYING)
        page.wait_for_timeout(12_000)  # so long that ten seconds back are in the browser

        best_of_three(page, ten_back)
        plays_on(page)
        page.keyboard.press("l")
        took = wait_behind(page, 0, 8, 20)
        print(f"from ten seconds back live again after {took:.1f} s")
        says_so(page)

        page.wait_for_timeout(max(0.0, began + FAR_S + 7 - time.monotonic()) * 1000)
        took = best_of_three(page, far_back)
        print(f"{FAR_S} s back after {took:.1f} s")
        plays_on(page)
        assert abs(bar_behind_s(page) - FAR_S) < 15  # a machine that stands still adds to it
        stood = page.locator("video").evaluate("v => v.currentTime")
        page.keyboard.press("ArrowRight")  # on the bar: one second
        plays_on(page)
        assert page.locator("video").evaluate("v => v.currentTime") > stood + 1
        assert abs(behind_s(page) - FAR_S) < 15

        page.get_by_role("button", name="To live").press("Enter")
        took = wait_behind(page, 0, 8, 20)
        print(f"from {FAR_S} s back live again after {took:.1f} s")
        says_so(page)

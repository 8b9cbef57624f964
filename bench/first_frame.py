"""First pictures in a real Chromium, from the navigation on: python -m bench.first_frame.

Each way of playing is opened LOADS times at odd moments of a two-second GOP, cold (a profile that never was
here) and warm (one that has the page's files). A browser that has just opened a window is busy with itself
for most of a second: the page is asked for after that.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page
from tests.harness.browser import chromium, context
from tests.harness.publisher import publishing
from tests.harness.server import Server, running

from bench.options import parse

LOADS = 8
ENGINES = ("webrtc", "flv", "hls")
SETTLE_S = 1.0
STEP_S = 0.33
"""Between loads: no divisor of the GOP's two seconds."""
PATIENCE_MS = 60_000
FIRST = """(() => {
  localStorage.setItem('madang.preferences', JSON.stringify({ engine: 'ENGINE' }));
  const look = setInterval(() => {
    const video = document.querySelector('video');
    if (!video) return;
    clearInterval(look);
    video.requestVideoFrameCallback(() => { window.__first = performance.now(); });
  }, 3);
})()"""
"""Notes when the first picture was put on the screen, in milliseconds since the navigation began."""


def load_ms(page: Page, url: str) -> float:
    """One load of the watch page in a new window."""
    time.sleep(SETTLE_S)
    page.goto(url)
    page.wait_for_function("() => window.__first > 0", timeout=PATIENCE_MS)
    found = float(page.evaluate("window.__first"))
    page.close()
    return found


def loads(browser: Browser, url: str, engine: str, warm: bool) -> list[float]:
    """LOADS first pictures, each in a profile of its own or all in one that was here before."""
    script = FIRST.replace("ENGINE", engine)

    def profile_loads(profile: BrowserContext, count: int) -> list[float]:
        profile.add_init_script(script)
        found = []
        for _ in range(count):
            found.append(load_ms(profile.new_page(), url))
            time.sleep(STEP_S)
        return found

    if warm:
        with context(browser) as profile:
            return profile_loads(profile, LOADS + 1)[1:]
    found = []
    for _ in range(LOADS):
        with context(browser) as profile:
            found += profile_loads(profile, 1)
    return found


def measure(server: Server, browser: Browser) -> None:
    url = f"{server.http}/@first"
    for engine in ENGINES:
        for warm in (False, True):
            found = sorted(loads(browser, url, engine, warm))
            figures = " | ".join(f"{each:.0f} ms" for each in (statistics.median(found), found[0], found[-1]))
            print(f"| {engine}, {'warm' if warm else 'cold'} | {figures} |", flush=True)


def main() -> None:
    parse(__doc__ or "")
    print("| way | median | fastest | slowest |\n|---|---|---|---|")
    with (
        tempfile.TemporaryDirectory(prefix="madang-first-") as data,
        running(Path(data) / "data") as server,
        chromium() as browser,
    ):
        key = server.channel("first")
        with publishing(f"{server.rtmp}/{key}"):
            server.wait_for("first", "live", 60)
            print("filling the GOP …", file=sys.stderr)
            time.sleep(5)
            measure(server, browser)


if __name__ == "__main__":
    main()

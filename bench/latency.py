"""Glass to glass in a real Chromium, by the wall clock in the picture: python -m bench.latency [--seconds S].

Each way is watched on the watch page, one after the other. Server, encoder and browser share the machine:
what it prints is an upper bound.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser
from tests.e2e.test_webrtc import CANVAS, PICTURE, watch
from tests.harness.browser import chromium, context
from tests.harness.publisher import READ_CLOCK_JS, publishing
from tests.harness.server import Server, running

from bench.options import parse

SETTLE_S = 5.0
"""Players come closer to the live edge bit by bit."""
PATIENCE_MS = 60_000
LOOK_MS = 100
WAYS = {
    "RTMP → WebRTC": ("rtmp", "webrtc", "standard"),
    "WHIP → WebRTC": ("whip", "webrtc", "standard"),
    "RTMP → HTTP-FLV": ("rtmp", "flv", "standard"),
    "RTMP → LL-HLS, low": ("rtmp", "hls", "low"),
    "RTMP → LL-HLS, standard": ("rtmp", "hls", "standard"),
    "WHIP → LL-HLS, standard": ("whip", "hls", "standard"),
}
"""What is published how, with which engine it is watched, and the channel's preset."""


@contextmanager
def on_air(server: Server, browser: Browser, door: str, name: str, key: str) -> Iterator[None]:
    """The channel is live, by ffmpeg (x264, zerolatency) or by a browser."""
    with ExitStack() as stack:
        if door == "rtmp":
            stack.enter_context(publishing(f"{server.rtmp}/{key}"))
        else:
            page = stack.enter_context(context(browser)).new_page()
            page.goto(f"{server.http}/version")
            page.evaluate(CANVAS, [f"{server.http}/live/{name}/whip", key])
        server.wait_for(name, "live", 60)
        yield


def lateness_ms(server: Server, browser: Browser, way: str, seconds: float) -> list[float]:
    """The distance between the picture's clock and now, again and again."""
    door, engine, preset = WAYS[way]
    name = f"latency-{list(WAYS).index(way)}"
    key = server.channel(name, preset=preset)
    with on_air(server, browser, door, name, key), context(browser) as profile:
        page = watch(profile, server, name, engine)
        page.wait_for_function(PICTURE, timeout=PATIENCE_MS)
        page.wait_for_timeout(SETTLE_S * 1000)
        found: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            late = page.locator("video").evaluate(READ_CLOCK_JS)
            if late is not None:
                found.append(float(late))
            page.wait_for_timeout(LOOK_MS)
    return found


def main() -> None:
    options = parse(__doc__ or "")
    print("| way | median | 95 of 100 within |\n|---|---|---|")
    with (
        tempfile.TemporaryDirectory(prefix="madang-latency-") as data,
        running(Path(data) / "data") as server,
        chromium() as browser,
    ):
        for way in WAYS:
            print(f"{way} …", file=sys.stderr, flush=True)
            found = sorted(lateness_ms(server, browser, way, options.seconds))
            if not found:
                print(f"| {way} | no clock could be read | |")
                continue
            middle, late = statistics.median(found), found[int(0.95 * (len(found) - 1))]
            print(f"| {way} | {middle:.0f} ms | {late:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()

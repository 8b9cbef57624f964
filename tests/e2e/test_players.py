"""The players that people already have: hls.js, mpegts.js, dash.js and Shaka, on a page of another origin."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.harness.browser import context
from tests.harness.patience import wait_until
from tests.harness.publisher import READ_CLOCK_JS, publishing
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")
MODULES = Path(__file__).parents[2] / "web" / "node_modules"
PAGE = (
    "<!doctype html><video id=v muted autoplay playsinline width=640></video><script src=/{script}></script>"
)
# name → (script below node_modules, what to run with the video and the server's live address, slowest start)
PLAYERS = {
    "hls.js": (
        "hls.js/dist/hls.js",
        "(v, u) => { const p = new Hls({lowLatencyMode: true}); p.loadSource(u + '/index.m3u8');"
        " p.attachMedia(v); p.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) window.__failed = e.details }) }",
    ),
    "mpegts.js": (
        "mpegts.js/dist/mpegts.js",
        "(v, u) => { const p = mpegts.createPlayer({type: 'flv', isLive: true, url: u + '.flv'});"
        " p.attachMediaElement(v); p.load(); p.on(mpegts.Events.ERROR, (t) => { window.__failed = t }) }",
    ),
    "mpegts.js by websocket": (
        "mpegts.js/dist/mpegts.js",
        "(v, u) => { const w = u.replace('http', 'ws') + '.ws.flv';"
        " const p = mpegts.createPlayer({type: 'flv', isLive: true, url: w});"
        " p.attachMediaElement(v); p.load(); p.on(mpegts.Events.ERROR, (t) => { window.__failed = t }) }",
    ),
    "dash.js": (
        "dashjs/dist/modern/umd/dash.all.min.js",
        "(v, u) => { const p = dashjs.MediaPlayer().create(); p.initialize(v, u + '/manifest.mpd', true);"
        " p.on('error', (e) => { window.__failed = JSON.stringify(e.error && e.error.message) }) }",
    ),
    "shaka by DASH": (
        "shaka-player/dist/shaka-player.compiled.js",
        "async (v, u) => { shaka.polyfill.installAll(); const p = new shaka.Player(); await p.attach(v);"
        " p.addEventListener('error', (e) => { window.__failed = String(e.detail.code) });"
        " await p.load(u + '/manifest.mpd'); v.play() }",
    ),
    "shaka by HLS": (
        "shaka-player/dist/shaka-player.compiled.js",
        "async (v, u) => { shaka.polyfill.installAll(); const p = new shaka.Player(); await p.attach(v);"
        " p.addEventListener('error', (e) => { window.__failed = String(e.detail.code) });"
        " await p.load(u + '/index.m3u8'); v.play() }",
    ),
}


class _Quiet(SimpleHTTPRequestHandler):
    """Pages named after their script, and the scripts below node_modules."""

    def do_GET(self) -> None:
        if self.path.startswith("/page/"):
            body = PAGE.format(script=self.path.removeprefix("/page/")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.2", 0), partial(_Quiet, directory=str(MODULES))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.2:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def live(server: Server) -> Iterator[str]:
    key = server.channel("players")
    with publishing(f"{server.rtmp}/{key}", fps=15):
        server.wait_for("players", "live")
        yield f"{server.http}/live/players"


@pytest.mark.parametrize("player", PLAYERS)
def test_a_player_plays_with_only_its_url_changed(
    browser: Browser, site: str, live: str, player: str
) -> None:
    script, start = PLAYERS[player]
    with context(browser) as profile:
        page = profile.new_page()
        page.goto(f"{site}/page/{script}")
        page.evaluate(f"(u) => {{ ({start})(document.getElementById('v'), u) }}", live)
        page.wait_for_function("() => window.__failed || document.getElementById('v').currentTime > 0")
        video = page.locator("video")
        goes_on = "before => window.__failed || document.getElementById('v').currentTime > before + 1.5"
        page.wait_for_function(goes_on, arg=video.evaluate("v => v.currentTime"))
        assert page.evaluate("window.__failed || null") is None

        def near() -> bool:
            late = video.evaluate(READ_CLOCK_JS)
            assert late is not None and late < 15_000, f"{late} ms behind"
            return True

        wait_until(near)


@pytest.fixture(scope="module")
def live_mp3(server: Server) -> Iterator[str]:
    key = server.channel("players-mp3")
    with publishing(f"{server.rtmp}/{key}", extra=("-c:a", "libmp3lame", "-ar", "44100")):
        server.wait_for("players-mp3", "live")
        yield f"{server.http}/live/players-mp3"


@pytest.mark.parametrize("player", ["hls.js", "dash.js", "shaka by HLS"])
def test_an_mp3_publisher_is_heard(browser: Browser, site: str, live_mp3: str, player: str) -> None:
    """Chromium takes no MP3 in MP4: these players are given AAC."""
    script, start = PLAYERS[player]
    with context(browser) as profile:
        page = profile.new_page()
        page.goto(f"{site}/page/{script}")
        page.evaluate(f"(u) => {{ ({start})(document.getElementById('v'), u) }}", live_mp3)
        heard = "document.getElementById('v').webkitAudioDecodedByteCount"
        page.wait_for_function(f"() => window.__failed || {heard} > 0")
        video = page.locator("video")
        before, at = page.evaluate(heard), video.evaluate("v => v.currentTime")
        more = f"{heard} > before + 20_000 && document.getElementById('v').currentTime > at + 3"
        page.wait_for_function(f"([before, at]) => window.__failed || ({more})", arg=[before, at])
        assert page.evaluate("window.__failed || null") is None
        if player != "shaka by HLS":  # it seeks once behind its start, whatever the sound is
            holds = "(v, at) => v.buffered.start(v.buffered.length - 1) <= at"  # no hole since then
            assert video.evaluate(holds, at)

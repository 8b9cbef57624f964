"""A chat that talks faster than anybody reads, in a real Chromium beside its picture: python -m bench.rush
[--rate 200] [--seconds 60] [--all] [--still] [--profile FILE].

Guests write so many messages a second; one watch page shows them. Prints, for a quiet time and for the rush,
the page's frames (p50, p95, p99, the longest), frames of the picture that were dropped, and long tasks. With
--all the page shows every message instead of as many as can be read; with --still its effects are off, which
the emoji in the messages set off otherwise. --profile writes what the main thread
did, for Chromium's own tools.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import websockets
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bench import servers
from madang.base.limits import CHAT_RATE_S, CHAT_USER_MESSAGES

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
WORDS = "정말 멋져요 what a show 오늘 최고 ㅋㅋㅋㅋ 👏 encore 앵콜 한 번 더 https://example.org/song @Guest"
AT_ONCE = 20
PER_GUEST_S = CHAT_RATE_S / CHAT_USER_MESSAGES * 1.1
"""Seconds between two messages of one guest: below what a room lets through."""
WATCH_FRAMES = """() => {
  const seen = (window.__frames = { gaps: [], long: 0, last: performance.now() });
  new PerformanceObserver(list => (seen.long += list.getEntries().length)).observe({ type: 'longtask' });
  const step = now => { seen.gaps.push(now - seen.last); seen.last = now; requestAnimationFrame(step); };
  requestAnimationFrame(step);
}"""
TAKE_FRAMES = """() => {
  const seen = window.__frames, video = document.querySelector('video').getVideoPlaybackQuality();
  const found = { gaps: seen.gaps.splice(0), long: seen.long, dropped: video.droppedVideoFrames,
    shown: video.totalVideoFrames, rows: document.querySelectorAll('[data-row]').length,
    notice: /messages a second/.test(document.body.innerText) };
  seen.long = 0;
  return found;
}"""


class Guest:
    """One who writes, and hears nothing but answers: of the room's events no kind is asked for."""

    def __init__(self, number: int) -> None:
        self._number, self._sent = number, 0
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.refused = 0

    async def enter(self, http: httpx.AsyncClient, port: int, channel: str) -> None:
        answer = await http.post("/api/v1/realtime/token", json={"nick": f"Guest {self._number}"})
        self._channel = channel
        self._socket = await websockets.connect(
            f"ws://127.0.0.1:{port}/connection/websocket", compression=None, max_queue=None
        )
        self._reading = asyncio.create_task(self._read())
        await self._ask(connect={"token": answer.json()["token"]})
        room = {"channel": f"madang_chat:{channel}", "tf": {"key": "k", "cmp": "eq", "val": "none"}}
        await self._ask(subscribe=room)

    async def _ask(self, **command: Any) -> dict[str, Any]:
        self._sent += 1
        answered = self._asked[self._sent] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": self._sent, **command}))
        return await asyncio.wait_for(answered, 30)

    async def _read(self) -> None:
        """Answers go to whoever asked, pings are answered."""
        async for frame in self._socket:
            for line in str(frame).splitlines():
                reply: dict[str, Any] = json.loads(line)
                if answered := self._asked.pop(reply.get("id", 0), None):
                    answered.set_result(reply)
                elif not reply:
                    await self._socket.send("{}")

    async def talk(self, offset_s: float, until: float) -> None:
        await asyncio.sleep(offset_s)
        while time.monotonic() < until:
            began = time.monotonic()
            length = 8 + (self._number * 7 + self._sent * 13) % (len(WORDS) - 8)
            text = f"{self._number}.{self._sent} {WORDS[:length]}"
            data = {"channel": self._channel, "text": text, "nonce": f"{self._sent}"}
            try:
                reply = await self._ask(rpc={"method": "chat.send", "data": data})
            except TimeoutError:
                reply = {"error": "no answer"}
            self.refused += "error" in reply
            await asyncio.sleep(max(0.0, PER_GUEST_S - (time.monotonic() - began)))

    async def leave(self) -> None:
        await self._socket.close()
        await self._reading


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def row(name: str, found: dict[str, Any], before: dict[str, Any]) -> str:
    gaps = found["gaps"]
    frames = " / ".join(f"{percentile(gaps, share):.0f}" for share in (0.5, 0.95, 0.99, 1.0))
    dropped, shown = found["dropped"] - before["dropped"], found["shown"] - before["shown"]
    notice = "yes" if found["notice"] else "no"
    return f"| {name} | {frames} ms | {dropped} of {shown} | {found['long']} | {found['rows']} | {notice} |"


@contextlib.asynccontextmanager
async def crowd(port: int, channel: str, rate: float) -> AsyncIterator[list[Guest]]:
    """Guests enough for so many messages a second."""
    guests = [Guest(number) for number in range(round(rate * PER_GUEST_S))]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"X-Madang": "1"}) as http:
        for first in range(0, len(guests), AT_ONCE):
            entering = (guest.enter(http, port, channel) for guest in guests[first : first + AT_ONCE])
            await asyncio.gather(*entering)
    try:
        yield guests
    finally:
        await asyncio.gather(*(guest.leave() for guest in guests))


async def open_page(browser: Browser, port: int, options: argparse.Namespace) -> Page:
    """The watch page with its picture playing and its chat there."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
    chosen = ({"chatAll": True} if options.all else {}) | ({"effects": "off"} if options.still else {})
    kept = json.dumps(json.dumps(chosen))
    await page.add_init_script(f"localStorage.setItem('madang.preferences', {kept})")
    await page.goto(f"http://127.0.0.1:{port}/@bench")
    await page.get_by_role("log", name="Messages").wait_for(timeout=60_000)
    await page.wait_for_function("() => document.querySelector('video')?.currentTime > 1", timeout=60_000)
    await page.evaluate(WATCH_FRAMES)
    return page


async def profiled(page: Page, file: Path) -> CDPSession:
    session = await page.context.new_cdp_session(page)
    await session.send("Profiler.enable")
    await session.send("Profiler.setSamplingInterval", {"interval": 500})
    await session.send("Profiler.start")
    file.touch()
    return session


async def measure(options: argparse.Namespace, port: int, browser: Browser) -> None:
    page = await open_page(browser, port, options)
    async with httpx.AsyncClient() as http:
        found = await http.get(f"http://127.0.0.1:{port}/api/v1/channels/bench")
    async with crowd(port, found.json()["id"], options.rate) as guests:
        await asyncio.sleep(5)
        first = await page.evaluate(TAKE_FRAMES)
        await asyncio.sleep(options.quiet)
        quiet = await page.evaluate(TAKE_FRAMES)
        print(row("quiet", quiet, first), flush=True)
        session = await profiled(page, options.profile) if options.profile else None
        until = time.monotonic() + options.seconds
        step = PER_GUEST_S / len(guests)
        talk = asyncio.gather(*(guest.talk(step * n, until) for n, guest in enumerate(guests)))
        await asyncio.sleep(options.seconds)
        loud = await page.evaluate(TAKE_FRAMES)
        if session is not None:
            profile = (await session.send("Profiler.stop"))["profile"]
            options.profile.write_text(json.dumps(profile))
        await talk
        print(row(f"{options.rate:.0f} messages/s", loud, quiet), flush=True)
        refused = sum(guest.refused for guest in guests)
        if refused:
            print(f"{refused} messages were refused, or not answered")


async def browse(options: argparse.Namespace, port: int) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            await measure(options, port, browser)
        finally:
            await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--quiet", type=float, default=20.0)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--still", action="store_true")
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    print("| | frames p50 / p95 / p99 / longest | picture dropped | long tasks | rows | notice |")
    print("|---|---|---|---|---|---|")
    with servers.madang()() as server, servers.published(server):
        asyncio.run(browse(options, server.http))


if __name__ == "__main__":
    main()
